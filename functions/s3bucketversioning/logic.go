package s3bucketversioning

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Statuses of a bucket's versioning. One that never had any has none.
const (
	enabled   = "Enabled"
	suspended = "Suspended"
)

// State is a bucket's versioning, and the bucket's tags.
type State struct {
	Status    string            `json:"status,omitempty"`
	MFADelete bool              `json:"mfa_delete,omitempty"` // only read: no role can change it
	Tags      map[string]string `json:"tags,omitempty"`       // only read: exemptions may name them
}

// ResourceTags gives the bucket's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// check looks at MFA delete only where there is versioning: the one is a part
// of the other.
func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	if s.Status == suspended && !pattern.Any(p.AllowedBuckets, t.Bucket) {
		message := fmt.Sprintf("Versioning of bucket %s is suspended, so an object that is overwritten or deleted is lost.", t.Bucket)
		if s.MFADelete {
			message = fmt.Sprintf("Versioning of bucket %s is suspended, and because of its MFA delete only the root user with its MFA device can enable it.", t.Bucket)
		}
		out = append(out, remedy.Violation{Rule: "versioning-suspended", Message: message})
	}
	if s.Status != "" && !s.MFADelete && pattern.Any(p.MFADelete, t.Bucket) {
		out = append(out, remedy.Violation{
			Rule:    "mfa-delete-off",
			Message: fmt.Sprintf("MFA delete of bucket %s is off, and only the root user with its MFA device can turn it on.", t.Bucket),
		})
	}
	return out
}

// repair enables versioning, unless MFA delete is on: then S3 wants a code that
// Ebb has not. The baseline does not matter: there is one state to go back to.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	if live.Status == suspended && !live.MFADelete && !pattern.Any(p.AllowedBuckets, t.Bucket) {
		live.Status = enabled
	}
	return live
}

// Change sets the status of a bucket's versioning.
type Change struct {
	Target Target
	Status string
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "s3:PutBucketVersioning", Params: call{c.Target.Bucket, c.Target.Account, configuration{c.Status}}}
}

type call struct {
	Bucket        string
	Owner         string        `json:"ExpectedBucketOwner"`
	Configuration configuration `json:"VersioningConfiguration"`
}

type configuration struct{ Status string }

func diff(t Target, from, to State) []Change {
	if from.Status == to.Status {
		return nil
	}
	return []Change{{t, to.Status}}
}
