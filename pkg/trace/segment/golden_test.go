package segment_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	traceID  = trace.TraceID{0x58, 0x40, 0x65, 0x20, 0xa0, 0x06, 0x64, 0x91, 0x27, 0xe3, 0x71, 0x90, 0x3a, 0x2d, 0xe9, 0x79}
	began    = time.Date(2026, 3, 2, 10, 14, 55, 40_123_456, time.UTC)
	function = resource.NewWithAttributes("https://opentelemetry.io/schemas/1.37.0",
		attribute.String("service.name", "ebb-s3-public-access-block"),
		attribute.String("service.version", "v1.2.3"),
		attribute.String("telemetry.sdk.name", "opentelemetry"),
		attribute.String("telemetry.sdk.language", "go"),
		attribute.String("telemetry.sdk.version", "1.47.0"),
		attribute.String("faas.instance", "2026/03/02/[$LATEST]0f1e2d"))
)

func spanContext(id byte, remote bool) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: trace.SpanID{0x70, 0xde, 0x5b, 0x6f, 0x19, 0xff, 0x9a, id}, TraceFlags: trace.FlagsSampled, Remote: remote,
	})
}

// stub gives a span that took a millisecond for each step from its id to the tenth.
func stub(id, parent byte, name string, kind trace.SpanKind, attrs ...attribute.KeyValue) tracetest.SpanStub {
	s := tracetest.SpanStub{
		Name: name, SpanContext: spanContext(id, false), SpanKind: kind, Attributes: attrs, Resource: function,
		InstrumentationScope: instrumentation.Scope{Name: "github.com/ebb-ops/ebb/pkg/remedy"},
		StartTime:            began.Add(time.Duration(id) * time.Millisecond),
		EndTime:              began.Add(10 * time.Millisecond),
	}
	if parent != 0 {
		s.Parent = spanContext(parent, false)
	}
	return s
}

const goStack = "goroutine 7 [running]:\n" +
	"runtime/debug.Stack()\n\truntime/debug/stack.go:26 +0x5e\n" +
	"github.com/ebb-ops/ebb/pkg/remedy.(*run).remediate(0xc0001, {0x1, 0x2})\n\tgithub.com/ebb-ops/ebb/pkg/remedy/remediate.go:41 +0x1d\n" +
	"created by main.main in goroutine 1\n\tgithub.com/ebb-ops/ebb/cmd/ebb/main.go:12 +0x11\n"

// goldenSpans are one of each kind.
func goldenSpans() []sdk.ReadOnlySpan {
	receive := stub(1, 0xe0, "receive s3-public-access-block", trace.SpanKindConsumer,
		attribute.Bool(segment.LambdaInvocation, true),
		attribute.String("ebb.function", "s3-public-access-block"), attribute.String("ebb.event.id", "5f0d2c1e"))
	receive.Parent = spanContext(0xe0, true)

	webhook := stub(2, 0xe1, "POST /github", trace.SpanKindServer,
		attribute.String("http.request.method", "POST"), attribute.String("url.scheme", "https"),
		attribute.String("server.address", "hooks.example.com"), attribute.String("url.path", "/github/a-token"),
		attribute.String("http.route", "/github/{installation}"), attribute.String("url.query", "secret=1"),
		attribute.Int("http.response.status_code", 202), attribute.String("user_agent.original", "GitHub-Hookshot/1"),
		attribute.String("http.request.header.authorization", "Bearer secret"), attribute.String("client.address", "203.0.113.7"))
	webhook.Parent = spanContext(0xe1, true)

	handle := stub(3, 1, "handle s3-public-access-block", trace.SpanKindInternal,
		attribute.String("ebb.function", "s3-public-access-block"), attribute.String("ebb.outcome", "reverted"),
		attribute.String("ebb.resource", "arn:aws:s3:::acme-invoices"), attribute.String("ebb.account", "111122223333"),
		attribute.Int("ebb.changes", 2), attribute.StringSlice("ebb.violations", []string{"public policy", "public ACL"}))
	handle.Links = []sdk.Link{{
		SpanContext: spanContext(0xf0, true), Attributes: []attribute.KeyValue{attribute.String("ebb.link", "replay")},
	}}
	handle.Events = []sdk.Event{{
		Name: "lease taken", Time: began.Add(4 * time.Millisecond), Attributes: []attribute.KeyValue{attribute.Int("ebb.lease", 7)},
	}}

	dynamo := awsCall(4, "DynamoDB", "UpdateItem",
		attribute.StringSlice("aws.dynamodb.table_names", []string{"ebb-ledger"}), attribute.Int("aws.attempts", 3), attribute.Int("aws.throttles", 2))

	throttled := awsCall(5, "EC2", "DescribeSecurityGroups", attribute.Int("aws.attempts", 2), attribute.Int("aws.throttles", 2),
		attribute.String("error.type", "RequestLimitExceeded"))
	throttled.Status = sdk.Status{Code: codes.Error, Description: "RequestLimitExceeded"}

	github := stub(6, 3, "github GET /repos/{owner}/{repo}", trace.SpanKindClient,
		attribute.String("http.request.method", "GET"), attribute.String("server.address", "api.github.com"),
		attribute.String("url.template", "/repos/{owner}/{repo}"), attribute.Int("http.response.status_code", 404),
		attribute.Int("http.response.body.size", 86))
	github.Status = sdk.Status{Code: codes.Error, Description: "Not Found"}

	apply := stub(7, 3, "apply", trace.SpanKindInternal)
	apply.Status = sdk.Status{Code: codes.Error, Description: "put public access block: AccessDenied"}
	apply.Events = []sdk.Event{
		{Name: "tried", Time: began},
		{Name: "exception", Time: began, Attributes: []attribute.KeyValue{
			attribute.String("exception.type", "*smithy.OperationError"),
			attribute.String("exception.message", "put public access block: AccessDenied"),
			attribute.String("exception.stacktrace", goStack),
		}},
	}

	open := stub(8, 0, "sweep", trace.SpanKindInternal)
	open.EndTime = time.Time{}

	return tracetest.SpanStubs{
		receive, webhook, handle, dynamo, throttled, github, apply, open,
		awsCall(9, "SQS", "SendMessage", attribute.String("aws.sqs.queue.url", "https://sqs.us-east-1.amazonaws.com/111122223333/dead")),
	}.Snapshots()
}

func awsCall(id byte, service, op string, more ...attribute.KeyValue) tracetest.SpanStub {
	return stub(id, 3, service+"."+op, trace.SpanKindClient, append([]attribute.KeyValue{
		attribute.String("rpc.system.name", "aws-api"),
		attribute.String("rpc.service", service),
		attribute.String("rpc.method", op),
		attribute.String("cloud.region", "us-east-1"),
		attribute.String("aws.request_id", "UBQNSO5AEM8T4FDA4RQDEB94OVTDRVV4K4HIRGVJF66Q9ASUAAJG"),
	}, more...)...)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, doc := range segment.Encode(goldenSpans(), segment.Options{Origin: "AWS::Lambda::Function", Account: "444455556666"}) {
		checkDocument(t, doc)
		var out bytes.Buffer
		if err := json.Indent(&out, doc, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteString(out.String() + "\n")
	}
	const golden = "testdata/documents.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}
