package policydoc

import (
	"encoding/json"
	"slices"
	"strings"
)

// Equivalent reports whether both policies say the same: white space and the
// order of members and lists do not count, and a list of one is its element.
// AWS itself hands some policies back with their lists in another order.
func (d Document) Equivalent(o Document) bool {
	return d.text == o.text || !d.IsZero() && !o.IsZero() && canonical(d.text) == canonical(o.text)
}

// Holds reports whether d still has every statement of o, under the same
// version of the policy language. Every policy holds no policy.
func (d Document) Holds(o Document) bool {
	if o.IsZero() {
		return true
	}
	if d.version() != o.version() {
		return false
	}
	have := map[string]bool{}
	for _, s := range d.spans {
		have[canonical(d.text[s.from:s.to])] = true
	}
	for _, s := range o.spans {
		if !have[canonical(o.text[s.from:s.to])] {
			return false
		}
	}
	return true
}

func (d Document) version() string {
	if d.Version == "" {
		return "2008-10-17"
	}
	return d.Version
}

// canonical gives the same text for JSON that says the same in a policy.
func canonical(text string) string {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return text // Parse has passed it, so this is not reached; if it were, only equal bytes would be equal
	}
	return encode(ordered(v))
}

// ordered sorts what has no order. Every list in a policy is a set.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = ordered(e)
		}
	case []any:
		for i, e := range v {
			v[i] = ordered(e)
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(encode(a), encode(b)) })
		v = slices.CompactFunc(v, func(a, b any) bool { return encode(a) == encode(b) })
		if len(v) == 1 {
			return v[0]
		}
		return v
	}
	return v
}

func encode(v any) string {
	b, _ := json.Marshal(v) // what was decoded from JSON can be encoded
	return string(b)
}
