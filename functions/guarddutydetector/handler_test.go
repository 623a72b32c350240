package guarddutydetector

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const (
	samples = "../../events/guardduty-detector"
	someID  = "12abc34d567e8fa901bc2d34e56789f0"
)

// here is the detector of the samples.
var here = Target{Account: "111122223333", Region: "us-east-1", ID: someID}

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"create.json":           {here},
		"data-sources-off.json": {here},
		"delete.json":           {here},
		"features-off.json":     {here},
		"suspend.json":          {here},
		"delete-denied.json":    nil, // failed calls
		"update-denied.json":    nil,
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
		{"not an id", "111122223333", `{"requestParameters":{"detectorId":"../findings"}}`, `detector id "../findings" is not a detector's`},
		{"wrong type", "111122223333", `{"requestParameters":{"detectorId":["x"]}}`, "decode CloudTrail record of UpdateDetector"},
		{"truncated", "111122223333", `{"requestParameters":{"detectorId":"x`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"detectorId":"abc"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.guardduty", Name: "UpdateDetector", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

// A detector that is made again has another id, and is the same resource.
func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::GuardDuty::Detector", ID: "arn:aws:guardduty:us-east-1:111122223333:detector", Account: "111122223333", Region: "us-east-1"}
	for _, id := range []string{"", someID} {
		if got := (Target{"111122223333", "us-east-1", id}).Ref(); got != want {
			t.Errorf("Ref with id %q = %+v, want %+v", id, got, want)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params  Params
		wantErr string
	}{
		"defaults":        {},
		"all":             {params: Params{Features: []string{"S3_DATA_EVENTS", runtime}, Frequency: "ONE_HOUR"}},
		"no feature":      {params: Params{Features: []string{"s3"}}, wantErr: `features: "s3"`},
		"always on":       {params: Params{Features: []string{"FLOW_LOGS"}}, wantErr: "features"},
		"one of two":      {params: Params{Features: []string{eksRuntime, runtime}}, wantErr: "takes one of"},
		"not a frequency": {params: Params{Frequency: "DAILY"}, wantErr: `frequency: "DAILY"`},
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
		targets, err := decode(remedy.Event{Name: "UpdateDetector", Account: here.Account, Region: here.Region, Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Ref() != here.Ref() || strings.ContainsAny(target.ID, "/.:") {
				t.Errorf("target %+v is no detector", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "features-off.json")
	p := Params{Features: []string{"S3_DATA_EVENTS"}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{Detector: &Detector{Enabled: true}}, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
