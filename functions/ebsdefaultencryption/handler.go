// Package ebsdefaultencryption turns the encryption of new EBS volumes back on.
package ebsdefaultencryption

import (
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function enables an account's encryption by default in a region, and puts the
// default key back when the policy says which it may be.
var Function = remedy.Function{
	Name:     "ebs-default-encryption",
	Title:    "Turns the encryption of new EBS volumes back on",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{
		"DisableEbsEncryptionByDefault",
		"EnableEbsEncryptionByDefault",
		"ModifyEbsDefaultKmsKeyId",
		"ResetEbsDefaultKmsKeyId",
	}}},
	Actions: []string{
		"ec2:DisableEbsEncryptionByDefault",
		"ec2:EnableEbsEncryptionByDefault",
		"ec2:GetEbsDefaultKmsKeyId",
		"ec2:GetEbsEncryptionByDefault",
		"ec2:ModifyEbsDefaultKmsKeyId",
		"ec2:ResetEbsDefaultKmsKeyId",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A region of an account is bad when new EBS volumes and copies of snapshots are not encrypted unless somebody asks for it. " +
			"With keys set, it is bad too when the key that EBS takes by default is none of the region's keys on the list.",
		Repair: "EnableEbsEncryptionByDefault turns encryption on, and nothing else is changed. A key that is not allowed is replaced with ModifyEbsDefaultKmsKeyId: " +
			"by the baseline's key when it is on the list, else by the region's first key there.",
		Keeps: "The default key, unless keys says that it is not allowed; volumes and snapshots, which stay as they are; other regions.",
		Limits: []string{
			"Volumes that were made while encryption was off stay unencrypted: look for them between the two times that the record names.",
			"The setting is a whole region's: who must make unencrypted volumes there needs an exemption for the account and region.",
			"A key is not looked at before it is put back: that it exists, is enabled and may be used by those who make volumes is the policy's to know.",
			"An undo of a repair needs ec2:DisableEbsEncryptionByDefault and ec2:ResetEbsDefaultKmsKeyId; a repair never calls them.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableEbsEncryptionByDefault.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyEbsDefaultKmsKeyId.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	Keys []string `json:"keys" jsonschema:"ARNs of KMS keys that EBS may encrypt with by default, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab. The first of a region is put back where no other is known. Regions of which no key is listed are not judged for their key."`
}

// keyARN is what the ARN of a KMS key looks like; its first group is the region.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN
var keyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+$`)

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, k := range p.Keys {
		if !keyARN.MatchString(k) {
			return fmt.Errorf("keys: %q is not the ARN of a KMS key, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", k)
		}
	}
	return nil
}

// of gives the keys of a region.
func (p Params) of(region string) []string {
	var out []string
	for _, k := range p.Keys {
		if m := keyARN.FindStringSubmatch(k); m != nil && m[1] == region {
			out = append(out, k)
		}
	}
	return out
}

// Target is one account in one region.
type Target struct{ regionevent.Place }

// Ref names the setting.
func (t Target) Ref() remedy.Ref {
	return t.Place.Ref("AWS::EC2::EbsEncryptionByDefault", "ebs-encryption-by-default")
}

func decode(ev remedy.Event) ([]Target, error) {
	place, changed, err := regionevent.Decode(ev)
	if !changed {
		return nil, err
	}
	return []Target{{place}}, nil
}
