package iampolicyversion

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// What versions of the tests' policies say.
const (
	everything = `{ "Version": "2012-10-17", "Statement": [ {"Sid":"All", "Effect":"Allow","Action":"*","Resource":"*"} ] }`
	butBuckets = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}}`
	powerUser  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}]}`
	buckets    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	queues     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`
)

// of is a policy with these versions, v1 first, of which number n is the default.
func of(t interface{ Fatal(...any) }, n int, docs ...string) State {
	s := State{Default: fmt.Sprintf("v%d", n)}
	for i := len(docs); i > 0; i-- {
		if docs[i-1] == "" {
			continue // it was deleted
		}
		p, err := policydoc.ParseIdentity(docs[i-1])
		if err != nil {
			t.Fatal(err)
		}
		s.Versions = append(s.Versions, Version{fmt.Sprintf("v%d", i), p})
	}
	return s
}

func TestCheck(t *testing.T) {
	t.Parallel()
	boundary := of(t, 1, everything)
	boundary.Boundary = true
	const noWayBack = "No version is without that"
	for name, c := range map[string]struct {
		state   State
		params  Params
		want    string // part; none means compliant
		message string
	}{
		"harmless":                                  {state: of(t, 1, buckets)},
		"a power user":                              {state: of(t, 1, powerUser)},
		"the bad version is not the default":        {state: of(t, 1, buckets, everything)},
		"everything":                                {state: of(t, 2, buckets, everything), want: "v2", message: "Version v2 of policy team/deploy, the default, makes an administrator of whoever has it: statement All allows all actions on all resources."},
		"all but buckets":                           {state: of(t, 2, buckets, butBuckets), want: "v2", message: "all actions but s3:*"},
		"an older one is the default once more":     {state: of(t, 1, everything, buckets), want: "v1", message: "Version v1"},
		"it has one version":                        {state: of(t, 1, everything), want: "v1", message: noWayBack},
		"all of its versions":                       {state: of(t, 2, everything, butBuckets), want: "v2", message: noWayBack},
		"it only bounds permissions":                {state: boundary},
		"allowed":                                   {state: of(t, 1, everything), params: Params{iamevent.Patterns{"team/*"}}},
		"another is allowed":                        {state: of(t, 1, everything), params: Params{iamevent.Patterns{"team", "deploy"}}, want: "v1", message: noWayBack},
		"the default's number is not the last word": {state: of(t, 2, "", everything, queues), want: "v2", message: "Version v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(at("v1"), c.state, c.params)
			if c.want == "" {
				if len(got) > 0 {
					t.Errorf("check = %v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != "administrator-version" || got[0].Part != c.want || !strings.Contains(got[0].Message, c.message) {
				t.Fatalf("check = %+v, want one of %s with %q", got, c.want, c.message)
			}
			if c.message != noWayBack && strings.Contains(got[0].Message, noWayBack) {
				t.Errorf("message %q", got[0].Message)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		live State
		base *State
		want string
	}{
		"the newest harmless one":                  {of(t, 4, buckets, queues, everything, butBuckets), nil, "v2"},
		"also one newer than the bad one":          {of(t, 1, everything, buckets), nil, "v2"},
		"the baseline's":                           {of(t, 3, buckets, queues, everything), ptr(of(t, 1, buckets, queues)), "v1"},
		"the baseline's was deleted":               {of(t, 4, "", queues, buckets, everything), ptr(of(t, 1, buckets, queues)), "v3"},
		"the policy was made anew under its name":  {of(t, 3, queues, buckets, everything), ptr(of(t, 1, buckets)), "v2"},
		"the baseline was allowed to administrate": {of(t, 2, everything, butBuckets, queues), ptr(of(t, 1, everything)), "v3"},
		"no version is harmless":                   {of(t, 2, everything, butBuckets), ptr(of(t, 1, everything)), "v2"},
		"nothing is wrong":                         {of(t, 1, buckets, everything), ptr(of(t, 1, queues)), "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var base remedy.Baseline[State]
			if c.base != nil {
				base = remedy.Baseline[State]{State: *c.base, Known: true}
			}
			want := c.live
			want.Default = c.want
			if diff := cmp.Diff(want, repair(at(""), c.live, base, Params{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func ptr(s State) *State { return &s }

// A policy with nothing but bad versions can't be put right by setting another:
// what stays is the violation, which the engine reports with its advice.
func TestNoHarmlessVersionHasNoRepair(t *testing.T) {
	t.Parallel()
	live := of(t, 1, everything)
	got := repair(at("v1"), live, remedy.Baseline[State]{}, Params{})
	if calls := diff(at("v1"), live, got); len(calls) != 0 {
		t.Errorf("it leads to the changes %v, want none", calls)
	}
	if left := check(at("v1"), got, Params{}); len(left) != 1 || !strings.Contains(left[0].Message, "detach the policy, delete it, or make such a version") {
		t.Errorf("check after repair = %v, want one violation that says what to do", left)
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	changes := diff(at(""), of(t, 2, buckets, everything), of(t, 1, buckets, everything))
	if len(changes) != 1 {
		t.Fatalf("%d changes, want 1", len(changes))
	}
	got, err := json.Marshal(changes[0].Call())
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"api":"iam:SetDefaultPolicyVersion","params":{"PolicyArn":"` + deploy + `","VersionId":"v1"}}`; string(got) != want {
		t.Errorf("call = %s, want %s", got, want)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) State {
			docs := rapid.SliceOfN(rapid.SampledFrom([]string{everything, butBuckets, powerUser, buckets, queues}), 1, 5).Draw(t, label)
			s := of(t, rapid.IntRange(1, len(docs)).Draw(t, label+" default"), docs...)
			s.Boundary = rapid.Bool().Draw(t, label+" boundary")
			s.Tags = rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, label+" tags")
			return s
		}
		a, b := draw("a"), draw("b")
		p := Params{rapid.SliceOf(rapid.SampledFrom([]string{"team/*", "x"})).Draw(t, "allowed")}
		fixed := repair(at(""), a, remedy.Baseline[State]{State: b, Known: rapid.Bool().Draw(t, "known")}, p)
		left, before := check(at(""), fixed, p), check(at(""), a, p)
		if _, ok := a.harmless(); ok && len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		want := a
		if want.Default = fixed.Default; len(before) == 0 {
			want.Default = a.Default
		}
		if diff := cmp.Diff(want, fixed); diff != "" {
			t.Fatalf("repair did more (-want +got):\n%s", diff)
		}
		if len(diff(at(""), a, a)) > 0 {
			t.Fatal("diff of a state with itself is not empty")
		}
		got := a.Default
		for _, c := range diff(at(""), a, b) {
			got = c.Version
		}
		if got != b.Default {
			t.Fatal("the changes from a to b lead elsewhere")
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
	})
}
