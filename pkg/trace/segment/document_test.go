package segment_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

// encode gives the one document of a span, checked.
func encode(t testing.TB, s tracetest.SpanStub) map[string]any {
	t.Helper()
	docs := segment.Encode([]sdk.ReadOnlySpan{s.Snapshot()}, segment.Options{})
	if len(docs) != 1 {
		t.Fatalf("%d documents, want 1", len(docs))
	}
	return checkDocument(t, docs[0])
}

// at gives what is under the keys, nil when nothing is.
func at(m map[string]any, keys ...string) any {
	var v any = m
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func TestSegmentOrSubsegment(t *testing.T) {
	t.Parallel()
	invocation := attribute.Bool(segment.LambdaInvocation, true)
	for _, c := range []struct {
		name   string
		parent trace.SpanContext
		attrs  []attribute.KeyValue
		want   []any // type, name, parent_id
	}{
		{"root", trace.SpanContext{}, nil, []any{nil, "ebb-s3-public-access-block", nil}},
		{"root_with_the_marker", trace.SpanContext{}, []attribute.KeyValue{invocation}, []any{nil, "ebb-s3-public-access-block", nil}},
		{"comes_in", spanContext(9, true), nil, []any{nil, "ebb-s3-public-access-block", "70de5b6f19ff9a09"}},
		{"comes_in_through_Lambda", spanContext(9, true), []attribute.KeyValue{invocation}, []any{"subsegment", "own", "70de5b6f19ff9a09"}},
		{"inner", spanContext(9, false), nil, []any{"subsegment", "own", "70de5b6f19ff9a09"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stub(1, 0, "own", trace.SpanKindConsumer, c.attrs...)
			s.Parent = c.parent
			doc := encode(t, s)
			if diff := cmp.Diff(c.want, []any{doc["type"], doc["name"], doc["parent_id"]}); diff != "" {
				t.Errorf("type, name and parent_id (-want +got):\n%s", diff)
			}
			if raw := segment.Encode([]sdk.ReadOnlySpan{s.Snapshot()}, segment.Options{}); strings.Contains(string(raw[0]), segment.LambdaInvocation) {
				t.Error("the marker was sent")
			}
		})
	}
}

func TestUnsampledSpansHaveNoDocument(t *testing.T) {
	t.Parallel()
	s := stub(1, 0, "root", trace.SpanKindInternal)
	s.SpanContext = s.SpanContext.WithTraceFlags(0)
	if docs := segment.Encode([]sdk.ReadOnlySpan{s.Snapshot()}, segment.Options{}); docs != nil {
		t.Errorf("documents = %s, want none", docs)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	failed := sdk.Status{Code: codes.Error, Description: "it failed"}
	for _, c := range []struct {
		name   string
		status sdk.Status
		attrs  []attribute.KeyValue
		want   string
	}{
		{"fine", sdk.Status{}, nil, ""},
		{"fine_after_throttles", sdk.Status{}, []attribute.KeyValue{attribute.Int("aws.attempts", 3), attribute.Int("aws.throttles", 2)}, ""},
		{"failed", failed, nil, "fault cause"},
		{"not_found", failed, []attribute.KeyValue{attribute.Int("http.response.status_code", 404)}, "error cause"},
		{"not_found_served", sdk.Status{}, []attribute.KeyValue{attribute.Int("http.response.status_code", 404)}, "error"},
		{"too_many", failed, []attribute.KeyValue{attribute.Int("http.response.status_code", 429)}, "error throttle cause"},
		{"unavailable", failed, []attribute.KeyValue{attribute.Int("http.response.status_code", 503)}, "fault cause"},
		{"unavailable_for_the_rate", failed, []attribute.KeyValue{attribute.Int("http.response.status_code", 503), attribute.String("error.type", "SlowDown")}, "error throttle cause"},
		{"throttled_to_the_end", failed, []attribute.KeyValue{attribute.Int("aws.attempts", 3), attribute.Int("aws.throttles", 3)}, "error throttle cause"},
		{"throttled_then_denied", failed, []attribute.KeyValue{attribute.Int("aws.attempts", 3), attribute.Int("aws.throttles", 2), attribute.String("error.type", "AccessDenied")}, "fault cause"},
		{"rate_of_a_product", failed, []attribute.KeyValue{attribute.String("error.type", "rate_limit")}, "error throttle cause"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stub(1, 2, "call", trace.SpanKindClient, c.attrs...)
			s.Status = c.status
			doc := encode(t, s)
			var got []string
			for _, key := range []string{"error", "throttle", "fault", "cause"} {
				if doc[key] != nil {
					got = append(got, key)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("flags (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingSecretIsSent(t *testing.T) {
	t.Parallel()
	s := stub(1, 2, "call", trace.SpanKindClient,
		attribute.String("http.request.method", "GET"),
		attribute.String("url.full", "https://user:s3cret@api.example.com/v1/items?token=s3cret#s3cret"),
		attribute.String("http.url", "https://s3cret@api.example.com/?s3cret"),
		attribute.String("http.target", "/v1/items?token=s3cret"),
		attribute.String("url.path", "/s3cret"), attribute.String("url.query", "token=s3cret"), attribute.String("url.fragment", "s3cret"),
		attribute.StringSlice("http.request.header.authorization", []string{"s3cret"}),
		attribute.StringSlice("http.response.header.set-cookie", []string{"s3cret"}),
		attribute.String("db.query.text", "s3cret"), attribute.String("db.statement", "s3cret"),
		attribute.String("client.address", "s3cret"), attribute.String("network.peer.address", "s3cret"))
	s.Events = []sdk.Event{{Name: "e", Attributes: []attribute.KeyValue{attribute.String("url.query", "s3cret")}}}
	s.Links = []sdk.Link{{SpanContext: spanContext(7, true), Attributes: []attribute.KeyValue{attribute.String("url.full", "https://s3cret@h/?s3cret")}}}
	for _, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindServer, trace.SpanKindInternal} {
		for _, parent := range []trace.SpanContext{{}, spanContext(2, false)} {
			s.SpanKind, s.Parent = kind, parent
			spans := []sdk.ReadOnlySpan{s.Snapshot()}
			for _, sent := range append(segment.Encode(spans, segment.Options{}), segment.EncodeOTLP(spans)...) {
				if strings.Contains(string(sent), "s3cret") {
					t.Errorf("%s span: %s", kind, sent)
				}
			}
		}
	}
	s.SpanKind, s.Parent = trace.SpanKindClient, spanContext(2, false)
	if got := at(encode(t, s), "http", "request", "url"); got != "https://api.example.com/v1/items" {
		t.Errorf("url = %v", got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"apply":                       "apply",
		"a \"b\" {c}\n<d>\\":          "a b cd",
		"résumé 日本 ٣ ½":               "résumé 日本 ٣ ½",
		"\xff\xfe☠":                   "span",
		"":                            "span",
		strings.Repeat("é", 300):      strings.Repeat("é", 200),
		"_.:/%&#=+-@0aZ":              "_.:/%&#=+-@0aZ",
		strings.Repeat("{", 300) + "": "span",
	} {
		if got := encode(t, stub(1, 2, in, trace.SpanKindInternal))["name"]; got != want {
			t.Errorf("name of %q = %q, want %q", in, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		start, end time.Time
		want       string
	}{
		{time.Unix(1480615200, 10_000_000), time.Unix(1480615200, 90_000_999), "1480615200.010000 1480615200.090000"},
		{time.Unix(1480615200, 1_000), time.Unix(1480615200, 0), "1480615200.000001 1480615200.000001"},
		{time.Unix(-5, 0), time.Unix(0, 2_000), "0.000000 0.000002"},
		{time.Time{}, time.Unix(4_000_000_000, 999_999_999), "0.000000 4000000000.999999"},
	} {
		s := stub(1, 2, "s", trace.SpanKindInternal)
		s.StartTime, s.EndTime = c.start, c.end
		doc := encode(t, s)
		if got := fmt.Sprint(doc["start_time"], " ", doc["end_time"]); got != c.want {
			t.Errorf("times = %s, want %s", got, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	s := stub(1, 2, "s", trace.SpanKindInternal,
		attribute.String("s", "a\"\\\n\x01\x1f\xff\u2028é"), attribute.Bool("b", true), attribute.Int64("i", -1<<63),
		attribute.Float64("f", 1.5e300), attribute.Float64("inf", inf()), attribute.StringSlice("ss", []string{"a", "b"}),
		attribute.BoolSlice("bs", []bool{true, false}), attribute.Int64Slice("is", []int64{1, 2}), attribute.Float64Slice("fs", nil),
		attribute.KeyValue{Key: "bytes", Value: attribute.ByteSliceValue([]byte{1, 2})},
		attribute.KeyValue{Key: "map", Value: attribute.MapValue(attribute.Int("k", 1))},
		attribute.KeyValue{Key: "list", Value: attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("x"))},
		attribute.KeyValue{Key: "none"})
	want := map[string]any{
		"s": "a\"\\\n\x01\x1f\ufffd\u2028é", "b": true, "i": json.Number("-9223372036854775808"), "f": json.Number("1.5e+300"), "inf": "+Inf",
		"ss": []any{"a", "b"}, "bs": []any{true, false}, "is": []any{json.Number("1"), json.Number("2")}, "fs": []any{},
		"bytes": "AQI=", "map": map[string]any{"k": json.Number("1")}, "list": []any{json.Number("1"), "x"}, "none": nil,
	}
	if diff := cmp.Diff(want, at(encode(t, s), "metadata", "ebb")); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestCallsAtARootKeepWhatTheyCalled(t *testing.T) {
	t.Parallel()
	s := awsCall(4, "DynamoDB", "UpdateItem", attribute.String("http.request.method", "POST"))
	s.Parent = trace.SpanContext{}
	doc := encode(t, s)
	got := []any{doc["http"], at(doc, "aws", "operation"), at(doc, "metadata", "ebb", "rpc.method"), at(doc, "metadata", "ebb", "http.request.method")}
	if diff := cmp.Diff([]any{nil, nil, "UpdateItem", "POST"}, got); diff != "" {
		t.Errorf("blocks and metadata (-want +got):\n%s", diff)
	}
}

func TestTablesAndNewerNames(t *testing.T) {
	t.Parallel()
	tables := make([]string, 12)
	for i := range tables {
		tables[i] = fmt.Sprint("t", i)
	}
	s := stub(1, 2, "DynamoDB/BatchGetItem", trace.SpanKindClient, attribute.String("rpc.system", "aws-api"),
		attribute.String("rpc.method", "DynamoDB/BatchGetItem"), attribute.StringSlice("aws.dynamodb.table_names", tables),
		attribute.String("aws.s3.bucket", "b"), attribute.String("cloud.account.id", "1"))
	doc := encode(t, s)
	want := map[string]any{
		"operation": "BatchGetItem", "account_id": "1", "bucket_name": "b",
		"table_names": []any{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"},
	}
	if diff := cmp.Diff(want, doc["aws"]); diff != "" || doc["name"] != "DynamoDB" {
		t.Errorf("name = %v, aws (-want +got):\n%s", doc["name"], diff)
	}
	if diff := cmp.Diff([]any{"aws"}, at(doc, "metadata", "otel", "truncated")); diff != "" {
		t.Errorf("truncated (-want +got):\n%s", diff)
	}
}
