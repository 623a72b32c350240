package s3publicaccessblock

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	for name, c := range map[string]struct {
		state  State
		params Params
		want   []remedy.Violation
	}{
		"all on": {state: with(on, on, on, on)},
		"all off": {state: with(off, off, off, off), want: []remedy.Violation{
			{Rule: aclsOff, Part: "BlockPublicAcls", Message: "BlockPublicAcls of bucket www is off: public ACLs can be put on it and its objects."},
			{Rule: ignoreOff, Part: "IgnorePublicAcls", Message: "IgnorePublicAcls of bucket www is off: public ACLs of it and its objects have effect."},
			{Rule: policyOff, Part: "BlockPublicPolicy", Message: "BlockPublicPolicy of bucket www is off: a public bucket policy can be put."},
			{Rule: restrictOff, Part: "RestrictPublicBuckets", Message: "RestrictPublicBuckets of bucket www is off: a public bucket policy lets in other accounts and the public."},
		}},
		"no block, one flag required": {state: State{}, params: Params{Required: []string{"IgnorePublicAcls"}}, want: []remedy.Violation{
			{Rule: ignoreOff, Part: "IgnorePublicAcls", Message: "IgnorePublicAcls is off, because bucket www has no public access block: public ACLs of it and its objects have effect."},
		}},
		"only what is not required is off": {state: with(on, off, off, on), params: Params{Required: []string{"RestrictPublicBuckets", "BlockPublicAcls"}}},
		"allowed by name":                  {state: State{}, params: Params{AllowedBuckets: []string{"www"}}},
		"allowed by pattern":               {state: with(off, off, off, off), params: Params{AllowedBuckets: []string{"x", "w?w"}}},
		"not in the pattern": {state: with(on, on, on, off), params: Params{AllowedBuckets: []string{"ww", "w"}}, want: []remedy.Violation{
			{Rule: restrictOff, Part: "RestrictPublicBuckets", Message: "RestrictPublicBuckets of bucket www is off: a public bucket policy lets in other accounts and the public."},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(Target{Bucket: "www"}, c.state, c.params)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	one := Params{Required: []string{"BlockPublicAcls"}}
	known := func(s State) remedy.Baseline[State] { return remedy.Baseline[State]{State: s, Known: true} }
	for name, c := range map[string]struct {
		live   State
		base   remedy.Baseline[State]
		params Params
		want   State
	}{
		"all come on":                         {with(off, on, off, on), remedy.Baseline[State]{}, Params{}, with(on, on, on, on)},
		"no block":                            {State{}, remedy.Baseline[State]{}, Params{}, with(on, on, on, on)},
		"allowed bucket":                      {State{}, known(with(on, on, on, on)), Params{AllowedBuckets: []string{"b"}}, State{}},
		"only what is required":               {with(off, on, off, off), remedy.Baseline[State]{}, one, with(on, on, off, off)},
		"what the baseline had":               {with(off, off, off, off), known(with(on, off, on, off)), one, with(on, off, on, off)},
		"what the baseline had not, stays":    {with(off, on, off, off), known(with(on, off, off, off)), one, with(on, on, off, off)},
		"a baseline that is not known":        {with(off, off, off, off), remedy.Baseline[State]{State: with(on, on, on, on)}, one, with(on, off, off, off)},
		"a baseline without a block":          {with(off, off, off, off), known(State{}), one, with(on, off, off, off)},
		"a baseline that is no longer enough": {State{}, known(with(off, off, on, off)), one, with(on, off, on, off)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.live.Tags, c.want.Tags = map[string]string{"k": "v"}, map[string]string{"k": "v"}
			got := repair(Target{Bucket: "b"}, c.live, c.base, c.params)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	target := Target{Bucket: "b", Account: "111122223333", Region: "eu-west-1"}
	putting := func(s State) []remedy.Call {
		return []remedy.Call{{API: put, Params: call{"b", "111122223333", s.Block}}}
	}
	for name, c := range map[string]struct {
		from, to State
		want     []remedy.Call
	}{
		"none to none":             {State{}, State{}, nil},
		"same flags":               {with(on, off, on, off), with(on, off, on, off), nil},
		"tags are only read":       {State{}, State{Tags: map[string]string{"k": "v"}}, nil},
		"other flags":              {with(on, off, on, off), with(on, on, on, on), putting(with(on, on, on, on))},
		"none to all off":          {State{}, with(off, off, off, off), putting(with(off, off, off, off))},
		"all off to none":          {with(off, off, off, off), State{}, []remedy.Call{{API: remove, Params: call{"b", "111122223333", nil}}}},
		"an undo that deletes all": {with(on, on, on, on), State{}, []remedy.Call{{API: remove, Params: call{"b", "111122223333", nil}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []remedy.Call
			for _, ch := range diff(target, c.from, c.to) {
				got = append(got, ch.Call())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func states(t *rapid.T, label string) State {
	if !rapid.Bool().Draw(t, label+" is configured") {
		return State{}
	}
	flag := func(name string) bool { return rapid.Bool().Draw(t, label+" "+name) }
	return with(flag("acls"), flag("ignore"), flag("policy"), flag("restrict"))
}

func TestProperties(t *testing.T) {
	t.Parallel()
	target := Target{Bucket: "b", Account: "111122223333", Region: "eu-west-1"}
	rapid.Check(t, func(t *rapid.T) {
		live, other := states(t, "live"), states(t, "baseline")
		params := Params{Required: rapid.SliceOfDistinct(rapid.SampledFrom(accessblock.Names()), func(s string) string { return s }).Draw(t, "required")}
		base := remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}

		got := repair(target, live, base, params)
		if left := check(target, got, params); len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		if !got.Block.Same(got.Block.Repaired(params.Required, live.Block)) {
			t.Fatalf("a flag of %+v is turned off: %+v", live.Block, got.Block)
		}
		for _, s := range []State{live, other, got} {
			if n := len(diff(target, s, s)); n != 0 {
				t.Fatalf("Diff(s, s) has %d changes", n)
			}
		}
		// A model of the API: what is put is what is there.
		model := live
		for _, c := range diff(target, live, other) {
			model.Block = c.Block
		}
		if diff := cmp.Diff(other, model); diff != "" {
			t.Fatalf("Diff applied (-want +got):\n%s", diff)
		}
	})
}
