package policydoc

import (
	"errors"
	"fmt"
	"strings"
)

// Identity is the policy of an identity: an inline or a managed policy of a
// user, group or role. It names no principal; the rest is as with a [Document].
type Identity struct{ Document }

// ParseIdentity reads the policy of an identity, as strictly as [Parse].
func ParseIdentity(text string) (Identity, error) {
	d, err := parse(text, true)
	if err != nil {
		return Identity{}, fmt.Errorf("parse policy: %w", err)
	}
	return Identity{d}, nil
}

// UnmarshalText parses a policy; an empty text is no policy.
func (p *Identity) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Identity{}
		return nil
	}
	parsed, err := ParseIdentity(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// identityMembers says what is wrong with the members of an identity policy's statement.
func identityMembers(has map[string]bool) error {
	switch {
	case has["Principal"] || has["NotPrincipal"]:
		return errors.New("it names a principal, which the policy of an identity can't")
	case !has["Resource"] && !has["NotResource"]:
		return errors.New("it must have one of Resource and NotResource")
	}
	return nil
}

// Admin reports whether the policy makes an administrator of who has it, and
// why, as the rest of a sentence. One statement for which [Statement.Admin] holds is enough.
func (p Identity) Admin() (admin bool, why string) {
	for i, s := range p.Statements {
		if ok, why := s.Admin(); ok {
			return true, fmt.Sprintf("statement %s %s", s.Label(i), why)
		}
	}
	return false, ""
}

// Label names the statement in a report: its Sid, else its number from 1.
func (s Statement) Label(index int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("#%d", index+1)
}

// Admin reports whether the statement of an identity policy makes an
// administrator of who has it, and why, as the rest of a sentence that begins
// with the statement. That is so when it allows all of IAM's actions on all of
// IAM's resources, as all actions on all resources do: the rest can be granted
// with them. NotAction makes an administrator unless it leaves all of IAM out,
// as AWS's PowerUserAccess does; NotResource unless it leaves all resources out.
//
// Conditions do not matter: they say when somebody is an administrator. Nor do
// other statements that deny: AWS Config's rule looks at each by itself, too.
// https://docs.aws.amazon.com/config/latest/developerguide/iam-policy-no-statements-with-admin-access.html
func (s Statement) Admin() (admin bool, why string) {
	if !s.Allow || len(s.Actions) == 0 || len(s.Resources) == 0 {
		return false, ""
	}
	if anyOf(s.Actions, actsOnIAM) == s.NotAction || anyOf(s.Resources, reachesIAM) == s.NotResource {
		return false, ""
	}
	what := "all actions"
	switch {
	case s.NotAction:
		what = "all actions but " + strings.Join(s.Actions, ", ")
	case !anyOf(s.Actions, everyAction):
		what = "all of IAM's actions, which can grant all others,"
	}
	switch {
	case s.NotResource:
		return true, "allows " + what + " on all resources but " + strings.Join(s.Resources, ", ")
	case anyOf(s.Resources, onlyWild):
		return true, "allows " + what + " on all resources"
	}
	return true, "allows " + what + " on " + strings.Join(s.Resources, ", ")
}

func anyOf(values []string, is func(string) bool) bool {
	for _, v := range values {
		if is(v) {
			return true
		}
	}
	return false
}

// everyAction reports whether v stands for every action: "*" or "*:*".
func everyAction(v string) bool {
	return strings.Trim(v, "*?:") == "" && strings.Contains(v, "*")
}

// actsOnIAM reports whether v stands for all of IAM's actions. Names of actions have no case.
func actsOnIAM(v string) bool {
	service, action, ok := strings.Cut(v, ":")
	return everyAction(v) || ok && strings.EqualFold(service, "iam") && onlyWild(action)
}

// reachesIAM reports whether v stands for all of IAM's resources of an account:
// "*", "arn:aws:*" or "arn:aws:iam::123456789012:*", say.
func reachesIAM(v string) bool {
	parts := strings.SplitN(v, ":", 6)
	for i, p := range parts {
		last := i == len(parts)-1
		switch {
		case onlyWild(p):
		case last: // it names some of them
			return false
		case i == 0 && p != "arn",
			i == 1 && !strings.HasPrefix(p, "aws"),
			i == 2 && p != "iam",
			i == 3 && p != "":
			return false
		}
	}
	return true
}

// onlyWild reports whether v is nothing but wildcards, one for any characters among them.
func onlyWild(v string) bool {
	return strings.Trim(v, "*?") == "" && strings.Contains(v, "*")
}

// Without gives the policy without the statements that drop names by index, as
// [Document.Without] does.
func (p Identity) Without(drop func(index int) bool) Identity {
	return Identity{p.Document.Without(drop)}
}
