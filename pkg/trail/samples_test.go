package trail_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/moto"
	"github.com/ebb-ops/ebb/pkg/trail"
)

// sample is a recorded CloudTrail record.
type sample struct {
	Name   string         `json:"sample"`
	Record map[string]any `json:"record"`
}

// What the samples can't be compared in, and why.
const (
	notHere  = "the emulator has no such call"
	oldForm  = "the record is of an older version than the trail writes"
	itsOwn   = "the emulator's answer has not what AWS's has, or more"
	ofTheSDK = "the SDK gives a token of its own"
)

// except has the samples that are not compared as a whole. A call in it that
// begins to agree fails the test.
var except = map[string]string{
	"traildiscover/CloudFront-CreateFunction2020_05_31":     notHere,
	"traildiscover/CloudFront-PublishFunction2020_05_31":    notHere,
	"traildiscover/CreateApi":                               itsOwn,
	"traildiscover/CreateLaunchTemplate":                    itsOwn,
	"traildiscover/CreateServiceLinkedRole":                 itsOwn,
	"cloud-custodian/event-appmesh-create-mesh":             itsOwn,
	"cloud-custodian/event-cloud-trail-create-bucket":       oldForm,
	"cloud-custodian/event-cloud-trail-create-distribution": itsOwn,
	"cloud-custodian/event-cloud-trail-create-volume":       ofTheSDK,
	"cloud-custodian/event-cloud-trail-hsm-create-cluster":  itsOwn,
	"cloud-custodian/event-cloud-trail-s3":                  oldForm,
	"events/ebs-default-encryption/disable-null-parameters": oldForm,
	"events/ec2-instance-metadata/older-form":               oldForm,
	"events/guardduty-detector/create":                      itsOwn,
	"events/iam-policy-version/create-policy":               itsOwn,
	"events/iam-role-trust/create-for-foreign-account":      itsOwn,
	"events/iam-role-trust/create-for-github":               itsOwn,
	"events/s3-bucket-versioning/suspend-old-record":        oldForm,
	"events/lambda-function-url/create-dated":               oldForm,
	"events/lambda-permission/add-old":                      oldForm,
	"events/s3-bucket-policy/put-for-service":               oldForm,
	"events/s3-bucket-policy/put-public-acl-read":           oldForm,
	"events/s3-public-access-block/put-old-record":          oldForm,
}

// recorded are the samples of the sources that are copied here.
func recorded(t *testing.T) (samples []sample) {
	t.Helper()
	for _, file := range []string{"traildiscover.jsonl", "cloud-custodian.jsonl"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		check(t, err)
		for line := range bytes.Lines(raw) {
			var s sample
			check(t, json.Unmarshal(line, &s))
			samples = append(samples, s)
		}
	}
	return samples
}

// ours are the sample events of the functions.
func ours(t *testing.T) (samples []sample) {
	t.Helper()
	files, err := filepath.Glob("../../events/*/*.json")
	check(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		check(t, err)
		var ev struct{ Detail map[string]any }
		check(t, json.Unmarshal(raw, &ev))
		if _, ok := ev.Detail["eventSource"]; !ok {
			continue // a webhook's
		}
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "../../"), ".json")
		samples = append(samples, sample{name, ev.Detail})
	}
	return samples
}

// write puts samples into a file for Python.
func write(t *testing.T, samples []sample) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, s := range samples {
		check(t, enc.Encode(s))
	}
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	check(t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}

// python runs a script with the emulator's interpreter, and gives what it prints.
func python(t *testing.T, args ...string) []byte {
	t.Helper()
	bin, err := moto.Python()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"-B"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=owner", "AWS_SECRET_ACCESS_KEY=owner", "AWS_DEFAULT_REGION=us-east-1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", args[0], err, stderr.String())
	}
	return out
}

// TestReads holds the rule of what only reads to what CloudTrail says.
func TestReads(t *testing.T) {
	t.Parallel()
	got := string(python(t, "testdata/reads.py", "layer", write(t, append(recorded(t), ours(t)...))))
	// CloudTrail has a read-only GetSigninToken that changes nothing, and a call of no API.
	if want := "signin GetSigninToken False\n"; got != want {
		t.Errorf("the rules and the records disagree about:\n%swant only:\n%s", got, want)
	}
}

var sampleName = regexp.MustCompile(`sample/([^\s\]]+)`)

