package segment_test

import (
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

// FuzzEncode: whatever a span says, its document is one that X-Ray takes, and its
// OTLP is what a decoder takes.
func FuzzEncode(f *testing.F) {
	f.Add("handle x", "ebb.resource", "arn:aws:s3:::b", "it failed", goStack, uint8(1), uint16(1), int64(0))
	f.Add("\xff{\"", "url.full", "https://u:p@h/p?q", "\x00", "f()\n\tg.go:1 +0x1\n", uint8(3), uint16(70), int64(429))
	f.Add("", "", "", "", "", uint8(0), uint16(2_000), int64(-1))
	f.Add("S3.Get", "rpc.system", "aws-api", "SlowDown", "a\n\tb:99999999999\n\tc:1\nd\n\te:2", uint8(0x83), uint16(9), int64(1<<62))
	f.Fuzz(func(t *testing.T, name, key, value, message, stack string, kind uint8, times uint16, n int64) {
		many := strings.Repeat(value, min(int(times), 20_000/(len(value)+1)))
		attrs := []attribute.KeyValue{
			attribute.String(key, value), attribute.String("many", many), attribute.Int64("http.response.status_code", n),
			attribute.Int64("aws.attempts", n), attribute.String("error.type", value), attribute.String("server.address", value),
			attribute.String("http.request.method", many), attribute.String("url.template", many), attribute.String("ebb.outcome", many),
			attribute.String("ebb.resource", many), attribute.Int64("server.port", n), attribute.StringSlice("aws.dynamodb.table_names", []string{value, many}),
			attribute.Int64("http.response.body.size", n), attribute.Bool(segment.LambdaInvocation, kind&0x40 != 0),
		}
		if kind&0x80 != 0 {
			attrs = append(attrs, attribute.String("rpc.system.name", "aws-api"), attribute.String("rpc.method", many))
		}
		s := stub(1, 0, name, trace.SpanKind(kind%8), attrs...)
		s.Parent = spanContext(kind, kind&0x10 != 0)
		s.Status = sdk.Status{Code: codes.Code(kind % 3), Description: message}
		s.StartTime, s.EndTime = time.Unix(0, n), time.Unix(0, n/2)
		s.Links = []sdk.Link{{SpanContext: spanContext(kind, true), Attributes: attrs}}
		for range int(times) % 12 {
			s.Events = append(s.Events, sdk.Event{Name: name, Time: time.Unix(n, 0), Attributes: attrs[:2]}, sdk.Event{Name: "exception", Attributes: []attribute.KeyValue{
				attribute.String("exception.type", value), attribute.String("exception.message", message+many),
				attribute.String("exception.stacktrace", strings.Repeat(stack, min(int(times), 2_000/(len(stack)+1)))),
			}})
		}
		encode(t, s)
		spans := []sdk.ReadOnlySpan{s.Snapshot()}
		for _, m := range parse(t, segment.EncodeOTLP(spans)) {
			if len(bySpan(m)) != 1 {
				t.Errorf("%d spans in OTLP, want 1", len(bySpan(m)))
			}
		}
	})
}
