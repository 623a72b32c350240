// Package iamroletrust takes principals that a role must not trust out of its
// trust policy, and brings back what the change has overwritten.
package iamroletrust

import (
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function mends the trust policies of roles that strangers can assume.
var Function = remedy.Function{
	Name:     "iam-role-trust",
	Title:    "Stops IAM roles from trusting everyone, foreign accounts or anybody's tokens",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{"CreateRole", "UpdateAssumeRolePolicy"}}},
	Actions: []string{
		"iam:GetRole",
		"iam:UpdateAssumeRolePolicy",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A role's trust policy lets in everyone, an account that is neither the role's own nor in allowed_accounts, or an identity provider of such an account. " +
			"A condition that fixes the caller's organization to one of allowed_orgs, or the caller's account to an allowed one, makes it good; sts:ExternalId, an address or MFA do not. " +
			"So is an identity provider bad that gives tokens to anybody, such as GitHub Actions, unless a condition on the token's claims says whose they must be: repo:acme/site:* does, repo:acme* and an audience alone do not. " +
			"Services of AWS and the account's own identity providers may be trusted.",
		Repair: "The principals that must not be trusted are taken out: a statement that trusts others too keeps all its other bytes, and one that trusts nobody else goes. " +
			"Where nothing is left the role gets a policy that denies everybody, since no role can be without one. " +
			"An update replaces the policy whole: where a statement of the baseline is missing afterwards, the baseline's policy comes back byte for byte.",
		Keeps: "The role's permissions, its sessions, and roles that match allowed_roles. Roles linked to a service and those of IAM Identity Center are left alone, since IAM lets nobody but AWS change them, and so are Ebb's own roles, so that it does not lock itself out.",
		Limits: []string{
			"List the management account, and the accounts of vendors whose roles you use, in allowed_accounts before the function is enforced: to IAM they are foreign.",
			"A session that a stranger got before lives on until it expires. Revoke the role's sessions where that matters.",
			"Principals that were deleted let nobody in and are no reason to change a policy. IAM takes no policy that names them, so they go along when one is mended.",
			"A policy that names a principal which was deleted after the baseline was taken may be refused by IAM; the error says so.",
			"Which account may use a service that is trusted is not judged.",
			"Ebb knows its own roles in other accounts by the name in EBB_SPOKE_ROLE: whoever can change those roles is to be watched by other means.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	AllowedAccounts []string          `json:"allowed_accounts" jsonschema:"Accounts, twelve digits each, that roles may trust beside their own: the organization's, vendors'."`
	AllowedOrgs     []string          `json:"allowed_orgs" jsonschema:"Ids of organizations, such as o-a1b2c3d4e5, whose accounts roles may trust where a condition on aws:PrincipalOrgID or aws:PrincipalOrgPaths names one."`
	AllowedRoles    iamevent.Patterns `json:"allowed_roles" jsonschema:"Patterns of roles that may trust anyone, as their ARNs end after the account: role/partners/*."`
}

// orgID is what ids of organizations look like.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
var orgID = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)

var accountID = regexp.MustCompile(`^\d{12}$`)

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for i, a := range p.AllowedAccounts {
		if !accountID.MatchString(a) {
			return fmt.Errorf("allowed_accounts[%d]: %q is not an AWS account id of twelve digits", i, a)
		}
	}
	for i, o := range p.AllowedOrgs {
		if !orgID.MatchString(o) {
			return fmt.Errorf("allowed_orgs[%d]: %q is not an organization's id such as o-a1b2c3d4e5", i, o)
		}
	}
	return p.AllowedRoles.Validate("allowed_roles")
}

// circle is whom the role may trust.
func (p Params) circle(t Target) policydoc.Circle {
	return policydoc.Circle{Accounts: append([]string{t.Account}, p.AllowedAccounts...), Orgs: p.AllowedOrgs}
}

// Target is one role.
type Target struct{ iamevent.Principal }

// Ref names the role by its ARN, without the path.
func (t Target) Ref() remedy.Ref { return t.Principal.Ref("AWS::IAM::Role", "") }

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[iamevent.Request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	p, err := rec.Request.Principal(ev)
	if err != nil {
		return nil, err
	}
	if p.Kind != iamevent.Role {
		return nil, fmt.Errorf("the event is about %s, but a role is expected", p)
	}
	return []Target{{p}}, nil
}
