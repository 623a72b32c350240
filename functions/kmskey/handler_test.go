package kmskey

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/kms-key"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

// target is the key of the samples.
var target = Target{key, "111122223333", "us-east-1"}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"disable.json":                        {target},
		"disable-old-record.json":             {target},
		"schedule-deletion.json":              {target},
		"schedule-deletion-multi-region.json": {{"mrk-1234abcd12ab34cd56ef1234567890ab", "111122223333", "us-east-1"}},
		"schedule-denied.json":                nil, // a failed call
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d samples, %v; the table has %d", len(files), err, len(want))
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

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ account, detail, want string }{
		"null parameters": {"1", `{"requestParameters":null}`, "requestParameters.keyId is missing"},
		"an alias":        {"1", `{"requestParameters":{"keyId":"alias/x"}}`, "neither a key's id nor its ARN"},
		"an alias's ARN":  {"1", `{"requestParameters":{"keyId":"arn:aws:kms:us-east-1:111122223333:alias/x"}}`, "neither a key's id nor its ARN"},
		"a path":          {"1", `{"requestParameters":{"keyId":"a/../b"}}`, "neither a key's id nor its ARN"},
		"wrong type":      {"1", `{"requestParameters":{"keyId":1}}`, "decode CloudTrail record of DisableKey"},
		"truncated":       {"1", `{"requestParameters":{"keyId":`, "unexpected end"},
		"no account":      {"", `{"requestParameters":{"keyId":"` + key + `"}}`, `account ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.kms", Name: "DisableKey", Account: c.account, Region: "us-east-1", Detail: json.RawMessage(c.detail),
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::KMS::Key", ID: "arn:aws-cn:kms:cn-north-1:111122223333:key/" + key, Account: "111122223333", Region: "cn-north-1"}
	if diff := cmp.Diff(want, Target{key, "111122223333", "cn-north-1"}.Ref()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for tag, ok := range map[string]bool{"backup": true, "stage=prod": true, "stage=": true, "": false, "=prod": false} {
		if err := (Params{[]string{"x", tag}}).Validate(); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "protected_tags[1]") {
			t.Errorf("Validate with %q = %v, want ok: %v", tag, err, ok)
		}
	}
	if err := Function.Params.(Params).Validate(); err != nil {
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
		targets, err := decode(remedy.Event{Name: "DisableKey", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.KeyID == "" || strings.ContainsAny(target.KeyID, "/:% \n") {
				t.Errorf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "schedule-deletion.json")
	s, p := State{KeyState: pending, Window: 7, Tags: map[string]string{"stage": "prod"}}, Params{[]string{"backup", "stage=prod"}}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
