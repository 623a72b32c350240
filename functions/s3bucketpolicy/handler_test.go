package s3bucketpolicy

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// samples are events as EventBridge delivers them.
const samples = "../../events/s3-bucket-policy"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"delete.json":              {{Bucket: "acme-invoices", Account: "111122223333", Region: "us-east-1"}},
		"delete-denied.json":       nil,
		"put-public-read.json":     {{Bucket: "acme-invoices", Account: "111122223333", Region: "us-east-1"}},
		"put-public-acl-read.json": {{Bucket: "example-bucket", Account: "123456789012", Region: "us-west-2"}},
		"put-for-service.json":     {{Bucket: "example-bucket", Account: "123456789012", Region: "us-west-2"}},
		"put-denied.json":          nil,
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

// TestPoliciesOfSamples judges the policies as the samples hold them.
func TestPoliciesOfSamples(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"put-public-read.json":     {"PublicRead"},
		"put-public-acl-read.json": {"Public Access"},
		"put-for-service.json":     nil,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := sample(t, file)
			var got []string
			for _, v := range check(Target{}, livePolicy(t, ev), Params{}) {
				got = append(got, v.Part)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("public statements (-want +got):\n%s", diff)
			}
		})
	}
}

// livePolicy is the state that a sample's call leaves behind.
func livePolicy(t testing.TB, ev remedy.Event) State {
	t.Helper()
	var d struct {
		RequestParameters struct{ BucketPolicy json.RawMessage }
	}
	if err := json.Unmarshal(ev.Detail, &d); err != nil {
		t.Fatal(err)
	}
	return State{Policy: parsed(t, string(d.RequestParameters.BucketPolicy))}
}

func TestTargetAndStateSurviveJSON(t *testing.T) {
	t.Parallel()
	type kept struct {
		Target Target
		State  State
	}
	want := kept{
		Target{Bucket: "b", Account: "111122223333", Region: "eu-west-1"},
		State{Policy: parsed(t, " {\"Statement\" : [ ],\n\"Id\":\"<\\u00e9>&\u2028\"}\n"), Tags: map[string]string{"k": "v"}},
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got kept
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" { // compares policies byte for byte
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b, err := json.Marshal(State{}); err != nil || string(b) != `{}` {
		t.Errorf("a state without a policy is %s, %v; want {}", b, err)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params Params
		want   string
	}{
		"none":        {Params{}, ""},
		"patterns":    {Params{AllowedBuckets: []string{"www.example.com", "site-*", "[a-c]?"}}, ""},
		"empty":       {Params{AllowedBuckets: []string{"a", ""}}, "allowed_buckets[1] is empty"},
		"bad list":    {Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"1"}}}}, `allowed.accounts[0]: "1" is not an account id`},
		"bad pattern": {Params{AllowedBuckets: []string{"[a"}}, `allowed_buckets[0]: pattern "[a": syntax error in pattern`},
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
	for _, file := range []string{"put-public-read.json", "put-public-acl-read.json", "put-denied.json"} {
		f.Add([]byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := rules.Decode(remedy.Event{Name: "PutBucketPolicy", Account: "111122223333", Region: "eu-west-1", Detail: detail})
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

// BenchmarkDecodeAndCheck takes a real event to its verdict. The event has no
// white space, as it is delivered; the live policy is parsed each time, as
// after a read.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "put-public-read.json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, ev.Detail); err != nil {
		b.Fatal(err)
	}
	ev.Detail = compact.Bytes()
	text := livePolicy(b, ev).Policy.String()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := rules.Decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		policy, err := policydoc.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{Policy: policy}, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
