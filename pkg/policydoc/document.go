// Package policydoc reads IAM policies, of resources and of identities, so that
// statements can be judged and taken out while all others keep every byte.
//
// It is strict: a member, operator or shape that it does not know is an error,
// because nothing can be said of a policy that is only half understood.
// The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
package policydoc

import "strings"

// MaxSize is the longest text that Parse takes, in bytes. The largest resource
// policy that AWS stores is a KMS key's, 32 KB; a bucket's may have 20 KB.
const MaxSize = 64 << 10

// Document is a policy: its text, byte for byte, and what the text says. It is
// immutable. The zero value stands for no policy at all.
type Document struct {
	Version    string // "2012-10-17" or "2008-10-17", which is also what none means
	Statements []Statement

	text  string
	spans []span // of the statements
}

// span is a part of a document's text.
type span struct{ from, to int }

// Statement is one statement of a policy.
type Statement struct {
	Sid          string // empty when it has none
	Allow        bool   // else it denies
	Principals   []Principal
	NotPrincipal bool // it applies to all but the Principals
	Actions      []string
	NotAction    bool // it applies to all but the Actions
	Resources    []string
	NotResource  bool        // it applies to all but the Resources
	Conditions   []Condition // all must hold; none when there are none
}

// Principal is who a statement applies to.
type Principal struct {
	Kind  string // "AWS", "Service", "Federated" or "CanonicalUser"
	Value string // "*" of kind AWS is everyone
}

// Condition is one key under one operator. It holds when one of the values
// matches, or for a negated operator when none does.
type Condition struct {
	Operator string // in AWS's spelling, without prefix and suffix: "StringEquals"
	ForAll   bool   // ForAllValues: it also holds when the request lacks the key
	ForAny   bool   // ForAnyValue
	IfExists bool   // it also holds when the request lacks the key
	Key      string // in lower case: keys have no case
	Values   []string
}

// String gives the policy's text as it was parsed; "" for no policy.
func (d Document) String() string { return d.text }

// IsZero reports whether d is no policy.
func (d Document) IsZero() bool { return d.text == "" }

// Equal reports whether both texts are the same, byte for byte.
func (d Document) Equal(o Document) bool { return d.text == o.text }

// MarshalText gives the policy's text. In JSON a document is thus a string,
// which keeps every byte.
func (d Document) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalText parses a policy; an empty text is no policy.
func (d *Document) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Document{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Without gives the policy without the statements that drop names by index.
// All other bytes stay as they are, but for the commas and white space that
// stood between. Without nothing to drop it is the same document; with no
// statement left it is no policy, since AWS stores none without statements.
func (d Document) Without(drop func(index int) bool) Document {
	var keep []int
	for i := range d.Statements {
		if !drop(i) {
			keep = append(keep, i)
		}
	}
	switch len(keep) {
	case len(d.Statements):
		return d
	case 0:
		return Document{}
	}
	// With some kept and some dropped, Statement is an array.
	out := Document{Version: d.Version}
	var b strings.Builder
	last := len(d.spans) - 1
	b.WriteString(d.text[:d.spans[0].from])
	for n, i := range keep {
		if n > 0 {
			b.WriteString(d.text[d.spans[i-1].to:d.spans[i].from])
		}
		at := span{from: b.Len()}
		b.WriteString(d.text[d.spans[i].from:d.spans[i].to])
		at.to = b.Len()
		out.spans = append(out.spans, at)
		out.Statements = append(out.Statements, d.Statements[i])
	}
	b.WriteString(d.text[d.spans[last].to:])
	out.text = b.String()
	return out
}
