package configrecorder

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/config-recorder"

// here is the recorder of the samples.
var here = Target{Account: "111122223333", Region: "us-east-1"}

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"associate.json":             {here},
		"associate-linked.json":      nil, // a service's own recorder
		"delete.json":                {here},
		"delete-channel.json":        {here},
		"disassociate.json":          {here},
		"put.json":                   {here},
		"put-channel.json":           {here},
		"start.json":                 {here},
		"stop.json":                  {here},
		"delete-channel-denied.json": nil, // failed calls
		"delete-denied.json":         nil,
		"stop-denied.json":           nil,
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

// Recorders that AWS services made for themselves can't be changed, and are not
// the one that customers manage.
func TestServiceLinkedRecordersAreLeftAlone(t *testing.T) {
	t.Parallel()
	for _, request := range []string{
		`{"configurationRecorderName":"AWSConfigurationRecorderForX"}`,
		`{"configurationRecorder":{"name":"AWSConfigurationRecorderForX"}}`,
		`{"configurationRecorderArn":"arn:aws:config:us-east-1:111122223333:configuration-recorder/AWSConfigurationRecorderForX/1"}`,
	} {
		got, err := decode(remedy.Event{Account: here.Account, Region: here.Region, Detail: json.RawMessage(`{"requestParameters":` + request + `}`)})
		if err != nil || got != nil {
			t.Errorf("decode of %s = %v, %v; want neither", request, got, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, account, detail, wantErr string }{
		{"wrong type", "111122223333", `{"requestParameters":{"configurationRecorderName":["x"]}}`, "decode CloudTrail record of StopConfigurationRecorder"},
		{"a list", "111122223333", `{"requestParameters":[]}`, "decode CloudTrail record"},
		{"truncated", "111122223333", `{"requestParameters":{"configurationRecorderName":"x`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"configurationRecorderName":"x"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.config", Name: "StopConfigurationRecorder", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::Config::ConfigurationRecorder", ID: "arn:aws-cn:config:cn-north-1:111122223333:configuration-recorder", Account: "111122223333", Region: "cn-north-1"}
	if got := (Target{"111122223333", "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params  Params
		wantErr string
	}{
		"defaults":    {},
		"all":         {params: Params{AllowedExclusions: []string{"AWS::EC2::NetworkInterface"}, Buckets: []string{"acme-*"}}},
		"no type":     {params: Params{AllowedExclusions: []string{"NetworkInterface"}}, wantErr: `allowed_exclusions: "NetworkInterface"`},
		"many types":  {params: Params{AllowedExclusions: []string{"AWS::EC2::*"}}, wantErr: "allowed_exclusions"},
		"no bucket":   {params: Params{Buckets: []string{""}}, wantErr: "buckets"},
		"half a glob": {params: Params{Buckets: []string{"a["}}, wantErr: "buckets"},
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
		targets, err := decode(remedy.Event{Name: "StopConfigurationRecorder", Account: here.Account, Region: here.Region, Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		if len(targets) > 1 || len(targets) == 1 && targets[0] != here {
			t.Errorf("targets = %v, want the one of the event's account and region", targets)
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "put.json")
	bad := state(func(s *State) { s.Recorder.Group = Group{Only: []string{"AWS::S3::Bucket"}} })
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], bad, Params{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
