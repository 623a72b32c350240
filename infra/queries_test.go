package infra_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/logs"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// TestQueriesFindTheirLines holds the saved queries to lines as they are in a
// function's log group: each finds those that answer its question, and no other.
func TestQueriesFindTheirLines(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"PutBack":      {"reverted", "reverted again"},
		"BadLongest":   {"reverted", "reverted again"},
		"Failed":       {"throttled", "denied", "dead letter", "message", "start"},
		"Held":         {"held"},
		"DeadLetters":  {"dead letter"},
		"Actors":       {"reverted", "reverted again", "held", "observed", "throttled", "denied"},
		"Fought":       {"reverted", "reverted again", "held"},
		"RefusedCalls": {"throttled", "denied", "message"},
		"ColdStarts":   {"cold", "warm"},
		"OneId":        {"reverted", "dead letter"}, // one by its record's id, one by its own
	}
	got := map[string][]string{}
	for id, q := range queries(t) {
		parsed, err := parseQuery(strings.ReplaceAll(q.text, "{{id}}", "0123456789abcdef0123"))
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		got[id] = []string{}
		for _, l := range lines(t) {
			if parsed.selects(l.fields) {
				got[id] = append(got[id], l.name)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines by query (-want +got):\n%s", diff)
	}
}

// TestQueriesUseFieldsThatExist holds that what a query asks for is in at least
// one of the lines that it finds.
func TestQueriesUseFieldsThatExist(t *testing.T) {
	t.Parallel()
	for id, q := range queries(t) {
		parsed, err := parseQuery(strings.ReplaceAll(q.text, "{{id}}", "1-69a7b2bf-5e3c1d0f8a9b7c6d5e4f3a2b"))
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		there := map[string]bool{}
		for _, l := range lines(t) {
			for name := range l.fields {
				there[name] = there[name] || parsed.selects(l.fields)
			}
		}
		for _, name := range parsed.fields {
			if !there[name] {
				t.Errorf("%s: no line that it finds has the field %s", id, name)
			}
		}
	}
}

func TestQueriesAreSaved(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for id, q := range queries(t) {
		if diff := cmp.Diff(any("LogGroupNames"), q.groups); diff != "" {
			t.Errorf("%s: its log groups (-want +got):\n%s", id, diff)
		}
		if !strings.HasPrefix(q.name, "${Folder}/") || strings.ContainsAny(q.name, ":*") || names[q.name] {
			t.Errorf("%s: its name %q is taken, or not one in the folder", id, q.name)
		}
		names[q.name] = true
		for _, p := range q.parameters {
			if !strings.Contains(q.text, "{{"+p+"}}") {
				t.Errorf("%s: the parameter %s is not used", id, p)
			}
		}
		if strings.Count(q.text, "{{") != len(q.parameters) {
			t.Errorf("%s: uses parameters that it does not have", id)
		}
	}
	if len(names) != 10 {
		t.Errorf("%d queries, want 10", len(names))
	}
}

// TestQueryMistakes shows that the reader sees what would not run.
func TestQueryMistakes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "fields a |", "files a", "fields a b", "fields max(a) as b", "stats coalesce(a) as b", "stats count(*)", "sort a", "limit 0",
		`filter a = "b`, "filter a = ", "filter a like /(/", "filter (a", "filter a in [b", "fields a as b, | limit 1", "fields a; limit 1",
		"stats count(*) as n by a | sort b desc", "stats count(*) as n by a | filter b = 1",
	} {
		if q, err := parseQuery(text); err == nil {
			t.Errorf("%q is read as %+v", text, q)
		}
	}
}

type savedQuery struct {
	name, text string
	groups     any
	parameters []string
}

// queries gives the saved queries by logical id.
func queries(t *testing.T) map[string]savedQuery {
	t.Helper()
	tmpl := templates(t)["infra/queries.yaml"]
	out := map[string]savedQuery{}
	for id, r := range tmpl.Resources {
		if r.Type != "AWS::Logs::QueryDefinition" {
			t.Errorf("%s is a %s", id, r.Type)
			continue
		}
		q := savedQuery{name: r.Properties["Name"].(string), text: r.Properties["QueryString"].(string), groups: r.Properties["LogGroupNames"]}
		parameters, _ := r.Properties["Parameters"].(list)
		for _, p := range parameters {
			q.parameters = append(q.parameters, p.(object)["Name"].(string))
		}
		out[id] = q
	}
	return out
}

// TestQueriesLookAtEveryFunction holds the log groups to the functions.
func TestQueriesLookAtEveryFunction(t *testing.T) {
	t.Parallel()
	var want list
	for _, d := range all(t) {
		want = append(want, "/aws/lambda/${AWS::StackName}_"+d.name)
	}
	slices.SortFunc(want, func(a, b any) int {
		return strings.Compare(a.(string), b.(string))
	})
	queries := templates(t)[infra.Root].Resources["Queries"]
	got := queries.Properties["Parameters"].(object)["LogGroupNames"]
	if diff := cmp.Diff(any(object{"Fn::Join": list{",", want}}), got); diff != "" {
		t.Errorf("log groups (-want +got):\n%s", diff)
	}
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
	if most := 50; len(want) > most {
		t.Errorf("a query may name %d log groups, not %d: make a second stack of queries", most, len(want))
	}
}

// line is a line of a log, and the fields that Logs Insights finds in it.
type line struct {
	name   string
	fields map[string]any
}

