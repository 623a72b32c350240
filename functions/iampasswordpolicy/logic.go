package iampasswordpolicy

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is an account's password policy.
type State struct {
	Policy *Policy `json:"policy"` // nil when the account has none, and so AWS's default
}

// Policy is a password policy, whole, with the API's names. A number that is 0
// means that the policy does not ask for it.
type Policy struct {
	MinimumPasswordLength      int
	RequireUppercaseCharacters bool
	RequireLowercaseCharacters bool
	RequireNumbers             bool
	RequireSymbols             bool
	PasswordReusePrevention    int  `json:",omitempty"`
	MaxPasswordAge             int  `json:",omitempty"` // in days
	HardExpiry                 bool // who has an expired password can't set another
	AllowUsersToChangePassword bool
}

// rule is one thing that a policy asks for.
type rule struct {
	name string
	weak func(Policy, Params) string // what is wrong, as the rest of a sentence about the policy; or nothing
	fix  func(*Policy, Params)
}

var all = []rule{
	{
		"short-password",
		func(s Policy, p Params) string {
			return said(s.MinimumPasswordLength < p.MinimumLength, "asks for %d characters, where %d are wanted.", s.MinimumPasswordLength, p.MinimumLength)
		},
		func(s *Policy, p Params) { s.MinimumPasswordLength = p.MinimumLength },
	},
	{
		"no-uppercase",
		func(s Policy, p Params) string {
			return said(p.RequireUppercase && !s.RequireUppercaseCharacters, "asks for no upper-case letter.")
		},
		func(s *Policy, _ Params) { s.RequireUppercaseCharacters = true },
	},
	{
		"no-lowercase",
		func(s Policy, p Params) string {
			return said(p.RequireLowercase && !s.RequireLowercaseCharacters, "asks for no lower-case letter.")
		},
		func(s *Policy, _ Params) { s.RequireLowercaseCharacters = true },
	},
	{
		"no-numbers",
		func(s Policy, p Params) string {
			return said(p.RequireNumbers && !s.RequireNumbers, "asks for no digit.")
		},
		func(s *Policy, _ Params) { s.RequireNumbers = true },
	},
	{
		"no-symbols",
		func(s Policy, p Params) string {
			return said(p.RequireSymbols && !s.RequireSymbols, "asks for no symbol.")
		},
		func(s *Policy, _ Params) { s.RequireSymbols = true },
	},
	{
		"password-reuse",
		func(s Policy, p Params) string {
			return said(s.PasswordReusePrevention < p.ReusePrevention, "keeps the last %d passwords from being used again, where %d are wanted.", s.PasswordReusePrevention, p.ReusePrevention)
		},
		func(s *Policy, p Params) { s.PasswordReusePrevention = p.ReusePrevention },
	},
	{
		"old-password",
		func(s Policy, p Params) string {
			switch {
			case p.MaxAgeDays == 0:
				return ""
			case s.MaxPasswordAge == 0:
				return fmt.Sprintf("lets a password live for ever, where %d days are allowed.", p.MaxAgeDays)
			}
			return said(s.MaxPasswordAge > p.MaxAgeDays, "lets a password live for %d days, where %d are allowed.", s.MaxPasswordAge, p.MaxAgeDays)
		},
		func(s *Policy, p Params) { s.MaxPasswordAge = p.MaxAgeDays },
	},
}

func said(wrong bool, format string, args ...any) string {
	if !wrong {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func check(t Target, s State, p Params) []remedy.Violation {
	if s.Policy == nil {
		return []remedy.Violation{{
			Rule:    "no-password-policy",
			Message: fmt.Sprintf("Account %s has no password policy of its own, and AWS's default asks for 8 characters and lets a password be used again.", t.Account),
		}}
	}
	var out []remedy.Violation
	for _, r := range all {
		if message := r.weak(*s.Policy, p); message != "" {
			out = append(out, remedy.Violation{Rule: r.name, Message: "The password policy of account " + t.Account + " " + message})
		}
	}
	return out
}

// repair takes the baseline, since a call replaces the policy whole, or without
// one the live policy, and raises what is too weak in it.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) == 0 {
		return live
	}
	// What an account without a policy has beside what the parameters ask for:
	// people may change their password, as AWS's default lets them.
	want := Policy{AllowUsersToChangePassword: true}
	switch {
	case base.Known && base.State.Policy != nil:
		want = *base.State.Policy
	case live.Policy != nil:
		want = *live.Policy
	}
	for _, r := range all {
		if r.weak(want, p) != "" {
			r.fix(&want, p)
		}
	}
	return State{&want}
}

// Change replaces an account's password policy or deletes it.
type Change struct {
	Policy *Policy // nil deletes it
}

// Call gives iam:UpdateAccountPasswordPolicy with the whole policy, or
// iam:DeleteAccountPasswordPolicy.
func (c Change) Call() remedy.Call {
	if c.Policy == nil {
		return remedy.Call{API: "iam:DeleteAccountPasswordPolicy", Params: struct{}{}}
	}
	return remedy.Call{API: "iam:UpdateAccountPasswordPolicy", Params: *c.Policy}
}

func diff(_ Target, from, to State) []Change {
	switch {
	case from.Policy == nil && to.Policy == nil, from.Policy != nil && to.Policy != nil && *from.Policy == *to.Policy:
		return nil
	}
	return []Change{{to.Policy}}
}
