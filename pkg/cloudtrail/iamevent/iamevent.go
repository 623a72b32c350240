// Package iamevent reads which user, group or role a call of IAM was about, and
// matches such names with a policy's patterns.
package iamevent

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Kinds of principals, as their ARNs have them.
const (
	User  = "user"
	Group = "group"
	Role  = "role"
)

// Principal is a user, a group or a role, in the account of the event that
// named it. Its JSON form is kept in records.
type Principal struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"` // where IAM delivered the event; it tells the partition
}

// String gives "role x".
func (p Principal) String() string { return p.Kind + " " + p.Name }

// Word gives the kind as it is in names of calls: "User", "Group", "Role".
func (p Principal) Word() string { return strings.ToUpper(p.Kind[:1]) + p.Kind[1:] }

// Ref names a thing that the principal has, such as inline-policy/x, or with no
// thing the principal itself, by an ARN without the principal's path: the event
// holds none, and a name is taken only once in an account.
func (p Principal) Ref(kind, thing string) remedy.Ref {
	resource := p.Kind + "/" + p.Name
	if thing != "" {
		resource += "/" + thing
	}
	return remedy.Ref{
		Type: kind, ID: cloudtrail.ARN(p.Region, "iam", "", p.Account, resource), Account: p.Account, Region: p.Region,
	}
}

// Request is the part of a call's parameters that says who it was about.
type Request struct {
	User  string `json:"userName"`
	Group string `json:"groupName"`
	Role  string `json:"roleName"`
}

// Name is what names in IAM look like: those of principals, and of policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
var Name = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)

// Principal gives who the call was about. It is an error when the call names
// nobody, more than one, or a name that nobody can have, and when the event
// comes without account or region.
func (r Request) Principal(ev remedy.Event) (Principal, error) {
	p := Principal{Account: ev.Account, Region: ev.Region}
	for _, named := range [...]Principal{{Kind: User, Name: r.User}, {Kind: Group, Name: r.Group}, {Kind: Role, Name: r.Role}} {
		switch {
		case named.Name == "":
		case p.Kind != "":
			return Principal{}, fmt.Errorf("the event names %s and %s, but one is expected", p, named)
		case !Name.MatchString(named.Name):
			return Principal{}, fmt.Errorf("the event's %sName %q is no name that IAM has", named.Kind, named.Name)
		default:
			p.Kind, p.Name = named.Kind, named.Name
		}
	}
	switch {
	case p.Kind == "":
		return Principal{}, errors.New("the event names no user, group or role: requestParameters has no userName, groupName or roleName")
	case p.Account == "" || p.Region == "":
		return Principal{}, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return p, nil
}

// Patterns are patterns of what follows the account in an ARN of IAM, such as
// user/break-glass/*: kind, path and name. * stands for any characters, slashes
// among them, ? for one; upper and lower case are the same, as they are to IAM.
type Patterns []string

// Validate reports the first pattern that can't be used; parameter is what the
// list is called.
func (p Patterns) Validate(parameter string) error { return pattern.Check(parameter, p) }

// Match reports whether one of the patterns matches.
func (p Patterns) Match(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(p, func(one string) bool { return pattern.Match(strings.ToLower(one), text) })
}

// Tail gives what follows the account in an ARN: "role/path/name".
func Tail(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// OfAWS reports whether a role is one that only AWS's own services can change:
// those linked to a service, and those of IAM Identity Center.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func OfAWS(arn string) bool {
	tail := Tail(arn)
	return strings.HasPrefix(tail, "role/aws-service-role/") || strings.HasPrefix(tail, "role/aws-reserved/")
}
