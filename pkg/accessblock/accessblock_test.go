package accessblock_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

type block = accessblock.Block

func TestViolations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block    *block
		required []string
		want     []remedy.Violation
	}{
		"all on": {block: &block{true, true, true, true}},
		"none, and all required": {want: []remedy.Violation{
			{Rule: "block-public-acls-off", Part: "BlockPublicAcls", Message: "BlockPublicAcls is off, because the account has no public access block: public ACLs can be put on buckets."},
			{Rule: "ignore-public-acls-off", Part: "IgnorePublicAcls", Message: "IgnorePublicAcls is off, because the account has no public access block: public ACLs of buckets have effect."},
			{Rule: "block-public-policy-off", Part: "BlockPublicPolicy", Message: "BlockPublicPolicy is off, because the account has no public access block: a public bucket policy can be put."},
			{Rule: "restrict-public-buckets-off", Part: "RestrictPublicBuckets", Message: "RestrictPublicBuckets is off, because the account has no public access block: a public bucket policy lets in other accounts and the public."},
		}},
		"one off": {block: &block{true, true, false, true}, want: []remedy.Violation{
			{Rule: "block-public-policy-off", Part: "BlockPublicPolicy", Message: "BlockPublicPolicy of the account is off: a public bucket policy can be put."},
		}},
		"only what is not required is off": {block: &block{false, true, false, true}, required: []string{"IgnorePublicAcls", "RestrictPublicBuckets"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.block.Violations(c.required, "the account", "buckets")); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepaired(t *testing.T) {
	t.Parallel()
	one := []string{"BlockPublicAcls"}
	for name, c := range map[string]struct {
		live     *block
		required []string
		base     *block
		want     block
	}{
		"all come on":                  {&block{false, true, false, true}, nil, nil, block{true, true, true, true}},
		"no block":                     {nil, nil, nil, block{true, true, true, true}},
		"only what is required":        {&block{false, true, false, false}, one, nil, block{true, true, false, false}},
		"what the baseline had":        {&block{}, one, &block{true, false, true, false}, block{true, false, true, false}},
		"what the baseline had not":    {&block{false, true, false, false}, one, &block{true, false, false, false}, block{true, true, false, false}},
		"more than the baseline has":   {nil, one, &block{false, false, true, false}, block{true, false, true, false}},
		"a baseline without any block": {&block{}, one, nil, block{true, false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(&c.want, c.live.Repaired(c.required, c.base)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b *block
		want bool
	}{
		"none":          {nil, nil, true},
		"equal":         {&block{true, false, true, false}, &block{true, false, true, false}, true},
		"other flags":   {&block{true, false, true, false}, &block{true, false, true, true}, false},
		"none, all off": {nil, &block{}, false},
		"all off, none": {&block{}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.a.Same(c.b); got != c.want {
				t.Errorf("Same = %v, want %v", got, c.want)
			}
		})
	}
}

func TestCheckNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names []string
		want  string
	}{
		"none":         {nil, ""},
		"all":          {accessblock.Names(), ""},
		"unknown flag": {[]string{"BlockPublicAcls", "blockPublicPolicy"}, `required[1]: "blockPublicPolicy" is not one of BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets`},
		"flag twice":   {[]string{"BlockPublicAcls", "BlockPublicAcls"}, "required[1]: BlockPublicAcls is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := accessblock.CheckNames("required", c.names)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("CheckNames = %v, want %q", err, c.want)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	draw := func(t *rapid.T, label string) *block {
		if rapid.Bool().Draw(t, "no "+label) {
			return nil
		}
		flag := func(n string) bool { return rapid.Bool().Draw(t, label+n) }
		return &block{flag("1"), flag("2"), flag("3"), flag("4")}
	}
	rapid.Check(t, func(t *rapid.T) {
		live, base := draw(t, "live"), draw(t, "base")
		required := rapid.SliceOfDistinct(rapid.SampledFrom(accessblock.Names()), rapid.ID[string]).Draw(t, "required")
		got := live.Repaired(required, base)
		if left := got.Violations(required, "it", "things"); len(left) > 0 {
			t.Fatalf("violations of a repaired block = %v", left)
		}
		if !got.Same(got.Repaired(required, live)) {
			t.Fatalf("a flag of %+v was turned off: %+v", live, got)
		}
	})
}
