package s3bucketlogging

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
const samples = "../../events/s3-bucket-logging"

// invoices is the bucket of the samples.
var invoices = Target{Bucket: "acme-invoices", Account: "111122223333", Region: "us-east-1"}

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"put-off.json":            {invoices},
		"put-off-old-record.json": {invoices},
		"put-on.json":             {invoices}, // what it set, the live state tells
		"put-denied.json":         nil,
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
	for name, c := range map[string]struct{ detail, want string }{
		"null parameters": {`{"requestParameters":null}`, "requestParameters.bucketName is missing"},
		"no bucket":       {`{"requestParameters":{"logging":""}}`, "requestParameters.bucketName is missing"},
		"a path":          {`{"requestParameters":{"bucketName":"../other"}}`, "is no name that a bucket can have"},
		"wrong type":      {`{"requestParameters":{"bucketName":["b"]}}`, "decode CloudTrail record of PutBucketLogging"},
		"truncated":       {`{"requestParameters":{"bucketName":"acme`, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rules.Decode(remedy.Event{Name: "PutBucketLogging", Account: "111122223333", Region: "us-east-1", Detail: json.RawMessage(c.detail)})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("Decode = %v, %v; want an error with %q", got, err, c.want)
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
		"zero":             {Params{}, ""},
		"patterns":         {Params{AllowedBuckets: []string{"logs-*"}}, ""},
		"a target":         {Params{TargetBucket: "acme-logs", TargetPrefix: "s3/"}, ""},
		"a bad pattern":    {Params{AllowedBuckets: []string{"[a"}}, `allowed_buckets[0]: pattern "[a"`},
		"a prefix of none": {Params{TargetPrefix: "s3/"}, "target_prefix is of no use without target_bucket"},
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
	files, err := filepath.Glob(samples + "/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add([]byte(sample(f, filepath.Base(file)).Detail))
	}
	f.Add([]byte(`{"requestParameters": {"bucketName": "acme/../other"}}`))
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := rules.Decode(remedy.Event{Name: "PutBucketLogging", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if strings.ContainsAny(target.Bucket, "/:% \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "put-off.json")
	b.ReportAllocs()
	for b.Loop() {
		targets, err := rules.Decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{}, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
