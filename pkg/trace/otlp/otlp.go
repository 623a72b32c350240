// Package otlp writes kept traces as OpenTelemetry's own JSON, which Jaeger,
// Grafana Tempo and the collector's otlpjsonfile receiver read.
package otlp

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Span is a span as the ledger keeps it.
type Span struct {
	TraceID, SpanID, ParentID string // lower-case hexadecimal; a root has no parent
	Name                      string
	Kind                      string // "internal", "server", "client", "producer" or "consumer"; empty means internal
	Start, End                time.Time
	Attributes                map[string]string
	Error                     string   // empty means that it went well
	Links                     []string // trace and span id of each, with a dash between
}

var kinds = map[string]ptrace.SpanKind{
	"": ptrace.SpanKindInternal, "internal": ptrace.SpanKindInternal, "server": ptrace.SpanKindServer,
	"client": ptrace.SpanKindClient, "producer": ptrace.SpanKindProducer, "consumer": ptrace.SpanKindConsumer,
}

// Write writes the spans as one line of OTLP's JSON encoding: a TracesData of
// one resource, the service in that version.
// https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
func Write(w io.Writer, service, version string, spans []Span) error {
	traces := ptrace.NewTraces()
	res := traces.ResourceSpans().AppendEmpty()
	res.Resource().Attributes().PutStr("service.name", service)
	res.Resource().Attributes().PutStr("service.version", version)
	scope := res.ScopeSpans().AppendEmpty()
	scope.Scope().SetName("github.com/ebb-ops/ebb")
	for _, s := range spans {
		if err := s.write(scope.Spans().AppendEmpty()); err != nil {
			return fmt.Errorf("encode span %q: %w", s.Name, err)
		}
	}
	line, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
	if err != nil {
		return fmt.Errorf("encode trace: %w", err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

func (s Span) write(to ptrace.Span) error {
	kind, ok := kinds[strings.ToLower(s.Kind)]
	if !ok {
		return fmt.Errorf("kind %q is none of OpenTelemetry's", s.Kind)
	}
	traceID, spanID, err := ids(s.TraceID, s.SpanID)
	if err != nil {
		return err
	}
	to.SetTraceID(traceID)
	to.SetSpanID(spanID)
	if s.ParentID != "" {
		_, parent, err := ids(s.TraceID, s.ParentID)
		if err != nil {
			return err
		}
		to.SetParentSpanID(parent)
	}
	to.SetName(cmp.Or(s.Name, "unnamed"))
	to.SetKind(kind)
	to.SetStartTimestamp(pcommon.NewTimestampFromTime(s.Start))
	to.SetEndTimestamp(pcommon.NewTimestampFromTime(s.End))
	for _, k := range slices.Sorted(maps.Keys(s.Attributes)) {
		to.Attributes().PutStr(k, s.Attributes[k])
	}
	if s.Error != "" {
		to.Status().SetCode(ptrace.StatusCodeError)
		to.Status().SetMessage(s.Error)
	}
	for _, l := range s.Links {
		t, sp, _ := strings.Cut(l, "-")
		traceID, spanID, err := ids(t, sp)
		if err != nil {
			return fmt.Errorf("link: %w", err)
		}
		link := to.Links().AppendEmpty()
		link.SetTraceID(traceID)
		link.SetSpanID(spanID)
	}
	return nil
}

func ids(trace, span string) (t pcommon.TraceID, s pcommon.SpanID, err error) {
	for _, id := range []struct {
		text string
		to   []byte
	}{{trace, t[:]}, {span, s[:]}} {
		b, err := hex.DecodeString(id.text)
		if err != nil || len(b) != len(id.to) {
			return t, s, fmt.Errorf("id %q is not %d bytes in hexadecimal", id.text, len(id.to))
		}
		copy(id.to, b)
	}
	return t, s, nil
}
