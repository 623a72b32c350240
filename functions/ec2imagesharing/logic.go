package ec2imagesharing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/sharing"
)

// State is who may launch instances from an image. Its lists are sorted.
type State struct {
	Public        bool              `json:"public"`          // every AWS account may
	Accounts      []string          `json:"accounts"`        // these accounts may
	Organizations []string          `json:"organizations"`   // all accounts of these may: ARNs
	Units         []string          `json:"units"`           // all accounts of these organizational units may: ARNs
	Owner         string            `json:"owner,omitempty"` // the account that the image belongs to; only read
	Tags          map[string]string `json:"tags,omitempty"`  // only read
}

// ResourceTags gives the image's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// judge says which entries of a state break the policy.
type judge struct {
	Params
	own []string // the image's own account
}

func judgeOf(t Target, s State, p Params) judge { return judge{p, []string{s.Owner, t.Account}} }

// lists reports whether the policy says with whom images may be shared.
func (j judge) lists() bool {
	return len(j.AllowedAccounts)+len(j.AllowedOrganizations)+len(j.AllowedUnits) > 0
}

func (j judge) account(id string) bool {
	return j.lists() && !slices.Contains(j.own, id) && !slices.Contains(j.AllowedAccounts, id)
}

// organization judges arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5.
func (j judge) organization(arn string) bool {
	_, id, _ := strings.Cut(arn, ":organization/")
	return j.lists() && !slices.Contains(j.AllowedOrganizations, id)
}

// unit judges arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-cd34ef56.
func (j judge) unit(arn string) bool {
	_, path, _ := strings.Cut(arn, ":ou/")
	organization, id, _ := strings.Cut(path, "/")
	return j.lists() && !slices.Contains(j.AllowedOrganizations, organization) && !slices.Contains(j.AllowedUnits, id)
}

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	if s.Public {
		out = append(out, remedy.Violation{
			Rule: "public", Part: "all",
			Message: fmt.Sprintf("Image %s is shared with every AWS account.", t.ImageID),
		})
	}
	j := judgeOf(t, s, p)
	each := func(entries []string, bad func(string) bool, rule, kind string) {
		for _, e := range entries {
			if bad(e) {
				out = append(out, remedy.Violation{
					Rule: rule, Part: e,
					Message: fmt.Sprintf("Image %s is shared with %s %s, which is not an allowed one.", t.ImageID, kind, e),
				})
			}
		}
	}
	each(s.Accounts, j.account, "foreign-account", "account")
	each(s.Organizations, j.organization, "foreign-organization", "organization")
	each(s.Units, j.unit, "foreign-unit", "organizational unit")
	return out
}

// repair takes the offending entries out. The baseline does not matter: what
// else was shared since is allowed.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	j := judgeOf(t, live, p)
	out := live
	out.Public = false
	out.Accounts = slices.DeleteFunc(slices.Clone(live.Accounts), j.account)
	out.Organizations = slices.DeleteFunc(slices.Clone(live.Organizations), j.organization)
	out.Units = slices.DeleteFunc(slices.Clone(live.Units), j.unit)
	return out
}

// maxEntries is how many entries one call may add or remove.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchPermission.html
const maxEntries = 10_000

// diff removes first, and everybody before the others: that is what ends the exposure.
func diff(t Target, from, to State) []Change {
	var out []Change
	step := func(op, kind string, before, after []string) {
		for part := range sharing.Lacking(before, after, maxEntries) {
			out = append(out, Change{Image: t.ImageID, Operation: op, Kind: kind, Entries: part})
		}
	}
	step(remove, group, from.groups(), to.groups())
	step(remove, account, from.Accounts, to.Accounts)
	step(remove, organization, from.Organizations, to.Organizations)
	step(remove, unit, from.Units, to.Units)
	step(add, account, to.Accounts, from.Accounts)
	step(add, organization, to.Organizations, from.Organizations)
	step(add, unit, to.Units, from.Units)
	step(add, group, to.groups(), from.groups())
	return out
}

func (s State) groups() []string {
	if s.Public {
		return []string{"all"}
	}
	return nil
}

// What a change does to the entries it names.
const (
	add    = "Add"
	remove = "Remove"
)

// Kinds of entries, by the API's names.
const (
	group        = "Group"
	account      = "UserId"
	organization = "OrganizationArn"
	unit         = "OrganizationalUnitArn"
)

// Change adds or removes launch permissions of one kind.
type Change struct {
	Image     string
	Operation string // Add or Remove
	Kind      string // Group, UserId, OrganizationArn or OrganizationalUnitArn
	Entries   []string
}

// Call gives ec2:ModifyImageAttribute.
func (c Change) Call() remedy.Call {
	entries := make([]map[string]string, len(c.Entries))
	for i, e := range c.Entries {
		entries[i] = map[string]string{c.Kind: e}
	}
	return remedy.Call{API: "ec2:ModifyImageAttribute", Params: map[string]any{
		"ImageId": c.Image, "LaunchPermission": map[string]any{c.Operation: entries},
	}}
}
