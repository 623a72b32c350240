package cloudtraillogging

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/cloudtrail-logging"

// audit is the trail of most samples.
var audit = Target{Name: "acme-audit", Account: "111122223333", Region: "us-east-1"}

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"delete.json":                                    {audit},
		"put-advanced-selectors.json":                    {audit},
		"put-insight-selectors.json":                     {audit},
		"put-insight-selectors-of-event-data-store.json": nil,
		"put-selectors.json":                             {{"stratus-red-team-ctes-trail-khlvciwdor", "111122223333", "us-east-1"}},
		"start.json":                                     {audit},
		"stop-by-arn.json":                               {audit},
		"stop-by-name.json":                              {audit},
		"stop-organization-trail.json":                   {{"acme-organization", "444455556666", "eu-west-1"}}, // of the account that it belongs to
		"update.json":                                    {audit},
		"delete-denied.json":                             nil, // failed calls
		"stop-denied.json":                               nil,
		"update-denied.json":                             nil,
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := sample(t, file)
			if !Function.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			wanted, ok := want[file]
			if !ok {
				t.Fatal("the sample is not in the test's table")
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, account, detail, wantErr string }{
		{"null parameters", "111122223333", `{"requestParameters":null}`, "requestParameters.name and requestParameters.trailName are missing"},
		{"no name", "111122223333", `{"requestParameters":{"name":""}}`, "names no trail"},
		{"another resource's ARN", "111122223333", `{"requestParameters":{"name":"arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/x"}}`, "is not the ARN of a trail"},
		{"another service's ARN", "111122223333", `{"requestParameters":{"name":"arn:aws:s3:us-east-1:111122223333:trail/x"}}`, "is not the ARN of a trail"},
		{"half an ARN", "111122223333", `{"requestParameters":{"name":"arn:aws:cloudtrail"}}`, "is not the ARN of a trail"},
		{"an ARN without an account", "111122223333", `{"requestParameters":{"name":"arn:aws:cloudtrail:us-east-1::trail/x"}}`, `account ""`},
		{"an ARN without a name", "111122223333", `{"requestParameters":{"name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/"}}`, "names no trail"},
		{"a path", "111122223333", `{"requestParameters":{"name":"trail/x"}}`, "neither a name nor an ARN"},
		{"wrong type", "111122223333", `{"requestParameters":{"name":["x"]}}`, "decode CloudTrail record of StopLogging"},
		{"truncated", "111122223333", `{"requestParameters":{"name":"x`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"name":"x"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.cloudtrail", Name: "StopLogging", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::CloudTrail::Trail", ID: "arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/x", Account: "111122223333", Region: "us-gov-west-1"}
	if got := (Target{"x", "111122223333", "us-gov-west-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params  Params
		wantErr string
	}{
		"defaults":          {},
		"all":               {params: Params{AllowedExclusions: []string{"kms.amazonaws.com"}, Buckets: []string{"acme-audit-*"}, KMSKeys: []string{"arn:aws:kms:*:111122223333:key/*"}}},
		"no source":         {params: Params{AllowedExclusions: []string{"kms"}}, wantErr: `allowed_exclusions: "kms"`},
		"a source's glob":   {params: Params{AllowedExclusions: []string{"*.amazonaws.com"}}, wantErr: "allowed_exclusions"},
		"no bucket":         {params: Params{Buckets: []string{""}}, wantErr: "buckets[0] is empty"},
		"no bucket pattern": {params: Params{Buckets: []string{"acme-["}}, wantErr: "buckets[0]: pattern"},
		"a key's id":        {params: Params{KMSKeys: []string{"1234abcd-12ab-34cd-56ef-1234567890ab"}}, wantErr: "kms_keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.params.Validate()
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("Validate = %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add([]byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "StopLogging", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Name == "" || target.Account == "" || target.Region == "" || strings.ContainsAny(target.Name, ":/") {
				t.Errorf("target %+v is no trail", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "put-selectors.json")
	bad := good()
	bad.Selectors = []Selector{{ReadWriteType: readOnly, DataResources: []DataResource{{Type: "AWS::S3::Object"}, {Type: "AWS::Lambda::Function"}}}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{Trail: &bad}, Params{})); n != 2 {
			b.Fatalf("%d violations, want 2", n)
		}
	}
}
