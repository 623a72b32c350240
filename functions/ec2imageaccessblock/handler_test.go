package ec2imageaccessblock

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-image-access-block"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

var place = regionevent.Place{Account: "111122223333", Region: "us-east-1"}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"disable.json":        {{place, Write{unblocked, time.Date(2026, 3, 2, 10, 14, 55, 0, time.UTC)}}},
		"enable.json":         {{place, Write{blockNew, time.Date(2026, 3, 2, 10, 20, 7, 0, time.UTC)}}},
		"disable-denied.json": nil, // a failed call
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
		"truncated":  {"111122223333", `{"errorCode":`, "decode CloudTrail record of " + disable},
		"no account": {"", `{}`, `account ""`},
	} {
		got, err := decode(remedy.Event{Name: disable, Account: c.account, Region: "us-east-1", Detail: json.RawMessage(c.detail)})
		if err == nil || !strings.Contains(err.Error(), c.wantErr) || got != nil {
			t.Errorf("%s: decode = %v, %v; want an error with %q", name, got, err, c.wantErr)
		}
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::ImageBlockPublicAccess", ID: "arn:aws:ec2:us-east-1:111122223333:image-block-public-access",
		Account: "111122223333", Region: "us-east-1",
	}
	for _, asked := range []Write{{}, {unblocked, time.Unix(1, 0)}} {
		if got := (Target{place, asked}).Ref(); got != want {
			t.Errorf("Ref = %+v, want %+v, whatever was asked for", got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add(string(sample(f, filepath.Base(path)).Name), []byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, name string, detail []byte) {
		targets, err := decode(remedy.Event{Name: name, Account: place.Account, Region: place.Region, Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, got := range targets {
			if got.Place != place || got.Asked.Block != unblocked && got.Asked.Block != blockNew {
				t.Errorf("target %+v", got)
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
		if n := len(check(targets[0], State{Block: unblocked}, struct{}{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
