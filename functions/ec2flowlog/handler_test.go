package ec2flowlog

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-flow-log"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	logs := func(ids ...string) (out []Target) {
		for _, id := range ids {
			out = append(out, Target{id, "111122223333", "us-east-1"})
		}
		return out
	}
	want := map[string][]Target{
		"create.json":        logs("fl-0e17aa62a21d4bbfe"),
		"create-two.json":    logs("fl-0a1b2c3d4e5f60718", "fl-0a1b2c3d4e5f60719"),
		"create-none.json":   nil,
		"delete.json":        logs("fl-0e17aa62a21d4bbfe"),
		"delete-two.json":    logs("fl-0a1b2c3d4e5f60718", "fl-0a1b2c3d4e5f60719"),
		"delete-failed.json": nil,
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) {
		t.Errorf("%d samples, %d are expected", len(files), len(want))
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
			if diff := cmp.Diff(want[file], got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, ids string
		want      []string
		wantErr   string
	}{
		{"one", `{"content":"fl-1","tag":1}`, []string{"fl-1"}, ""},
		{"several", `[{"content":"fl-1","tag":1},{"content":"fl-2","tag":2}]`, []string{"fl-1", "fl-2"}, ""},
		{"a list of contents", `{"content":["fl-1","fl-2"]}`, []string{"fl-1", "fl-2"}, ""},
		{"a bare string", `"fl-1"`, []string{"fl-1"}, ""},
		{"bare strings", `["fl-1","fl-2"]`, []string{"fl-1", "fl-2"}, ""},
		{"the older form", `{"items":[{"item":"fl-1"}]}`, []string{"fl-1"}, ""},
		{"none", `""`, nil, "FlowLogId is missing"},
		{"null", `null`, nil, "FlowLogId is missing"},
		{"no id", `{"content":"vpc-1","tag":1}`, nil, `"vpc-1" does not start with fl-`},
		{"a number", `{"content":7}`, nil, "decode CloudTrail record of DeleteFlowLogs"},
		{"too deep", `[[[["fl-1"]]]]`, nil, "too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			targets, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "DeleteFlowLogs", Account: "111122223333", Region: "us-east-1",
				Detail: json.RawMessage(`{"requestParameters":{"DeleteFlowLogsRequest":{"FlowLogId":` + tt.ids + `}}}`),
			})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || targets != nil {
					t.Fatalf("decode = %v, %v; want an error with %q", targets, err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range targets {
				got = append(got, target.FlowLog)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, account, detail, wantErr string }{
		{"null parameters", "111122223333", `{"requestParameters":null}`, "FlowLogId is missing"},
		{"truncated", "111122223333", `{"requestParameters":{"DeleteFl`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"DeleteFlowLogsRequest":{"FlowLogId":"fl-1"}}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{Name: "DeleteFlowLogs", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail)})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::FlowLog", ID: "arn:aws-cn:ec2:cn-north-1:111122223333:vpc-flow-log/fl-1", Account: "111122223333", Region: "cn-north-1",
	}
	if got := (Target{"fl-1", "111122223333", "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
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
		targets, err := decode(remedy.Event{Name: "DeleteFlowLogs", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.FlowLog, "fl-") {
				t.Errorf("target %+v is no flow log", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "delete.json")
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{}, struct{}{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
