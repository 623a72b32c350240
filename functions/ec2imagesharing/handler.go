// Package ec2imagesharing stops machine images from being shared with
// everybody, or with accounts and organizations that a policy does not name.
package ec2imagesharing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/sharing"
)

// Function takes back launch permissions: the public one always, the others
// when the policy says which are allowed.
var Function = remedy.Function{
	Name:     "ec2-image-sharing",
	Title:    "Stops sharing machine images with everybody or with others that are not allowed",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{"ModifyImageAttribute"}}},
	Actions: []string{
		"ec2:DescribeImageAttribute",
		"ec2:DescribeImages",
		"ec2:ModifyImageAttribute",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "An image is bad when every AWS account may launch it. With any of the three lists set, it is bad too when it is " +
			"shared with an account, an organization or an organizational unit that none of them allows; the image's own account always is.",
		Repair: "ModifyImageAttribute removes the launch permissions that are bad, everybody before the others. " +
			"A baseline makes no difference: what else was shared since is allowed, and stays.",
		Keeps: "Launch permissions that are allowed, whoever added them and when, the image's other attributes, and the snapshots behind it, which ebs-snapshot-sharing watches.",
		Limits: []string{
			"Instances and copies that others made while the image was shared are theirs: nothing brings them back. Treat what was on it as disclosed.",
			"With all three lists empty, sharing with named accounts, organizations and units is not judged.",
			"ResetImageAttribute takes all launch permissions away and cannot make an image more open, so it starts nothing.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharing-amis.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set. While all lists are empty, sharing with
// those that have a name is not judged; as soon as one is not, what is on none
// of them is bad.
type Params struct {
	AllowedAccounts      []string `json:"allowed_accounts" jsonschema:"Accounts, twelve digits each, that images may be shared with. When all three lists are empty, only sharing with everybody is bad; to forbid all sharing, list your own account."`
	AllowedOrganizations []string `json:"allowed_organizations" jsonschema:"Ids of organizations, such as o-a1b2c3d4e5, that images may be shared with, as a whole and in units."`
	AllowedUnits         []string `json:"allowed_units" jsonschema:"Ids of organizational units, such as ou-ab12-cd34ef56, that images may be shared with."`
}

// Ids as AWS Organizations makes them.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
var (
	organizationID = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
	unitID         = regexp.MustCompile(`^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$`)
)

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, id := range p.AllowedOrganizations {
		if !organizationID.MatchString(id) {
			return fmt.Errorf("allowed_organizations: %q is not an organization's id such as o-a1b2c3d4e5", id)
		}
	}
	for _, id := range p.AllowedUnits {
		if !unitID.MatchString(id) {
			return fmt.Errorf("allowed_units: %q is not an organizational unit's id such as ou-ab12-cd34ef56", id)
		}
	}
	return sharing.ValidateAccounts("allowed_accounts", p.AllowedAccounts)
}

// Target is one image.
type Target struct {
	ImageID string `json:"image_id"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the image by its ARN, which holds no account.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-resources-for-iam-policies
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::Image",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, "", "image/"+t.ImageID),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	ImageID string `json:"imageId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := rec.Request.ImageID
	switch {
	case id == "":
		return nil, errors.New("the event holds no image id: requestParameters.imageId is missing")
	case !strings.HasPrefix(id, "ami-"):
		return nil, fmt.Errorf("the event's image id %q does not start with ami-", id)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{id, ev.Account, ev.Region}}, nil
}
