package s3accountaccessblock

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// samples are events as EventBridge delivers them.
const samples = "../../events/s3-account-access-block"

// acme is the account of the samples.
var acme = Target{Account: "111122223333", Region: "us-east-1"}

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"put-policy-flags-off.json": {acme},
		"delete.json":               {acme},
		"delete-denied.json":        nil,
	}
	files, err := filepath.Glob(samples + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) {
		t.Errorf("%d samples, %d are expected", len(files), len(want))
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			t.Parallel()
			ev := sample(t, filepath.Base(f))
			if !Function.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := rules.Decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[filepath.Base(f)], got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ account, region, detail, want string }{
		"no account":         {"", "eu-west-1", `{}`, `account "" is not an id`},
		"no account id":      {"111122223333.evil", "eu-west-1", `{}`, "is not an id of twelve digits"},
		"letters in account": {"11112222333a", "eu-west-1", `{}`, "is not an id of twelve digits"},
		"no region":          {"111122223333", "", `{}`, "names no region"},
		"truncated":          {"111122223333", "eu-west-1", `{"errorCode":`, "decode CloudTrail record of PutAccountPublicAccessBlock"},
		"no object":          {"111122223333", "eu-west-1", `[]`, "decode CloudTrail record of PutAccountPublicAccessBlock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{Name: "PutAccountPublicAccessBlock", Account: c.account, Region: c.region, Detail: json.RawMessage(c.detail)})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

// TestRefIsTheSameInAllRegions because the block is: two events from different
// regions take turns.
func TestRefIsTheSameInAllRegions(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::S3::AccountPublicAccessBlock", ID: "111122223333", Account: "111122223333"}
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		if got := (Target{"111122223333", region}).Ref(); got != want {
			t.Errorf("Ref in %s = %+v, want %+v", region, got, want)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params Params
		want   string
	}{
		"zero":         {Params{}, ""},
		"the defaults": {Function.Params.(Params), ""},
		"unknown flag": {Params{Required: []string{"blockPublicPolicy"}}, `required[0]: "blockPublicPolicy" is not one of`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.params.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Validate() = %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"put-policy-flags-off.json", "delete.json", "delete-denied.json"} {
		f.Add("111122223333", []byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, account string, detail []byte) {
		targets, err := decode(remedy.Event{Name: "PutAccountPublicAccessBlock", Account: account, Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if len(target.Account) != 12 || strings.Trim(target.Account, "0123456789") != "" {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "delete.json")
	params := Function.Params.(Params)
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{}, params); len(v) != 4 {
			b.Fatal(v)
		}
	}
}
