package ebssnapshotsharing

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ebs-snapshot-sharing"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"share-with-account.json": {{"snap-041993b54a9b3af6f", "111122223333", "us-east-1"}},
		"make-public.json":        {{"snap-0123456789abcdef0", "111122223333", "us-east-1"}},
		"modify-denied.json":      nil, // a failed call
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
		{"null parameters", "111122223333", `{"requestParameters":null}`, "requestParameters.snapshotId is missing"},
		{"no snapshot", "111122223333", `{"requestParameters":{"attributeType":"CREATE_VOLUME_PERMISSION"}}`, "requestParameters.snapshotId is missing"},
		{"not an id", "111122223333", `{"requestParameters":{"snapshotId":"vol-1"}}`, "does not start with snap-"},
		{"wrong type", "111122223333", `{"requestParameters":{"snapshotId":["snap-1"]}}`, "decode CloudTrail record of ModifySnapshotAttribute"},
		{"truncated", "111122223333", `{"requestParameters":{"snapshotId":"sn`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"snapshotId":"snap-1"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "ModifySnapshotAttribute", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::EC2::Snapshot", ID: "arn:aws:ec2:us-east-1::snapshot/snap-1", Account: "111122223333", Region: "us-east-1"}
	if got := (Target{"snap-1", "111122223333", "us-east-1"}).Ref(); got != want {
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
		targets, err := decode(remedy.Event{Name: "ModifySnapshotAttribute", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.SnapshotID, "snap-") {
				t.Errorf("target %+v is no snapshot", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "make-public.json")
	s := State{Public: true, Accounts: []string{partner, backup}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, Params{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
