package policy

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Load reads a policy for the given functions. Functions that the file does
// not mention get the defaults. name is what errors call the file; now is what
// [Policy.Warnings] measure expiry against. Every problem found is in the
// error, each an [*Error]; a policy with a problem is no policy.
func Load(src []byte, name string, functions []remedy.Function, now time.Time) (*Policy, error) {
	return load(src, name, functions, now, false)
}

// LoadFor is [Load] for a host that carries one function only and reads the
// file it shares with the others: their sections and exemptions are checked
// for form, but neither their names nor their parameters.
func LoadFor(src []byte, name string, f remedy.Function, now time.Time) (*Policy, error) {
	return load(src, name, []remedy.Function{f}, now, true)
}

// LoadFile is [Load] for the file at path.
func LoadFile(path string, functions []remedy.Function, now time.Time) (*Policy, error) {
	src, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return Load(src, path, functions, now)
}

// readFile reads no more than shows that a file is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

func load(src []byte, name string, functions []remedy.Function, now time.Time, others bool) (*Policy, error) {
	d := decoder{problems: problems{file: name}, others: others, functions: map[string]remedy.Function{}}
	for _, f := range functions {
		d.functions[f.Name] = f
	}
	root := parse(src, &d.problems)
	if root == nil {
		return nil, d.err()
	}
	p := Default(functions)
	d.policy(root, p)
	if err := d.err(); err != nil {
		return nil, err
	}
	p.index()
	p.warn(name, now)
	return p, nil
}

// index sorts the exemptions by the functions they may cover.
func (p *Policy) index() {
	p.byFunction = make(map[string][]exemption, len(p.functions))
	for name := range p.functions {
		p.byFunction[name] = nil
		for _, x := range p.exemptions {
			if x.Function == "" || x.Function == name {
				p.byFunction[name] = append(p.byFunction[name], x)
			}
		}
	}
}
