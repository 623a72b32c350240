package ec2instancemetadata

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/ec2-instance-metadata"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	web := []Target{{InstanceID: "i-0123456789abcdef0", Account: "111122223333", Region: "us-east-1"}}
	want := map[string][]Target{
		"tokens-optional.json": web,
		"hop-limit.json":       web,
		"older-form.json":      web,
		"modify-denied.json":   nil, // a failed call
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
		{"null parameters", "111122223333", `{"requestParameters":null}`, `instance id ""`},
		{"an empty request", "111122223333", `{"requestParameters":{"ModifyInstanceMetadataOptionsRequest":{}}}`, `instance id ""`},
		{"a request that is a string", "111122223333", `{"requestParameters":{"ModifyInstanceMetadataOptionsRequest":""}}`, "decode CloudTrail record of ModifyInstanceMetadataOptions"},
		{"not an id", "111122223333", `{"requestParameters":{"instanceId":"vol-1"}}`, `instance id "vol-1"`},
		{"truncated", "111122223333", `{"requestParameters":{"instanceId":"i`, "unexpected end"},
		{"no account", "", `{"requestParameters":{"instanceId":"i-1"}}`, `account ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.ec2", Name: "ModifyInstanceMetadataOptions", Account: tt.account, Region: "us-east-1", Detail: json.RawMessage(tt.detail),
			})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
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
		targets, err := decode(remedy.Event{Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasPrefix(target.InstanceID, "i-") || strings.ContainsAny(target.InstanceID, "/:*") {
				t.Errorf("target %+v is no instance", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "tokens-optional.json")
	s := State{Options: imds.Options{Endpoint: imds.Enabled, Tokens: imds.Optional}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, struct{}{})); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
