package ebssnapshotaccessblock

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ebs-snapshot-access-block"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

var target = Target{regionevent.Place{Account: "111122223333", Region: "us-east-1"}}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"disable.json":                  {target},
		"enable-block-new-sharing.json": {target},
		"enable-block-all-sharing.json": {target},
		"disable-denied.json":           nil, // a failed call
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
	for name, c := range map[string]struct{ account, detail, wantErr string }{
		"truncated":  {"111122223333", `{"errorCode":`, "decode CloudTrail record of DisableSnapshotBlockPublicAccess"},
		"no account": {"", `{}`, `account ""`},
	} {
		got, err := decode(remedy.Event{Name: "DisableSnapshotBlockPublicAccess", Account: c.account, Region: "us-east-1", Detail: json.RawMessage(c.detail)})
		if err == nil || !strings.Contains(err.Error(), c.wantErr) || got != nil {
			t.Errorf("%s: decode = %v, %v; want an error with %q", name, got, err, c.wantErr)
		}
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::SnapshotBlockPublicAccess", ID: "arn:aws:ec2:us-east-1:111122223333:snapshot-block-public-access",
		Account: "111122223333", Region: "us-east-1",
	}
	if got := target.Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for minimum, ok := range map[string]bool{"": true, blockNew: true, blockAll: true, unblocked: false, "block": false} {
		if err := (Params{minimum}).Validate(); (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "minimum: ") {
			t.Errorf("Validate with minimum %q = %v, want ok: %v", minimum, err, ok)
		}
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
		targets, err := decode(remedy.Event{Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, got := range targets {
			if got != target {
				t.Errorf("target %+v is not that of the event", got)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "disable.json")
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{Block: unblocked}, Params{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
