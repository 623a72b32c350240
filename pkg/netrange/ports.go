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

// List names ports for a person, at most six of them.
func List(ports []int) string {
	const most = 6
	var b strings.Builder
	for i, p := range ports[:min(len(ports), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(p))
	}
	if len(ports) > most {
		fmt.Fprintf(&b, " and %d more", len(ports)-most)
	}
	return b.String()
}
