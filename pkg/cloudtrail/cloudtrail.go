// Package cloudtrail reads CloudTrail records: the shapes that AWS API calls
// have in an event's detail.
package cloudtrail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Record is an API call: the part of a CloudTrail record that a function's
// Decode looks at. Q and R are the shapes of the call's parameters and answer;
// a struct{} leaves that part unread.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type Record[Q, R any] struct {
	ErrorCode string `json:"errorCode"`         // set when the call failed: nothing has changed
	Request   Q      `json:"requestParameters"` // zero when null
	Response  R      `json:"responseElements"`  // zero when null
}

// Failed reports whether the call failed.
func (r Record[Q, R]) Failed() bool { return r.ErrorCode != "" }

// Decode reads the detail of an event that came from CloudTrail.
func Decode[Q, R any](ev remedy.Event) (Record[Q, R], error) {
	var r Record[Q, R]
	if err := r.read(ev.Detail); err != nil {
		return r, fmt.Errorf("decode CloudTrail record of %s: %w", ev.Name, err)
	}
	return r, nil
}

func (r *Record[Q, R]) read(detail []byte) error {
	m, ok := split(detail)
	if !ok {
		return json.Unmarshal(detail, r)
	}
	for _, part := range []struct {
		raw  []byte
		name string
		into any
	}{
		{m.errorCode, "errorCode", &r.ErrorCode},
		{m.request, "requestParameters", &r.Request},
		{m.response, "responseElements", &r.Response},
	} {
		if _, unread := part.into.(*struct{}); unread || part.raw == nil {
			continue
		}
		if err := json.Unmarshal(part.raw, part.into); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// Items is a list as EC2 and RDS put it in a record: {"items": […]}, {} when
// it is empty, and in a few records the bare array or a single object.
type Items[T any] []T

// UnmarshalJSON takes any of the forms.
func (l *Items[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, (*[]T)(l))
	}
	var wrapped struct {
		Items *OneOrMany[T] `json:"items"`
	}
	if err := json.Unmarshal(b, &wrapped); err != nil {
		return err
	}
	if wrapped.Items != nil {
		*l = Items[T](*wrapped.Items)
	}
	return nil
}

// OneOrMany is a list that a record holds as a single object when it has one entry.
type OneOrMany[T any] []T

// UnmarshalJSON takes an array, an object, or null.
func (l *OneOrMany[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	switch {
	case bytes.Equal(b, []byte("null")):
		return nil
	case bytes.HasPrefix(b, []byte("[")):
		return json.Unmarshal(b, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*l = OneOrMany[T]{one}
	return nil
}

// ARN gives a resource's ARN in the partition that eventRegion is in. region
// and account are what the ARN itself holds: empty where the service leaves
// them out (S3 and IAM have no region, S3 buckets no account either).
func ARN(eventRegion, service, region, account, resource string) string {
	return arn.ARN{
		Partition: Partition(eventRegion), Service: service, Region: region, AccountID: account, Resource: resource,
	}.String()
}

// Partition gives the partition that a region belongs to; "aws" for an empty one.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func Partition(region string) string {
	for _, p := range [...]struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-iso-", "aws-iso"},
		{"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"},
		{"us-isof-", "aws-iso-f"},
		{"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}
