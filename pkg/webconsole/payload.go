package webconsole

import (
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/linediff"
)

// maxPayload is the most bytes of a payload that a page shows.
const maxPayload = 64 << 10

// payload is an event as it was received, ready to be shown.
type payload struct {
	Lines   []string // clean
	Bytes   int64    // as received
	More    int64    // bytes that are not shown, of the lines
	Command string   // prints all of it
}

// shownPayload gives what a page shows of a payload, one member of JSON a line.
func shownPayload(raw []byte, command string) payload {
	p := payload{Bytes: int64(len(raw)), Command: command}
	left := maxPayload
	for _, line := range linediff.Lines(raw) {
		if left <= 0 {
			p.More += int64(len(line) + 1)
			continue
		}
		shown := line[:min(len(line), left)]
		left -= len(shown) + 1
		p.More += int64(len(line) - len(shown))
		p.Lines = append(p.Lines, console.Clean(shown))
	}
	return p
}
