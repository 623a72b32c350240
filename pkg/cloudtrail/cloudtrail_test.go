package cloudtrail_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

type thing struct {
	ID string `json:"id"`
}

func TestItems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in      string
		want    cloudtrail.Items[thing]
		wantErr bool
	}{
		"wrapped":            {in: `{"items":[{"id":"a"},{"id":"b"}]}`, want: cloudtrail.Items[thing]{{"a"}, {"b"}}},
		"wrapped one object": {in: `{"items":{"id":"a"}}`, want: cloudtrail.Items[thing]{{"a"}}},
		"bare array":         {in: `[{"id":"a"}]`, want: cloudtrail.Items[thing]{{"a"}}},
		"empty":              {in: `{}`},
		"null":               {in: `null`},
		"null items":         {in: `{"items":null}`},
		"a string":           {in: `"a"`, wantErr: true},
		"items of numbers":   {in: `{"items":[1]}`, wantErr: true},
		"items a string":     {in: `{"items":"a"}`, wantErr: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := cloudtrail.Items[thing]{{"left over"}}
			err := json.Unmarshal([]byte(tt.in), &got)
			if (err != nil) != tt.wantErr {
				t.Fatalf("error = %v, want one: %v", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && len(tt.want)+len(got) > 0 && diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	type record = cloudtrail.Record[thing, thing]
	tests := map[string]struct {
		detail  string
		want    record
		failed  bool
		wantErr bool
	}{
		"call":              {detail: `{"requestParameters":{"id":"q"},"responseElements":{"id":"r"}}`, want: record{Request: thing{"q"}, Response: thing{"r"}}},
		"null elements":     {detail: `{"requestParameters":null,"responseElements":null}`},
		"failed":            {detail: `{"errorCode":"AccessDenied","requestParameters":{"id":"q"}}`, want: record{ErrorCode: "AccessDenied", Request: thing{"q"}}, failed: true},
		"truncated":         {detail: `{"requestParameters":`, wantErr: true},
		"request is a list": {detail: `{"requestParameters":[]}`, wantErr: true},
		"nothing":           {detail: ``, wantErr: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := cloudtrail.Decode[thing, thing](remedy.Event{Name: "Call", Detail: []byte(tt.detail)})
			if (err != nil) != tt.wantErr {
				t.Fatalf("error = %v, want one: %v", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.Failed() != tt.failed {
				t.Errorf("Failed() = %v, want %v", got.Failed(), tt.failed)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"requestParameters":{"items":{"items":[{"id":"a"}]}},"responseElements":null}`))
	type lists struct {
		Items cloudtrail.Items[thing]     `json:"items"`
		Many  cloudtrail.OneOrMany[thing] `json:"many"`
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		rec, err := cloudtrail.Decode[lists, lists](remedy.Event{Detail: detail})
		if err == nil && !json.Valid(detail) {
			t.Errorf("%q decodes to %+v", detail, rec)
		}
	})
}

func TestARN(t *testing.T) {
	t.Parallel()
	tests := []struct{ eventRegion, service, region, account, resource, want string }{
		{"eu-west-1", "ec2", "eu-west-1", "123456789012", "security-group/sg-1", "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1"},
		{"cn-north-1", "s3", "", "", "bucket", "arn:aws-cn:s3:::bucket"},
		{"us-gov-west-1", "iam", "", "123456789012", "user/a", "arn:aws-us-gov:iam::123456789012:user/a"},
		{"us-iso-east-1", "s3", "", "", "bucket", "arn:aws-iso:s3:::bucket"},
		{"us-isob-east-1", "s3", "", "", "bucket", "arn:aws-iso-b:s3:::bucket"},
		{"", "s3", "", "", "bucket", "arn:aws:s3:::bucket"},
	}
	for _, tt := range tests {
		if got := cloudtrail.ARN(tt.eventRegion, tt.service, tt.region, tt.account, tt.resource); got != tt.want {
			t.Errorf("ARN in %q = %s, want %s", tt.eventRegion, got, tt.want)
		}
	}
}
