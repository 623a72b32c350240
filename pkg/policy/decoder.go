package policy

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// decoder takes a syntax tree apart and collects what is wrong with it. Its
// methods report a problem themselves and then give a zero value and false.
type decoder struct {
	problems
	functions map[string]remedy.Function
	others    bool // the file may speak of functions that are not known here
}

func (d *decoder) errorf(n ast.Node, format string, args ...any) {
	line, column := at(n)
	d.add(line, column, format, args...)
}

// entry is one key of a mapping.
type entry struct {
	name       string
	key, value ast.Node
}

// entries gives a mapping's keys, each once, in order. what names the mapping.
func (d *decoder) entries(n ast.Node, what string) ([]entry, bool) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.mismatch(n, what, "a mapping")
		return nil, false
	}
	first := map[string]int{}
	var out []entry
	for _, v := range m.Values {
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			d.errorf(v.Key, "%s has a key that is %s; a key must be a string", what, kind(v.Key))
			continue
		}
		line, _ := at(key)
		if before, dup := first[key.Value]; dup {
			d.errorf(key, "key %q of %s is given already, on line %d", key.Value, what, before)
			continue
		}
		first[key.Value] = line
		out = append(out, entry{key.Value, key, v.Value})
	}
	return out, true
}

// mapping gives the values of a mapping whose keys must be among the known
// ones; nil when it is no mapping.
func (d *decoder) mapping(n ast.Node, what string, known ...string) map[string]ast.Node {
	es, ok := d.entries(n, what)
	if !ok {
		return nil
	}
	out := map[string]ast.Node{}
	for _, e := range es {
		if !slices.Contains(known, e.name) {
			d.unknown(e.key, "key", e.name, " in "+what, known)
			continue
		}
		out[e.name] = e.value
	}
	return out
}

// unknown reports a word that is none of the known ones. sort names what the
// word should be, where the place it stands in, if that needs saying.
func (d *decoder) unknown(n ast.Node, sort, word, where string, known []string) {
	known = slices.Sorted(slices.Values(known))
	hint := suggest(word, known)
	switch {
	case hint == "" && len(known) == 0:
		hint = "; there are none"
	case hint == "":
		hint = "; there are " + strings.Join(known, ", ")
	}
	d.errorf(n, "unknown %s %q%s%s", sort, word, where, hint)
}

// list gives a list's entries.
func (d *decoder) list(n ast.Node, what string) ([]ast.Node, bool) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mismatch(n, what, "a list")
		return nil, false
	}
	return s.Values, true
}

// aString is what is wanted of a free text. A number there lacks its quotes.
const aString = "a string"

// str gives a string; want says what it stands for, for the error.
func (d *decoder) str(n ast.Node, what, want string) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	d.mismatch(n, what, want)
	return "", false
}

// text gives a string that is not blank.
func (d *decoder) text(n ast.Node, what string) (string, bool) {
	s, ok := d.str(n, what, aString)
	if ok && strings.TrimSpace(s) == "" {
		d.errorf(n, "%s is blank", what)
		return "", false
	}
	return s, ok
}

// integer gives a whole number that an int holds.
func (d *decoder) integer(n ast.Node, what string) (int, bool) {
	if i, ok := n.(*ast.IntegerNode); ok {
		switch v := i.Value.(type) {
		case int64:
			return int(v), true
		case uint64:
			if v <= math.MaxInt {
				return int(v), true // #nosec G115 -- it fits
			}
		}
		d.errorf(n, "%s is out of range: %s", what, i.Token.Value)
		return 0, false
	}
	d.mismatch(n, what, "a whole number")
	return 0, false
}

// share gives a number from 0 to 1.
func (d *decoder) share(n ast.Node, what string) (float64, bool) {
	var v float64
	switch n := n.(type) {
	case *ast.IntegerNode:
		i, ok := d.integer(n, what)
		if !ok {
			return 0, false
		}
		v = float64(i)
	case *ast.FloatNode:
		v = n.Value
	default:
		d.mismatch(n, what, "a number from 0 to 1")
		return 0, false
	}
	if v < 0 || v > 1 {
		d.errorf(n, "%s is %s; it is a share, from 0 for none to 1 for all", what, n.GetToken().Value)
		return 0, false
	}
	return v, true
}

// duration gives a duration of more than nothing.
func (d *decoder) duration(n ast.Node, what string) (time.Duration, bool) {
	s, ok := d.str(n, what, `a duration, such as "10m"`)
	if !ok {
		return 0, false
	}
	v, err := time.ParseDuration(s)
	if err != nil || strings.Trim(s, "0123456789hms") != "" || strings.Contains(s, "ms") {
		d.errorf(n, `%s is %q; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`, what, s)
		return 0, false
	}
	if v == 0 {
		d.errorf(n, "%s must be longer than nothing", what)
		return 0, false
	}
	return v, true
}

// pattern gives a glob.
func (d *decoder) pattern(n ast.Node, what string) (glob, bool) {
	s, ok := d.text(n, what)
	return newGlob(s), ok
}

// patterns gives a list of at least one glob.
func (d *decoder) patterns(n ast.Node, what string) []glob {
	nodes, ok := d.list(n, what)
	if ok && len(nodes) == 0 {
		d.errorf(n, "%s is an empty list, which would match nothing: remove it, or list patterns", what)
	}
	var out []glob
	for i, n := range nodes {
		if g, ok := d.pattern(n, fmt.Sprintf("%s[%d]", what, i)); ok {
			out = append(out, g)
		}
	}
	return out
}

// mismatch reports a value of the wrong type.
func (d *decoder) mismatch(n ast.Node, what, want string) {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if want == aString {
			d.errorf(n, "%s must be a string, not %s: put it in quotes, %q", what, kind(n), n.GetToken().Value)
			return
		}
	case *ast.NullNode:
		d.errorf(n, "%s is empty: give it %s, or remove it", what, want)
		return
	}
	d.errorf(n, "%s must be %s, not %s", what, want, kind(n))
}

// kind names what a node is.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "null"
	case *ast.StringNode, *ast.LiteralNode:
		return "a string"
	case *ast.IntegerNode:
		return "a whole number"
	case *ast.FloatNode:
		return "a fraction"
	case *ast.InfinityNode, *ast.NanNode:
		return "infinite or not a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias, which policy files can't have"
	case *ast.MergeKeyNode:
		return "a merge key, which policy files can't have"
	case *ast.TagNode:
		return "a YAML tag, which policy files can't have"
	}
	return "something else, which policy files can't have"
}
