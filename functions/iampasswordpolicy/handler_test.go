package iampasswordpolicy

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/iam-password-policy"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

// ours is the account of the samples.
var ours = Target{"111122223333", "us-east-1"}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"update-weaker.json": {ours},
		"update-by-cli.json": {ours},
		"delete.json":        {ours},
		"update-denied.json": nil, // a failed call
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
	for name, c := range map[string]struct{ account, region, detail, want string }{
		"no account": {"", "us-east-1", `{"requestParameters":null}`, `account ""`},
		"no region":  {"1", "", `{"requestParameters":null}`, `region ""`},
		"truncated":  {"1", "us-east-1", `{"requestParameters":{"min`, "unexpected end"},
		"a list":     {"1", "us-east-1", `[]`, "decode CloudTrail record of UpdateAccountPasswordPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.iam", Name: "UpdateAccountPasswordPolicy", Account: c.account, Region: c.region, Detail: json.RawMessage(c.detail),
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::IAM::AccountPasswordPolicy", ID: "arn:aws-cn:iam::111122223333:account-password-policy", Account: "111122223333", Region: "cn-north-1"}
	if diff := cmp.Diff(want, Target{"111122223333", "cn-north-1"}.Ref()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for _, p := range []Params{defaults, {MinimumLength: 6}, {MinimumLength: 128, ReusePrevention: 24, MaxAgeDays: 1095}} {
		if err := p.Validate(); err != nil {
			t.Errorf("Validate of %+v = %v", p, err)
		}
	}
	for want, p := range map[string]Params{
		"minimum_length: 5 is not between 6 and 128": {MinimumLength: 5}, "minimum_length: 129": {MinimumLength: 129},
		"reuse_prevention: 25 is not between 0 and 24": {MinimumLength: 8, ReusePrevention: 25}, "reuse_prevention: -1": {MinimumLength: 8, ReusePrevention: -1},
		"max_age_days: 1096 is not between 0 and 1095": {MinimumLength: 8, MaxAgeDays: 1096}, "max_age_days: -1": {MinimumLength: 8, MaxAgeDays: -1},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want %q", err, want)
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
		targets, err := decode(remedy.Event{Name: "UpdateAccountPasswordPolicy", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target != ours { // nothing in the event names another
				t.Errorf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "update-weaker.json")
	s := State{with(func(p *Policy) { p.MinimumPasswordLength, p.RequireSymbols = 8, false })}
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, defaults)); n != 2 {
			b.Fatalf("%d violations, want 2", n)
		}
	}
}
