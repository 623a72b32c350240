package netrange

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxPort is the highest port of TCP and of UDP.
const MaxPort = 65535

// Ports is a set of ports. NewPorts makes one.
type Ports struct{ sorted []int }

// NewPorts gives the set of the ports, which may be in any order and more than
// once there.
func NewPorts(ports []int) Ports {
	sorted := slices.Clone(ports)
	slices.Sort(sorted)
	return Ports{slices.Compact(sorted)}
}

// In gives those of the ports that lie from one port to another, both included.
func (p Ports) In(from, to int32) []int {
	first, _ := slices.BinarySearch(p.sorted, int(from))
	end, _ := slices.BinarySearch(p.sorted, int(to)+1)
	if first >= end {
		return nil
	}
	return p.sorted[first:end]
}

// CheckPorts reports the first value of the parameter that is no port.
func CheckPorts(parameter string, ports []int) error {
	for _, port := range ports {
		if port < 0 || port > MaxPort {
			return fmt.Errorf("%s: %d is not a port, 0 to %d", parameter, port, MaxPort)
		}
	}
	return nil
}

// Are says of ports what they are, naming at most six: "port 22 is risky",
// "ports 22 and 3389 are risky".
func Are(ports []int, what string) string {
	const most = 6
	if len(ports) == 1 {
		return fmt.Sprintf("port %d is %s", ports[0], what)
	}
	var names []string
	for _, p := range ports[:min(len(ports), most)] {
		names = append(names, strconv.Itoa(p))
	}
	if len(ports) > most {
		names = append(names, fmt.Sprintf("%d more", len(ports)-most))
	}
	last := len(names) - 1
	return "ports " + strings.Join(names[:last], ", ") + " and " + names[last] + " are " + what
}
