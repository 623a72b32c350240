// Package accessblock is S3's public access block, of a bucket or an account:
// its four flags, and what follows from their being off.
package accessblock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Block is a public access block, by the API's names for its flags. A holder
// that has none configured has a nil one, which works as one with all flags off.
type Block struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// flag is one flag of a block: its name, the rule that it be on, what its being
// off permits (%s stands for buckets and objects), and where it is.
type flag struct {
	name, rule, permits string
	of                  func(*Block) *bool
}

// flags gives the flags in the order of the API's documentation.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html
func flags() [4]flag {
	return [...]flag{
		{"BlockPublicAcls", "block-public-acls-off", "public ACLs can be put on %s", func(b *Block) *bool { return &b.BlockPublicAcls }},
		{"IgnorePublicAcls", "ignore-public-acls-off", "public ACLs of %s have effect", func(b *Block) *bool { return &b.IgnorePublicAcls }},
		{"BlockPublicPolicy", "block-public-policy-off", "a public bucket policy can be put", func(b *Block) *bool { return &b.BlockPublicPolicy }},
		{"RestrictPublicBuckets", "restrict-public-buckets-off", "a public bucket policy lets in other accounts and the public", func(b *Block) *bool { return &b.RestrictPublicBuckets }},
	}
}

// Names gives the flags' names in the order of the API's documentation.
func Names() []string {
	var out []string
	for _, f := range flags() {
		out = append(out, f.name)
	}
	return out
}

// CheckNames reports the first of the names that is no flag's, or is there
// twice, by its place in the list that field names.
func CheckNames(field string, names []string) error {
	for i, name := range names {
		switch {
		case !slices.Contains(Names(), name):
			return fmt.Errorf("%s[%d]: %q is not one of %s", field, i, name, strings.Join(Names(), ", "))
		case slices.Contains(names[:i], name):
			return fmt.Errorf("%s[%d]: %s is there twice", field, i, name)
		}
	}
	return nil
}

// Violations gives one for each required flag that is off; no names mean that
// all four are required. holder and its things are what messages call them:
// "bucket site", "it and its objects".
func (b *Block) Violations(required []string, holder, things string) []remedy.Violation {
	why := "of " + holder + " is off"
	if b == nil {
		why = "is off, because " + holder + " has no public access block"
	}
	live := b.flags()
	var out []remedy.Violation
	for _, f := range flags() {
		if requires(required, f.name) && !*f.of(&live) {
			out = append(out, remedy.Violation{
				Rule:    f.rule,
				Part:    f.name,
				Message: fmt.Sprintf("%s %s: %s.", f.name, why, strings.ReplaceAll(f.permits, "%s", things)),
			})
		}
	}
	return out
}

func requires(required []string, name string) bool {
	return len(required) == 0 || slices.Contains(required, name)
}

// flags gives the flags as they work: without a block all are off.
func (b *Block) flags() Block {
	if b == nil {
		return Block{}
	}
	return *b
}

// Repaired gives a block with the required flags on, and those that are on in
// base. It turns none off: a flag that a change turned on beside is kept.
func (b *Block) Repaired(required []string, base *Block) *Block {
	want, before := b.flags(), base.flags()
	for _, f := range flags() {
		if requires(required, f.name) || *f.of(&before) {
			*f.of(&want) = true
		}
	}
	return &want
}

// Same reports whether two holders have the same: no block is another state
// than one with all flags off, which an undo must tell apart.
func (b *Block) Same(other *Block) bool {
	return (b == nil) == (other == nil) && b.flags() == other.flags()
}
