package iampasswordpolicy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

var defaults = Function.Params.(Params)

// with is a policy that asks for as much as the defaults, changed.
func with(change func(*Policy)) *Policy {
	p := Policy{
		MinimumPasswordLength: 14, RequireUppercaseCharacters: true, RequireLowercaseCharacters: true, RequireNumbers: true, RequireSymbols: true,
		PasswordReusePrevention: 24, AllowUsersToChangePassword: true,
	}
	change(&p)
	return &p
}

func good(*Policy) {}

func rulesOf(vs []remedy.Violation) (out []string) {
	for _, v := range vs {
		out = append(out, v.Rule)
	}
	return out
}

func TestCheck(t *testing.T) {
	t.Parallel()
	aged := defaults
	aged.MaxAgeDays = 90
	for name, c := range map[string]struct {
		policy *Policy
		params Params
		want   []string
	}{
		"as asked for":                     {with(good), defaults, nil},
		"stronger":                         {with(func(p *Policy) { p.MinimumPasswordLength, p.MaxPasswordAge, p.HardExpiry = 20, 30, true }), aged, nil},
		"no policy":                        {nil, defaults, []string{"no-password-policy"}},
		"short":                            {with(func(p *Policy) { p.MinimumPasswordLength = 13 }), defaults, []string{"short-password"}},
		"no reuse prevention":              {with(func(p *Policy) { p.PasswordReusePrevention = 0 }), defaults, []string{"password-reuse"}},
		"a policy from one parameter":      {&Policy{MinimumPasswordLength: 6}, defaults, []string{"short-password", "no-uppercase", "no-lowercase", "no-numbers", "no-symbols", "password-reuse"}},
		"nothing asked for":                {&Policy{MinimumPasswordLength: 6}, Params{MinimumLength: 6}, nil},
		"never expires, which may be":      {with(good), defaults, nil},
		"never expires, which must not be": {with(good), aged, []string{"old-password"}},
		"expires too late":                 {with(func(p *Policy) { p.MaxPasswordAge = 91 }), aged, []string{"old-password"}},
		"expires in time":                  {with(func(p *Policy) { p.MaxPasswordAge = 90 }), aged, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, rulesOf(check(ours, State{c.policy}, c.params))); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	aged := defaults
	aged.MaxAgeDays = 90
	for name, c := range map[string]struct {
		live, base *Policy
		known      bool
		params     Params
		want       *Policy
	}{
		"only what is too weak is raised": {
			live: with(func(p *Policy) {
				p.MinimumPasswordLength, p.HardExpiry, p.AllowUsersToChangePassword, p.MaxPasswordAge = 8, true, false, 60
			}), params: defaults,
			want: with(func(p *Policy) { p.HardExpiry, p.AllowUsersToChangePassword, p.MaxPasswordAge = true, false, 60 }),
		},
		"the baseline comes back whole": {
			live: &Policy{MinimumPasswordLength: 20}, base: with(func(p *Policy) { p.MaxPasswordAge, p.HardExpiry = 60, true }), known: true, params: defaults,
			want: with(func(p *Policy) { p.MaxPasswordAge, p.HardExpiry = 60, true }),
		},
		"the baseline is raised to what is asked for today": {
			live: &Policy{MinimumPasswordLength: 6}, base: with(func(p *Policy) { p.MaxPasswordAge, p.MinimumPasswordLength = 180, 16 }), known: true, params: aged,
			want: with(func(p *Policy) { p.MaxPasswordAge, p.MinimumPasswordLength = 90, 16 }),
		},
		"deleted":                   {base: with(func(p *Policy) { p.MinimumPasswordLength = 16 }), known: true, params: defaults, want: with(func(p *Policy) { p.MinimumPasswordLength = 16 })},
		"deleted, unknown what was": {params: aged, want: with(func(p *Policy) { p.MaxPasswordAge = 90 })},
		"never was one":             {live: &Policy{MinimumPasswordLength: 6}, known: true, params: defaults, want: with(func(p *Policy) { p.AllowUsersToChangePassword = false })},
		"nothing is wrong":          {live: with(good), base: with(func(p *Policy) { p.HardExpiry = true }), known: true, params: defaults, want: with(good)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := repair(ours, State{c.live}, remedy.Baseline[State]{State: State{c.base}, Known: c.known}, c.params)
			if diff := cmp.Diff(State{c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Change{
		`{"api":"iam:DeleteAccountPasswordPolicy","params":{}}`: {},
		`{"api":"iam:UpdateAccountPasswordPolicy","params":{"MinimumPasswordLength":14,"RequireUppercaseCharacters":true,"RequireLowercaseCharacters":true,"RequireNumbers":true,"RequireSymbols":true,"PasswordReusePrevention":24,"HardExpiry":false,"AllowUsersToChangePassword":true}}`: {with(good)},
	} {
		got, err := json.Marshal(c.Call())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("call = %s, want %s", got, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		flag := rapid.Bool()
		draw := func(label string) State {
			if rapid.IntRange(0, 4).Draw(t, label) == 0 {
				return State{}
			}
			return State{&Policy{
				rapid.IntRange(6, 20).Draw(t, "length"), flag.Draw(t, "u"), flag.Draw(t, "l"), flag.Draw(t, "n"), flag.Draw(t, "s"),
				rapid.IntRange(0, 24).Draw(t, "reuse"), rapid.SampledFrom([]int{0, 30, 90, 365}).Draw(t, "age"), flag.Draw(t, "hard"), flag.Draw(t, "allow"),
			}}
		}
		a, b := draw("a"), draw("b")
		p := Params{rapid.IntRange(6, 20).Draw(t, "min"), flag.Draw(t, "pu"), flag.Draw(t, "pl"), flag.Draw(t, "pn"), flag.Draw(t, "ps"), rapid.IntRange(0, 24).Draw(t, "preuse"), rapid.SampledFrom([]int{0, 90}).Draw(t, "page")}
		before, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		known := flag.Draw(t, "known")
		fixed := repair(ours, a, remedy.Baseline[State]{State: b, Known: known}, p)
		if left := check(ours, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if len(check(ours, a, p)) == 0 && len(diff(ours, a, fixed)) > 0 {
			t.Fatal("a compliant policy is changed")
		}
		if a.Policy != nil && (!known || b.Policy == nil) {
			want := *a.Policy // what was strong enough stays
			want.MinimumPasswordLength = max(want.MinimumPasswordLength, p.MinimumLength)
			want.RequireUppercaseCharacters = want.RequireUppercaseCharacters || p.RequireUppercase
			want.RequireLowercaseCharacters = want.RequireLowercaseCharacters || p.RequireLowercase
			want.RequireNumbers = want.RequireNumbers || p.RequireNumbers
			want.RequireSymbols = want.RequireSymbols || p.RequireSymbols
			want.PasswordReusePrevention = max(want.PasswordReusePrevention, p.ReusePrevention)
			if p.MaxAgeDays > 0 && (want.MaxPasswordAge == 0 || want.MaxPasswordAge > p.MaxAgeDays) {
				want.MaxPasswordAge = p.MaxAgeDays
			}
			if diff := cmp.Diff(State{&want}, fixed); diff != "" {
				t.Fatalf("repair did more (-want +got):\n%s", diff)
			}
		}
		if len(diff(ours, a, a)) > 0 {
			t.Fatal("diff of a state with itself is not empty")
		}
		got := a
		for _, c := range diff(ours, a, b) {
			got = State(c)
		}
		if diff := cmp.Diff(b, got); diff != "" {
			t.Fatalf("the changes from a to b (-want +got):\n%s", diff)
		}
		var back State
		if err := json.Unmarshal(before, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Fatalf("repair changed its argument, or JSON the state (-want +got):\n%s", diff)
		}
	})
}
