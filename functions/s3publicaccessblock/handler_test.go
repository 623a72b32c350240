package s3publicaccessblock

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// samples are events as EventBridge delivers them.
const samples = "../../events/s3-public-access-block"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	invoices := []Target{{Bucket: "acme-invoices", Account: "111122223333", Region: "us-east-1"}}
	want := map[string][]Target{
		"put-policy-flags-off.json": invoices,
		"put-old-record.json":       invoices,
		"delete.json":               invoices,
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

func TestTargetAndStateSurviveJSON(t *testing.T) {
	t.Parallel()
	type kept struct {
		Target Target
		State  State
	}
	target := Target{Bucket: "b", Account: "111122223333", Region: "eu-west-1"}
	for name, want := range map[string]kept{
		"no block": {target, State{}},
		"all off":  {target, State{Block: &Block{}}},
		"some on":  {target, State{Block: &Block{BlockPublicAcls: true, RestrictPublicBuckets: true}, Tags: map[string]string{"k": "v"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got kept
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
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
		"patterns":     {Params{AllowedBuckets: []string{"www.example.com", "site-*", "[a-c]?"}}, ""},
		"empty":        {Params{AllowedBuckets: []string{"a", ""}}, "allowed_buckets[1] is empty"},
		"bad pattern":  {Params{AllowedBuckets: []string{"[a"}}, `allowed_buckets[0]: pattern "[a": syntax error in pattern`},
		"unknown flag": {Params{Required: []string{"BlockPublicAcls", "blockPublicPolicy"}}, `required[1]: "blockPublicPolicy" is not one of BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets`},
		"flag twice":   {Params{Required: []string{"BlockPublicAcls", "BlockPublicAcls"}}, "required[1]: BlockPublicAcls is there twice"},
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
	for _, file := range []string{"put-policy-flags-off.json", "put-old-record.json", "delete.json", "delete-denied.json"} {
		f.Add([]byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := rules.Decode(remedy.Event{Name: "DeleteBucketPublicAccessBlock", Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasSuffix(target.Ref().ID, ":::"+target.Bucket) || strings.ContainsAny(target.Bucket, "/:% \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes a real event, without white space as it is
// delivered, to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "delete.json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, ev.Detail); err != nil {
		b.Fatal(err)
	}
	ev.Detail = compact.Bytes()
	params := Function.Params.(Params)
	b.ReportAllocs()
	for b.Loop() {
		targets, err := rules.Decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{}, params); len(v) != 4 {
			b.Fatal(v)
		}
	}
}
