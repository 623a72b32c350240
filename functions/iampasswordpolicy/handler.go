// Package iampasswordpolicy puts weakened password policies of accounts right.
package iampasswordpolicy

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function raises what is too weak in an account's password policy, and brings
// back what the change has overwritten.
var Function = remedy.Function{
	Name:     "iam-password-policy",
	Title:    "Restores weakened or deleted password policies of accounts",
	Severity: remedy.Medium,
	Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{"DeleteAccountPasswordPolicy", "UpdateAccountPasswordPolicy"}}},
	Actions: []string{
		"iam:DeleteAccountPasswordPolicy",
		"iam:GetAccountPasswordPolicy",
		"iam:UpdateAccountPasswordPolicy",
	},
	Params: Params{
		MinimumLength: 14, ReusePrevention: 24,
		RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true,
	},
	Doc: remedy.Doc{
		Bad: "The password policy of an account asks for less than the parameters: a shorter password, fewer kinds of characters, fewer earlier passwords that may not be used again, or, if max_age_days is set, a password that lives longer or for ever. " +
			"The defaults are those of the CIS benchmark and AWS's Foundational Security Best Practices. An account without a policy has AWS's default one, which is weaker.",
		Repair: "IAM knows no partial update: whatever a call leaves out goes back to AWS's default. So the baseline's policy comes back whole, raised to the parameters where it is below them. " +
			"Without a baseline only what is too weak is raised, to the parameters, and all else is sent as it was. A deleted policy comes back from the baseline, or with what the parameters ask for.",
		Keeps: "Whether users may change their own password and what an expired one means for them, and all that is stronger than the parameters ask for. No password changes: a policy applies to the next one that is set.",
		Limits: []string{
			"The policy is the account's: it is about passwords of IAM users, not about the root user's, nor about those of IAM Identity Center or another identity provider.",
			"With max_age_days passwords that are older expire at once. Mind users whose console password nobody has changed for long.",
			"What was changed for the better in the same call as something was weakened goes with it where a baseline is known. It is in the record, and an undo brings it back.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set: the least that a password policy must ask for.
type Params struct {
	MinimumLength    int  `json:"minimum_length" jsonschema:"How many characters a password has at least, 6 to 128."`
	RequireUppercase bool `json:"require_uppercase" jsonschema:"A password needs an upper-case letter."`
	RequireLowercase bool `json:"require_lowercase" jsonschema:"A password needs a lower-case letter."`
	RequireNumbers   bool `json:"require_numbers" jsonschema:"A password needs a digit."`
	RequireSymbols   bool `json:"require_symbols" jsonschema:"A password needs a character that is neither letter nor digit."`
	ReusePrevention  int  `json:"reuse_prevention" jsonschema:"How many earlier passwords must not be used again, 0 to 24."`
	MaxAgeDays       int  `json:"max_age_days" jsonschema:"After how many days a password expires at the latest, 1 to 1095; 0 means that it need not."`
}

// Bounds of IAM.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
const (
	shortest, longest = 6, 128 // characters
	mostReuse         = 24     // passwords
	oldest            = 1095   // days
)

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, bound := range []struct {
		name              string
		value, low, large int
	}{
		{"minimum_length", p.MinimumLength, shortest, longest},
		{"reuse_prevention", p.ReusePrevention, 0, mostReuse},
		{"max_age_days", p.MaxAgeDays, 0, oldest},
	} {
		if bound.value < bound.low || bound.value > bound.large {
			return fmt.Errorf("%s: %d is not between %d and %d", bound.name, bound.value, bound.low, bound.large)
		}
	}
	return nil
}

// Target is one account.
type Target struct {
	Account string `json:"account"`
	Region  string `json:"region"` // where IAM delivered the event; it tells the partition
}

// Ref names the account's policy, which has no ARN: the account's, and what it
// is behind it.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::IAM::AccountPasswordPolicy",
		ID:      cloudtrail.ARN(t.Region, "iam", "", t.Account, "account-password-policy"),
		Account: t.Account,
		Region:  t.Region,
	}
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[struct{}, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	if ev.Account == "" || ev.Region == "" {
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{ev.Account, ev.Region}}, nil
}
