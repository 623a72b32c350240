package segment_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

// outline gives a document's ids as they are nested: "1(2 3(4))".
func outline(m map[string]any) string {
	id := m["id"].(string)
	out := strings.TrimPrefix(id[14:], "0")
	var inner []string
	for _, sub := range subsegments(m) {
		inner = append(inner, outline(sub))
	}
	if inner != nil {
		out += "(" + strings.Join(inner, " ") + ")"
	}
	return out
}

func TestWhichDocumentsThereAre(t *testing.T) {
	t.Parallel()
	span := func(id, parent byte) tracetest.SpanStub { return stub(id, parent, "s", trace.SpanKindInternal) }
	large := func(s tracetest.SpanStub, share int) tracetest.SpanStub {
		s.Attributes = append(s.Attributes, attribute.String("filler", strings.Repeat("x", segment.MaxDocument/share)))
		return s
	}
	entering := span(1, 0)
	entering.Parent = spanContext(9, true)
	otherTrace := span(2, 1)
	otherTrace.SpanContext = otherTrace.SpanContext.WithTraceID(trace.TraceID{1})
	unsampled := span(2, 1)
	unsampled.SpanContext = unsampled.SpanContext.WithTraceFlags(0)
	for _, c := range []struct {
		name  string
		spans tracetest.SpanStubs
		want  string
	}{
		{"as_they_end", tracetest.SpanStubs{span(3, 2), span(4, 2), span(2, 1), span(5, 1), span(1, 0)}, "1(2(3 4) 5)"},
		{"parent_first", tracetest.SpanStubs{span(1, 0), span(2, 1)}, "1(2)"},
		{"parent_elsewhere", tracetest.SpanStubs{span(3, 2), span(1, 0)}, "3; 1"},
		{"from_another_process", tracetest.SpanStubs{entering, span(9, 0)}, "1; 9"},
		{"of_another_trace", tracetest.SpanStubs{otherTrace, span(1, 0)}, "2; 1"},
		{"parent_unsampled", tracetest.SpanStubs{span(3, 2), unsampled, span(1, 0)}, "3; 1"},
		{"its_own_parent", tracetest.SpanStubs{span(1, 1), span(2, 1)}, "1(2)"},
		{"too_large_together", tracetest.SpanStubs{large(span(3, 2), 3), span(4, 3), large(span(2, 1), 3), large(span(5, 1), 3), span(1, 0)}, "1; 2(3(4)); 5"},
		{"one_too_large", tracetest.SpanStubs{span(3, 2), large(span(2, 1), 1), span(1, 0)}, "1; 2; 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, doc := range segment.Encode(c.spans.Snapshots(), segment.Options{}) {
				got = append(got, outline(checkDocument(t, doc)))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

// A span says the same inside its parent's document as alone.
func TestInsideIsAsAlone(t *testing.T) {
	t.Parallel()
	alone := map[string]string{}
	for _, s := range goldenSpans() {
		doc := encode(t, tracetest.SpanStubFromReadOnlySpan(s))
		id := doc["id"].(string)
		if doc["type"] == "subsegment" {
			delete(doc, "type")
			delete(doc, "trace_id")
			delete(doc, "parent_id")
		}
		alone[id] = fmt.Sprint(doc)
	}
	inside := map[string]string{}
	for _, raw := range segment.Encode(goldenSpans(), segment.Options{}) {
		doc := checkDocument(t, raw)
		for i, m := range flat(doc) {
			if i == 0 && m["type"] == "subsegment" {
				delete(m, "type")
				delete(m, "trace_id")
				delete(m, "parent_id")
			}
			delete(m, "subsegments")
			inside[m["id"].(string)] = fmt.Sprint(m)
		}
	}
	if diff := cmp.Diff(alone, inside); diff != "" {
		t.Errorf("documents by id (-alone +inside):\n%s", diff)
	}
}