// TestSamples makes the call of each sample again, through the trail: its event
// has the structure that the sample has.
func TestSamples(t *testing.T) {
	t.Parallel()
	var samples []sample
	for _, s := range append(recorded(t), ours(t)...) {
		if s.Record["readOnly"] != true {
			samples = append(samples, s)
		}
	}
	events := make(chan []byte, 10*len(samples))
	tr, err := trail.Start(t.Context(), trail.Options{Deliver: func(_ context.Context, ev []byte) error {
		events <- ev
		return nil
	}})
	check(t, err)
	out := python(t, "testdata/replay.py", tr.URL, write(t, samples))
	fate := map[string]struct {
		Sample, Skipped, Error string
		Status                 int
	}{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	made := 0
	for lines.Scan() {
		f := fate[""]
		check(t, json.Unmarshal(lines.Bytes(), &f))
		fate[f.Sample] = f
		if f.Skipped == "" && f.Status != 500 {
			made++
		}
	}
	check(t, lines.Err())

	got := map[string]map[string]any{}
	for len(got) < made {
		select {
		case raw := <-events:
			var ev struct{ Detail map[string]any }
			check(t, json.Unmarshal(raw, &ev))
			if name := sampleName.FindStringSubmatch(ev.Detail["userAgent"].(string)); name != nil {
				got[name[1]] = ev.Detail
			}
		case <-t.Context().Done():
			t.Fatalf("%d of %d events came", len(got), made)
		}
	}
	check(t, tr.Close())

	compared := 0
	for _, s := range samples {
		f, ok := fate[s.Name]
		if !ok {
			t.Errorf("%s: nothing is told of it", s.Name)
		}
		if f.Skipped != "" || f.Status == 500 {
			t.Logf("%s: not compared: %s%s %s", s.Name, f.Skipped, f.Error, map[bool]string{true: notHere}[f.Status == 500])
			continue
		}
		compared++
		diff := differences(s.Record, got[s.Name])
		if why := except[s.Name]; why != "" {
			if diff == "" {
				t.Errorf("%s agrees now: it is no exception (%s)", s.Name, why)
			}
			continue
		}
		if diff != "" {
			t.Errorf("%s (-AWS +trail):\n%s", s.Name, diff)
		}
	}
	t.Logf("%d of %d samples compared, %d of them with exceptions", compared, len(samples), len(except))
	if compared < 170 {
		t.Errorf("%d samples were compared, want at least 170", compared)
	}
}

// differences tells in which keys two records differ.
func differences(want, got map[string]any) string {
	var b strings.Builder
	for _, key := range []string{"eventName", "eventSource"} {
		b.WriteString(cmp.Diff(want[key], got[key]))
	}
	b.WriteString(cmp.Diff(paths(want["requestParameters"]), paths(got["requestParameters"])))
	if want["errorCode"] == nil && got["errorCode"] == nil {
		b.WriteString(cmp.Diff(paths(want["responseElements"]), paths(got["responseElements"])))
	}
	// The other members, for the records that are of the version that the trail writes.
	if version, _ := want["eventVersion"].(string); version >= "1.08" {
		b.WriteString(cmp.Diff(members(want), members(got)))
	}
	return b.String()
}

// elsewhere are members that depend on where a call comes from, and not on the
// call: TLS, the console, a VPC; and on how it ended.
var elsewhere = []string{
	"tlsDetails", "sessionCredentialFromConsole", "vpcEndpointId", "vpcEndpointAccountId", "sharedEventID", "apiVersion",
	"errorCode", "errorMessage", "resources", "additionalEventData", "serviceEventDetails",
}

func members(record map[string]any) (names []string) {
	for name := range record {
		if !slices.Contains(elsewhere, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// paths gives the paths of all values, in order. What a list holds is one.
func paths(v any) []string {
	var out []string
	var walk func(string, any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				walk(at+"."+key, inner)
			}
			if len(v) == 0 {
				out = append(out, at+"{}")
			}
		case []any:
			for _, inner := range v {
				walk(at+"[]", inner)
			}
			if len(v) == 0 {
				out = append(out, at+"[]")
			}
		case nil:
			out = append(out, at+" null")
		default:
			out = append(out, at)
		}
	}
	walk("", v)
	slices.Sort(out)
	return slices.Compact(out)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
