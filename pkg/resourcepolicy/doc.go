package resourcepolicy

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Doc gives what the pages of these functions say alike. thing is the resource, as
// in "queue", put the API call that replaces its policy, empty what is called when
// no statement is left, and names the parameter with the names of open resources.
// What only one of them has to say is added to it.
func Doc(thing, put, empty, names string) remedy.Doc {
	return remedy.Doc{
		Bad: fmt.Sprintf("An Allow statement of the %[1]s's policy is bad when it lets in people whom it does not name: its principal is * "+
			"or has a wildcard or a policy variable in it, or it is a NotPrincipal, and no condition narrows that to fixed accounts, organizations, VPCs, VPC endpoints, ARNs with an account or ranges of addresses. "+
			"A condition does not narrow when it also holds for a request without its key (IfExists, ForAllValues), when it is negated, when one of its values has a wildcard, "+
			"when a range is broader than /8 (/32 of IPv6) or all ranges together are half of IPv4, or when its key does not say who calls. "+
			"With the lists in allowed, a statement is also bad when whom it names is not on the list. A service of bound_services is bad without a condition that says for whom it acts. "+
			"Not bad are a Deny, the %[1]s's own account, and a %[1]s whose name matches %[2]s.", thing, names),
		Repair: fmt.Sprintf("%[1]s puts the policy back without the bad statements. %[2]s When a good statement of the baseline is missing, the change has overwritten it, and the baseline's policy comes back as it was. "+
			"Without a baseline, what the change overwrote is not known, and only the bad statements go.", put, empty),
		Keeps: "Every other statement, byte for byte, with its layout; the policy's Id and Version; all other settings, and tags.",
		Limits: []string{
			"Denials in the policy, and blocks elsewhere that make a bad statement harmless for now, are not taken into account: the statement works as soon as they are gone.",
			"A policy that has a member, an operator or a shape that is not known is not judged: the event fails with an error and is retried.",
			"There is no compare-and-set for this policy: a change in the moment between the read and the repair is lost, and stands in CloudTrail only.",
			fmt.Sprintf("When the baseline comes back, good statements that came with the bad change go too; they are in the record, and undo brings them back. Observe first, and name the %ss that are meant to be open in %s.", thing, names),
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
		},
	}
}
