package s3bucketlogging

import (
	"slices"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is where a bucket's access logs go, and the bucket's tags.
type State struct {
	Logging *Logging          `json:"logging,omitempty"` // nil when logging is off
	Tags    map[string]string `json:"tags,omitempty"`    // only read: exemptions may name them
}

// ResourceTags gives the bucket's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Logging is a logging configuration, by the API's names.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LoggingEnabled.html
type Logging struct {
	TargetBucket          string
	TargetPrefix          string
	TargetGrants          []Grant `json:",omitempty"`
	TargetObjectKeyFormat *Format `json:",omitempty"` // nil is S3's default, which is the simple one
}

// Grant lets somebody see the logs.
type Grant struct {
	Grantee    Grantee
	Permission string
}

// Grantee is a group by its URI, or an account by its canonical id or mail address.
type Grantee struct {
	Type         string
	URI          string `json:",omitempty"`
	ID           string `json:",omitempty"`
	EmailAddress string `json:",omitempty"`
}

// Format is how the keys of logs are made. Either it is simple, or they are
// partitioned by a date.
type Format struct {
	SimplePrefix      *Simple      `json:",omitempty"`
	PartitionedPrefix *Partitioned `json:",omitempty"`
}

// Simple is the format without partitions.
type Simple struct{}

// Partitioned is the format with them: by the event's time, or the delivery's.
type Partitioned struct {
	PartitionDateSource string `json:",omitempty"`
}

// same compares grants as a set.
func (l *Logging) same(other *Logging) bool {
	if l == nil || other == nil {
		return l == other
	}
	lacks := func(a, b []Grant) bool {
		return slices.ContainsFunc(a, func(g Grant) bool { return !slices.Contains(b, g) })
	}
	return l.TargetBucket == other.TargetBucket && l.TargetPrefix == other.TargetPrefix &&
		l.partition() == other.partition() && !lacks(l.TargetGrants, other.TargetGrants) && !lacks(other.TargetGrants, l.TargetGrants)
}

// partition gives the date that keys are partitioned by, "" for none.
func (l *Logging) partition() string {
	if l.TargetObjectKeyFormat == nil || l.TargetObjectKeyFormat.PartitionedPrefix == nil {
		return ""
	}
	return "by " + l.TargetObjectKeyFormat.PartitionedPrefix.PartitionDateSource
}

func check(t Target, s State, p Params) []remedy.Violation {
	if s.Logging != nil || pattern.Any(p.AllowedBuckets, t.Bucket) {
		return nil
	}
	return []remedy.Violation{{
		Rule:    "logging-off",
		Message: "Server access logging of bucket " + t.Bucket + " is off, so nobody can tell who read what.",
	}}
}

// repair brings back the baseline's logging, else what the policy names. With
// neither the state stays as it is: where the logs should go can't be guessed.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	switch {
	case len(check(t, live, p)) == 0:
	case base.Known && base.State.Logging != nil:
		live.Logging = base.State.Logging
	case p.TargetBucket != "":
		live.Logging = &Logging{TargetBucket: p.TargetBucket, TargetPrefix: p.TargetPrefix + t.Bucket + "/"}
	}
	return live
}

// Change puts a bucket's logging configuration.
type Change struct {
	Target  Target
	Logging *Logging // nil turns logging off
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "s3:PutBucketLogging", Params: call{c.Target.Bucket, c.Target.Account, status{c.Logging}}}
}

type call struct {
	Bucket string
	Owner  string `json:"ExpectedBucketOwner"`
	Status status `json:"BucketLoggingStatus"`
}

type status struct {
	Enabled *Logging `json:"LoggingEnabled,omitempty"`
}

func diff(t Target, from, to State) []Change {
	if from.Logging.same(to.Logging) {
		return nil
	}
	return []Change{{t, to.Logging}}
}