// lines gives one line of each kind, written by the logger that the hosts use.
func lines(t *testing.T) []line {
	t.Helper()
	id, err := trace.TraceIDFromHex("69a7b2bf5e3c1d0f8a9b7c6d5e4f3a2b")
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}}))
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "52fdfc07-2182-154f-163f-5f0f9a621d72"})
	var out []line
	write := func(name string, log func(*slog.Logger)) {
		var text bytes.Buffer
		log(logs.New(&text, logs.Options{Getenv: func(name string) string {
			return map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "ebb-S3BucketPolicy-5c0FFee"}[name]
		}, ColdStart: func() bool { return false }}))
		out = append(out, line{name, discover(t, text.Bytes())})
	}
	decision := func(name string, err error, change func(*remedy.Record)) {
		rec := sampleRecord()
		change(&rec)
		write(name, func(log *slog.Logger) {
			log.LogAttrs(ctx, map[bool]slog.Level{true: slog.LevelInfo, false: slog.LevelError}[err == nil], "handled", append(rec.LogAttrs(), remedy.ErrorAttrs(err)...)...)
		})
	}
	decision("reverted", nil, func(*remedy.Record) {})
	decision("reverted again", nil, func(r *remedy.Record) { r.ID = "again" })
	decision("held", nil, func(r *remedy.Record) {
		r.ID, r.Outcome, r.Times.Intent, r.Times.Fixed, r.Times.Verified = "held", remedy.Held, time.Time{}, time.Time{}, time.Time{}
		r.Cap = &remedy.CapReached{Kind: "fight", Limit: 3, Window: time.Hour, Count: 3}
	})
	decision("observed", nil, func(r *remedy.Record) { r.ID, r.Outcome, r.Mode = "observed", remedy.Observed, remedy.Observe })
	decision("compliant", nil, func(r *remedy.Record) { r.ID, r.Outcome, r.Violations = "", remedy.Compliant, nil })
	for _, refusal := range []struct{ name, code string }{{"throttled", "Throttling"}, {"denied", "AccessDenied"}} {
		err := fmt.Errorf("put bucket policy: %w", &smithy.OperationError{
			ServiceID: "S3", OperationName: "PutBucketPolicy", Err: &smithy.GenericAPIError{Code: refusal.code, Message: "no"},
		})
		decision(refusal.name, err, func(r *remedy.Record) { r.ID, r.Outcome, r.Error = refusal.name, remedy.Failed, err.Error() })
	}
	write("dead letter", func(log *slog.Logger) {
		log.ErrorContext(ctx, "dead letter", "function", "s3-bucket-policy", "event_source", "aws.s3", "event_id", "e",
			"dead_letter", "0123456789abcdef0123", "error", "decode event: no detail")
	})
	write("message", func(log *slog.Logger) {
		log.ErrorContext(ctx, "message will come again", "message_id", "m", "error", "put bucket policy: access denied")
	})
	write("start", func(log *slog.Logger) {
		log.Error("the function can't start", "error", "EBB_TABLE is not set")
	})
	platform, err := os.ReadFile("testdata/platform.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range bytes.Split(bytes.TrimSpace(platform), []byte("\n")) {
		out = append(out, line{[]string{"cold", "warm"}[i], discover(t, text)})
	}
	return out
}

func sampleRecord() remedy.Record {
	at := time.Date(2026, 3, 4, 4, 6, 5, 0, time.UTC)
	after := func(ms int) time.Time { return at.Add(time.Duration(ms) * time.Millisecond) }
	return remedy.Record{
		ID: "0123456789abcdef0123", Function: "s3-bucket-policy", Severity: remedy.High, Mode: remedy.Enforce,
		Outcome: remedy.Reverted, Reason: `Statement "Public" lets everybody read. Put back with 1 call to the nearest compliant state.`,
		Event: remedy.EventRef{
			ID: "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", Source: "aws.s3", Name: "PutBucketPolicy", Account: "111122223333",
			Actor: remedy.Actor{Type: "AssumedRole", ID: "arn:aws:sts::111122223333:assumed-role/Developers/jane"}, Time: at,
		},
		Resource:   remedy.Ref{Type: "AWS::S3::Bucket", ID: "arn:aws:s3:::acme-invoices", Account: "111122223333", Region: "eu-west-1"},
		Violations: []remedy.Violation{{Rule: "public-statement", Part: "Public", Message: `Statement "Public" lets everybody read.`}},
		Changes:    []remedy.AppliedCall{{Call: remedy.Call{API: "s3:PutBucketPolicy"}, At: after(1830)}},
		Attempt:    1, TraceID: "69a7b2bf5e3c1d0f8a9b7c6d5e4f3a2b",
		Times: remedy.Times{
			Changed: at, Received: after(1510), Began: after(1510), Decided: after(1630), Intent: after(1700), Fixed: after(1830), Verified: after(1925), Recorded: after(1950),
		},
	}
}

// discover gives the fields of a line as Logs Insights names them: what is
// nested by its path, a yes as 1 and a no as 0.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
func discover(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out := map[string]any{"@message": string(text), "@timestamp": 0.0, "@log": "111122223333:group", "@logStream": "stream"}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, v := range v {
				walk(strings.TrimPrefix(path+"."+k, "."), v)
			}
		case bool:
			out[path] = map[bool]float64{true: 1}[v]
		default:
			out[path] = v
		}
	}
	walk("", decoded)
	return out
}
