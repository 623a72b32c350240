package otlp_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ebb-ops/ebb/pkg/trace/otlp"
)

const (
	traceID = "5759e988bd862e3fe1be46a994272793"
	rootID  = "53995c3f42cd8ad8"
	childID = "00f067aa0ba902b7"
)

func spans() []otlp.Span {
	start := time.Unix(1795792080, 123456789)
	return []otlp.Span{
		{TraceID: traceID, SpanID: rootID, Name: "receive shelf", Kind: "consumer", Start: start, End: start.Add(time.Second),
			Links: []string{"0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"}},
		{TraceID: traceID, SpanID: childID, ParentID: rootID, Name: "apply", Start: start, End: start.Add(time.Millisecond),
			Attributes: map[string]string{"b": "<2>", "a": "1"}, Error: "AccessDenied"},
	}
}

// TestWrite reads what was written with OpenTelemetry's own decoder.
func TestWrite(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := otlp.Write(&b, "ebb", "v1", spans()); err != nil {
		t.Fatal(err)
	}
	if bytes.Count(b.Bytes(), []byte("\n")) != 1 || b.Bytes()[b.Len()-1] != '\n' {
		t.Errorf("%q is not one line", b.String())
	}
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	type read struct {
		Trace, ID, Parent, Name, Kind, Status, Message string
		Start, End                                     int64
		Attributes                                     map[string]any
		Links                                          []string
	}
	res := traces.ResourceSpans().At(0)
	if diff := cmp.Diff(map[string]any{"service.name": "ebb", "service.version": "v1"}, res.Resource().Attributes().AsRaw()); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	var got []read
	for _, s := range res.ScopeSpans().At(0).Spans().All() {
		r := read{
			s.TraceID().String(), s.SpanID().String(), s.ParentSpanID().String(), s.Name(), s.Kind().String(), s.Status().Code().String(), s.Status().Message(),
			s.StartTimestamp().AsTime().UnixNano(), s.EndTimestamp().AsTime().UnixNano(), s.Attributes().AsRaw(), nil,
		}
		for _, l := range s.Links().All() {
			r.Links = append(r.Links, l.TraceID().String()+"-"+l.SpanID().String())
		}
		got = append(got, r)
	}
	const start = 1795792080123456789
	want := []read{
		{traceID, rootID, "", "receive shelf", "Consumer", "Unset", "", start, start + 1e9, map[string]any{}, []string{"0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"}},
		{traceID, childID, rootID, "apply", "Internal", "Error", "AccessDenied", start, start + 1e6, map[string]any{"a": "1", "b": "<2>"}, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

func TestWrite_refuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*otlp.Span){
		"short trace id":  func(s *otlp.Span) { s.TraceID = "57" },
		"span id, no hex": func(s *otlp.Span) { s.SpanID = "zz995c3f42cd8ad8" },
		"long parent id":  func(s *otlp.Span) { s.ParentID = rootID + "00" },
		"unknown kind":    func(s *otlp.Span) { s.Kind = "sideways" },
		"half a link":     func(s *otlp.Span) { s.Links = []string{traceID} },
	} {
		all := spans()
		spoil(&all[1])
		var b bytes.Buffer
		if err := otlp.Write(&b, "ebb", "v1", all); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v, and %d bytes were written; want an error and none", name, err, b.Len())
		}
	}
}
