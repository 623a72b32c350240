package ebsdefaultencryption

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

const samples = "../../events/ebs-default-encryption"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

var target = Target{regionevent.Place{Account: "111122223333", Region: "us-east-1"}}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"disable.json":                 {target},
		"disable-null-parameters.json": {target},
		"enable.json":                  {target},
		"modify-key.json":              {target},
		"reset-key.json":               {target},
		"disable-denied.json":          nil, // a failed call
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
	tests := []struct{ name, account, region, detail, wantErr string }{
		{"truncated", "111122223333", "us-east-1", `{"errorCode":`, "decode CloudTrail record of DisableEbsEncryptionByDefault"},
		{"no account", "", "us-east-1", `{}`, `account ""`},
		{"no region", "111122223333", "", `{}`, `region ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "DisableEbsEncryptionByDefault", Account: tt.account, Region: tt.region, Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::EbsEncryptionByDefault", ID: "arn:aws:ec2:us-east-1:111122223333:ebs-encryption-by-default",
		Account: "111122223333", Region: "us-east-1",
	}
	if got := target.Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
	image, err := json.Marshal(target)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(image), `{"account":"111122223333","region":"us-east-1"}`; got != want {
		t.Errorf("a record keeps the target as %s, want %s", got, want)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for key, ok := range map[string]bool{
		ours: true, "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab": true,
		managedKey: false, "1234abcd-12ab-34cd-56ef-1234567890ab": false, "arn:aws:kms:us-east-1:111122223333:alias/ebs": false, "": false,
	} {
		if err := (Params{Keys: []string{key}}).Validate(); (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "keys: ") {
			t.Errorf("Validate with key %q = %v, want ok: %v", key, err, ok)
		}
	}
	if err := (Params{}).Validate(); err != nil {
		t.Errorf("Validate of the defaults = %v", err)
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
	p := Params{Keys: []string{ours, elsewhere}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], State{Key: managedKey}, p)); n != 2 {
			b.Fatalf("%d violations, want 2", n)
		}
	}
}
