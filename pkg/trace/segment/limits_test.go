package segment_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

func inf() float64 { return math.Inf(1) }

const tooLong = segment.MaxDocument

// exception gives what RecordError adds, with a stack of n frames.
func exception(message string, n int) sdk.Event {
	stack := "goroutine 1 [running]:\n"
	for i := range n {
		stack += fmt.Sprintf("f%d(...)\n\tfile.go:%d +0x1\n", i, i)
	}
	return sdk.Event{Name: "exception", Attributes: []attribute.KeyValue{
		attribute.String("exception.message", message), attribute.String("exception.stacktrace", stack),
	}}
}

func TestWhatIsTooLargeLosesTheLeastFirst(t *testing.T) {
	t.Parallel()
	filler := attribute.String("filler", strings.Repeat("x", tooLong))
	long := strings.Repeat("\x01", 4_000) // six bytes each in JSON
	for _, c := range []struct {
		name string
		grow func(*tracetest.SpanStub)
		want []any
	}{
		{"fits", func(s *tracetest.SpanStub) {}, nil},
		{"events", func(s *tracetest.SpanStub) {
			s.Events = append(s.Events, sdk.Event{Name: "large", Attributes: []attribute.KeyValue{filler}})
		}, []any{"events"}},
		{"attributes", func(s *tracetest.SpanStub) { s.Attributes = append(s.Attributes, filler) }, []any{"events", "attributes"}},
		{"stacks", func(s *tracetest.SpanStub) {
			e := exception("m", 0)
			e.Attributes[1] = attribute.String("exception.stacktrace", strings.Repeat(strings.Repeat("\x01", 250)+"\n\t"+strings.Repeat("\x01", 250)+":1\n", 50))
			s.Events = append(s.Events, e)
		}, []any{"events", "attributes", "stacks"}},
		{"messages", func(s *tracetest.SpanStub) {
			s.Events = append(s.Events, exception(long, 0), exception(long, 0), exception(long, 0))
		},
			[]any{"events", "attributes", "stacks", "messages", "cause"}},
		{"links", func(s *tracetest.SpanStub) { s.Links[0].Attributes = []attribute.KeyValue{filler} },
			[]any{"events", "attributes", "stacks", "messages", "links"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stub(1, 2, "s", trace.SpanKindInternal, attribute.String("ebb.outcome", "reverted"), attribute.Int("small", 1))
			s.Status = sdk.Status{Code: codes.Error, Description: "failed"}
			s.Events = []sdk.Event{{Name: "small"}, exception("first", 1)}
			s.Links = []sdk.Link{{SpanContext: spanContext(7, true)}}
			c.grow(&s)
			doc := encode(t, s)
			truncated, _ := at(doc, "metadata", "otel", "truncated").([]any)
			if diff := cmp.Diff(c.want, truncated); diff != "" {
				t.Errorf("truncated (-want +got):\n%s", diff)
			}
			lost := func(what string) bool { return strings.Contains(fmt.Sprint(truncated), what) }
			first := doc["cause"].(map[string]any)["exceptions"].([]any)[0].(map[string]any)
			kept := map[string]bool{
				"events": at(doc, "metadata", "otel", "events") != nil, "attributes": at(doc, "metadata", "ebb") != nil,
				"stacks": first["stack"] != nil, "links": doc["links"] != nil,
			}
			for what, is := range kept {
				if is == lost(what) {
					t.Errorf("%s there: %t, said to be lost: %t", what, is, lost(what))
				}
			}
			if first["message"] != "first" || at(doc, "annotations", "outcome") != "reverted" || doc["fault"] != true {
				t.Errorf("what must stay is gone: %v", doc)
			}
		})
	}
}

func TestStacksAreCounted(t *testing.T) {
	t.Parallel()
	s := stub(1, 2, "s", trace.SpanKindInternal)
	s.Status = sdk.Status{Code: codes.Error}
	s.Events = []sdk.Event{exception("m", 53)}
	first := encode(t, s)["cause"].(map[string]any)["exceptions"].([]any)[0].(map[string]any)
	if got := fmt.Sprint(len(first["stack"].([]any)), " ", first["truncated"]); got != "50 3" {
		t.Errorf("frames and frames left out = %s, want 50 3", got)
	}
}

func TestWhatTheSDKDroppedIsNamed(t *testing.T) {
	t.Parallel()
	s := stub(1, 2, "s", trace.SpanKindInternal)
	s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks = 1, 1, 1
	if diff := cmp.Diff([]any{"events", "attributes", "links"}, at(encode(t, s), "metadata", "otel", "truncated")); diff != "" {
		t.Errorf("truncated (-want +got):\n%s", diff)
	}
}

func TestLongAnnotationsAreWholeInTheMetadata(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 1_001)
	doc := encode(t, stub(1, 2, "s", trace.SpanKindInternal, attribute.String("ebb.resource", long)))
	if got := at(doc, "annotations", "resource"); got != long[:2_000] {
		t.Errorf("annotation = %v", got)
	}
	if got := at(doc, "metadata", "ebb", "ebb.resource"); got != long {
		t.Errorf("metadata = %v", got)
	}
}

func TestATraceHasNoMoreAnnotationsThanAreIndexed(t *testing.T) {
	t.Parallel()
	var spans tracetest.SpanStubs
	for i := range 30 {
		spans = append(spans, stub(byte(i+2), 1, "resource", trace.SpanKindInternal,
			attribute.String("ebb.outcome", "reverted"), attribute.Int("ebb.resource", i)))
	}
	spans = append(spans, stub(1, 0, "root", trace.SpanKindInternal, attribute.String("ebb.function", "f"), attribute.String("ebb.outcome", "reverted")))
	n, rest := 0, 0
	docs := segment.Encode(spans.Snapshots(), segment.Options{})
	root := checkDocument(t, docs[0])
	for _, m := range flat(root) {
		indexed, _ := m["annotations"].(map[string]any)
		n += len(indexed)
		if at(m, "metadata", "ebb", "ebb.outcome") != nil {
			rest++
		}
	}
	if n != 42 || rest != 10 {
		t.Errorf("%d annotations and %d spans with them in the metadata, want 42 and 10", n, rest)
	}
	if at(root, "annotations", "outcome") != "reverted" {
		t.Error("the root, which ends last, has no annotations")
	}
}
