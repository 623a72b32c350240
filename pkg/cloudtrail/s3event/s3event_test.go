package s3event

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	event := func(detail string) remedy.Event {
		return remedy.Event{Source: "aws.s3", Name: "PutBucketPolicy", Account: "111122223333", Region: "eu-west-1", Detail: json.RawMessage(detail)}
	}
	nowhere := event(`{"requestParameters":{"bucketName":"bucket"}}`)
	nowhere.Region = ""
	nobody := event(`{"requestParameters":{"bucketName":"bucket"}}`)
	nobody.Account = ""
	named := func(bucket string) remedy.Event {
		return event(`{"requestParameters":{"bucketName":"` + bucket + `"}}`)
	}
	longest := strings.Repeat("b", 255)
	for name, c := range map[string]struct {
		event   remedy.Event
		want    []Target
		wantErr string
	}{
		"a name from before 2018":  {event: named("My_Bucket.2010"), want: []Target{{"My_Bucket.2010", "111122223333", "eu-west-1"}}},
		"the shortest name":        {event: named("abc"), want: []Target{{"abc", "111122223333", "eu-west-1"}}},
		"the longest name":         {event: named(longest), want: []Target{{longest, "111122223333", "eu-west-1"}}},
		"a name too short":         {event: named("ab"), wantErr: "is no name that a bucket can have"},
		"a name too long":          {event: named(longest + "b"), wantErr: "is no name that a bucket can have"},
		"failed":                   {event: event(`{"errorCode":"AccessDenied","requestParameters":{"bucketName":"bucket"}}`)},
		"failed, null request":     {event: event(`{"errorCode":"AccessDenied","requestParameters":null}`)},
		"null request":             {event: event(`{"requestParameters":null}`), wantErr: "requestParameters.bucketName is missing"},
		"no bucket, a policy":      {event: event(`{"requestParameters":{"policy":""}}`), wantErr: "requestParameters.bucketName is missing"},
		"no bucket, a block":       {event: event(`{"requestParameters":{"publicAccessBlock":""}}`), wantErr: "requestParameters.bucketName is missing"},
		"bucket in a list":         {event: event(`{"requestParameters":{"bucketName":["bucket"]}}`), wantErr: "decode CloudTrail record of PutBucketPolicy"},
		"bucket that is a number":  {event: event(`{"requestParameters":{"bucketName":7}}`), wantErr: "decode CloudTrail record of PutBucketPolicy"},
		"an access point's ARN":    {event: named("arn:aws:s3:eu-west-1:210987654321:accesspoint/x"), wantErr: "is no name that a bucket can have"},
		"a path":                   {event: named("../other"), wantErr: "is no name that a bucket can have"},
		"a line break behind it":   {event: named(`bucket\n`), wantErr: "is no name that a bucket can have"},
		"no region":                {event: nowhere, wantErr: `account "111122223333" and region "", and both are needed`},
		"no account":               {event: nobody, wantErr: `account "" and region "eu-west-1", and both are needed`},
		"truncated":                {event: event(`{"requestParameters":{"bucketName":"buck`), wantErr: "decode CloudTrail record of PutBucketPolicy"},
		"empty":                    {event: event(``), wantErr: "decode CloudTrail record of PutBucketPolicy"},
		"deeper than a record may": {event: event(strings.Repeat(`[`, 20000)), wantErr: "decode CloudTrail record of PutBucketPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(c.event)
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("err = %v, want %q", err, c.wantErr)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	for region, arn := range map[string]string{
		"eu-west-1":     "arn:aws:s3:::b",
		"cn-north-1":    "arn:aws-cn:s3:::b",
		"us-gov-west-1": "arn:aws-us-gov:s3:::b",
	} {
		t.Run(region, func(t *testing.T) {
			t.Parallel()
			got := Target{"b", "111122223333", region}.Ref()
			want := remedy.Ref{Type: "AWS::S3::Bucket", ID: arn, Account: "111122223333", Region: region}
			if got != want {
				t.Errorf("Ref() = %+v, want %+v", got, want)
			}
		})
	}
}

// TestTargetInRecords holds the names that records already have.
func TestTargetInRecords(t *testing.T) {
	t.Parallel()
	const record = `{"bucket":"b","account":"111122223333","region":"eu-west-1"}`
	target := Target{"b", "111122223333", "eu-west-1"}
	if got, err := json.Marshal(target); err != nil || string(got) != record {
		t.Errorf("written as %s, %v; want %s", got, err, record)
	}
	var got Target
	if err := json.Unmarshal([]byte(record), &got); err != nil || got != target {
		t.Errorf("read as %+v, %v; want %+v", got, err, target)
	}
}
