package s3bucketpolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	violation := func(part, message string) remedy.Violation {
		return remedy.Violation{Rule: "public-statement", Part: part, Message: message}
	}
	const everyone = ` of the policy of bucket www allows everyone (AWS principal "*") without a condition.`
	for name, c := range map[string]struct {
		policy []string
		params Params
		want   []remedy.Violation
	}{
		"no statements":                  {},
		"deny of everyone":               {policy: []string{tlsOnly}},
		"another account":                {policy: []string{partner}},
		"conditions on org and VPC":      {policy: []string{org, vpc}},
		"public by its Sid":              {policy: []string{tlsOnly, read}, want: []remedy.Violation{violation("PublicRead", "Statement PublicRead (s3:GetObject)"+everyone)}},
		"public without a Sid":           {policy: []string{tlsOnly, list}, want: []remedy.Violation{violation("#2", "Statement #2 (s3:ListBucket, s3:Get*)"+everyone)}},
		"public for all but some action": {policy: []string{`{"Effect":"Allow","Principal":"*","NotAction":"s3:Put*","Resource":"*"}`}, want: []remedy.Violation{violation("#1", "Statement #1 (all actions but s3:Put*)"+everyone)}},
		"two with one Sid":               {policy: []string{read, read}, want: []remedy.Violation{violation("PublicRead", "Statement PublicRead (s3:GetObject)"+everyone), violation("PublicRead", "Statement PublicRead (s3:GetObject)"+everyone)}},
		"in the order of the policy":     {policy: []string{list, partner, read}, want: []remedy.Violation{violation("#1", "Statement #1 (s3:ListBucket, s3:Get*)"+everyone), violation("PublicRead", "Statement PublicRead (s3:GetObject)"+everyone)}},
		"allowed by name":                {policy: []string{read}, params: Params{AllowedBuckets: []string{"www"}}},
		"allowed by pattern":             {policy: []string{read}, params: Params{AllowedBuckets: []string{"x", "w*"}}},
		"not in the pattern":             {policy: []string{read}, params: Params{AllowedBuckets: []string{"ww", "w"}}, want: []remedy.Violation{violation("PublicRead", "Statement PublicRead (s3:GetObject)"+everyone)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(Target{Bucket: "www"}, State{Policy: doc(t, c.policy...)}, c.params)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	of := func(statements ...string) string { return doc(t, statements...).String() }
	const unknown = "unknown"
	for name, c := range map[string]struct {
		live, base string // "" is no policy
		params     Params
		want       string
	}{
		"good statements keep their bytes":             {of(tlsOnly, read, partner), unknown, Params{}, of(tlsOnly, partner)},
		"the policy goes only with its last":           {of(read), unknown, Params{}, ""},
		"nothing is public":                            {of(tlsOnly, partner), unknown, Params{}, of(tlsOnly, partner)},
		"allowed bucket":                               {of(read), of(tlsOnly), Params{AllowedBuckets: []string{"b"}}, of(read)},
		"baseline is whole, another came beside":       {of(tlsOnly, read, org), of(tlsOnly), Params{}, of(tlsOnly, org)},
		"baseline is all that is left":                 {`{"Version":"2012-10-17","Statement":[` + read + `,` + tlsOnly + `]}`, of(tlsOnly), Params{}, of(tlsOnly)},
		"baseline lost a statement":                    {of(partner, read, org), of(tlsOnly, partner), Params{}, of(tlsOnly, partner)},
		"baseline lost its deny":                       {of(read), of(tlsOnly), Params{}, of(tlsOnly)},
		"baseline in another language version":         {`{"Version":"2008-10-17","Statement":[` + tlsOnly + `,` + read + `]}`, of(tlsOnly), Params{}, of(tlsOnly)},
		"baseline without a policy":                    {of(tlsOnly, read), "", Params{}, of(tlsOnly)},
		"baseline was public while that was allowed":   {of(partner, read), of(tlsOnly, read), Params{}, of(tlsOnly)},
		"baseline public, its good part is still live": {of(tlsOnly, read, org), of(read, tlsOnly), Params{}, of(tlsOnly, org)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := State{Tags: map[string]string{"k": "v"}}
			if c.live != "" {
				live.Policy = parsed(t, c.live)
			}
			var base remedy.Baseline[State]
			if c.base != unknown {
				base.Known = true
				if c.base != "" {
					base.State.Policy = parsed(t, c.base)
				}
			}
			got := repair(Target{Bucket: "b"}, live, base, c.params)
			if diff := cmp.Diff(c.want, got.Policy.String()); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(live.Tags, got.Tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if left := check(Target{Bucket: "b"}, got, c.params); len(left) > 0 {
				t.Errorf("still breaks the policy: %v", left)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	target := Target{Bucket: "b", Account: "111122223333", Region: "eu-west-1"}
	compact := `{"Version":"2012-10-17","Statement":[` + partner + `]}`
	for name, c := range map[string]struct {
		from, to State
		want     []remedy.Call
	}{
		"none to none":          {State{}, State{}, nil},
		"same bytes":            {State{Policy: doc(t, read)}, State{Policy: doc(t, read)}, nil},
		"laid out anew":         {State{Policy: doc(t, partner)}, State{Policy: parsed(t, compact)}, nil},
		"tags are only read":    {State{}, State{Tags: map[string]string{"k": "v"}}, nil},
		"put, every byte of it": {State{Policy: doc(t, read)}, State{Policy: doc(t, partner)}, []remedy.Call{{API: put, Params: call{"b", "111122223333", doc(t, partner).String()}}}},
		"put where none was":    {State{}, State{Policy: doc(t, read)}, []remedy.Call{{API: put, Params: call{"b", "111122223333", doc(t, read).String()}}}},
		"delete":                {State{Policy: doc(t, read)}, State{}, []remedy.Call{{API: remove, Params: call{"b", "111122223333", ""}}}},
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

// statements draws up to five statements: good ones, public ones, repeated ones.
func statements(t *rapid.T, label string) State {
	pool := []string{tlsOnly, partner, org, vpc, read, list}
	for i := range 3 {
		pool = append(pool, fmt.Sprintf(`{"Sid":"s%d","Effect":"Allow","Principal":{"AWS":"%012d"},"Action":"s3:*"}`, i, i))
	}
	sts := rapid.SliceOfN(rapid.SampledFrom(pool), 0, 5).Draw(t, label)
	if len(sts) == 0 {
		return State{}
	}
	version := rapid.SampledFrom([]string{"", `"Version":"2012-10-17",`, `"Version":"2008-10-17",`}).Draw(t, label+" version")
	d, err := policydoc.Parse(`{` + version + ` "Statement": [ ` + strings.Join(sts, " ,\n ") + ` ] }`)
	if err != nil {
		t.Fatal(err)
	}
	return State{Policy: d}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	target := Target{Bucket: "b", Account: "111122223333", Region: "eu-west-1"}
	rapid.Check(t, func(t *rapid.T) {
		live, other := statements(t, "live"), statements(t, "baseline")
		base := remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}

		got := repair(target, live, base, Params{})
		if left := check(target, got, Params{}); len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		if len(check(target, live, Params{})) == 0 && (!base.Known || live.Policy.Holds(other.Policy)) && !got.Policy.Equivalent(live.Policy) {
			t.Fatalf("a compliant policy %s became %s", live.Policy, got.Policy)
		}
		// Every statement of the result stands in one of the two, byte for byte.
		for _, s := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(got.Policy.String(), `{`), `] }`), " ,\n ") {
			_, s, _ = strings.Cut(s, "[ ")
			if !strings.Contains(live.Policy.String()+other.Policy.String(), strings.TrimSpace(s)) {
				t.Fatalf("statement %q is in neither policy", s)
			}
		}

		for _, s := range []State{live, other, got} {
			if n := len(diff(target, s, s)); n != 0 {
				t.Fatalf("Diff(s, s) has %d changes", n)
			}
		}
		// A model of the API: what is put is what is there.
		model := live
		for _, c := range diff(target, live, other) {
			model.Policy = c.Policy
		}
		if !model.Policy.Equivalent(other.Policy) {
			t.Fatalf("Diff applied to %s gives %s, want %s", live.Policy, model.Policy, other.Policy)
		}
	})
}
