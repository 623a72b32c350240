package segment_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
	"github.com/ebb-ops/ebb/pkg/trace/segment/daemontest"
)

// recorder is a client of OpenTelemetry's own exporter that keeps what it gets.
type recorder struct{ spans []*tracepb.ResourceSpans }

func (r *recorder) Start(context.Context) error { return nil }
func (r *recorder) Stop(context.Context) error  { return nil }
func (r *recorder) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	r.spans = append(r.spans, spans...)
	return nil
}

// official gives what OpenTelemetry's own exporter makes of the spans.
func official(t testing.TB, spans []sdk.ReadOnlySpan) map[string]*tracepb.ResourceSpans {
	t.Helper()
	r := &recorder{}
	if err := otlptrace.NewUnstarted(r).ExportSpans(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	return bySpan(&tracepb.TracesData{ResourceSpans: r.spans})
}

// bySpan takes messages apart: one for each span, with its resource and scope.
func bySpan(messages ...*tracepb.TracesData) map[string]*tracepb.ResourceSpans {
	out := map[string]*tracepb.ResourceSpans{}
	for _, m := range messages {
		for _, rs := range m.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				for _, s := range ss.GetSpans() {
					out[fmt.Sprintf("%x", s.GetSpanId())] = &tracepb.ResourceSpans{
						Resource: rs.GetResource(), SchemaUrl: rs.GetSchemaUrl(),
						ScopeSpans: []*tracepb.ScopeSpans{{Scope: ss.GetScope(), SchemaUrl: ss.GetSchemaUrl(), Spans: []*tracepb.Span{s}}},
					}
				}
			}
		}
	}
	return out
}

// decodeOTLP gives the messages of datagrams.
func decodeOTLP(t testing.TB, datagrams [][]byte) [][]byte {
	t.Helper()
	var messages [][]byte
	for _, d := range datagrams {
		body, ok := bytes.CutPrefix(d, []byte("T1S"))
		if !ok {
			t.Fatalf("a datagram begins with %.10q, want T1S", d)
		}
		message, err := base64.StdEncoding.AppendDecode(nil, body)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, message)
	}
	return messages
}

func parse(t testing.TB, messages [][]byte) []*tracepb.TracesData {
	t.Helper()
	var out []*tracepb.TracesData
	for _, m := range messages {
		var data tracepb.TracesData
		if err := proto.Unmarshal(m, &data); err != nil {
			t.Fatal(err)
		}
		if unknown := data.ProtoReflect().GetUnknown(); len(unknown) > 0 {
			t.Errorf("unknown fields: %x", unknown)
		}
		out = append(out, &data)
	}
	return out
}

// otlpSpans has each kind of value and each field of a span.
func otlpSpans() tracetest.SpanStubs {
	attrs := []attribute.KeyValue{
		attribute.String("s", "é"), attribute.String("empty", ""), attribute.Bool("b", true), attribute.Bool("no", false),
		attribute.Int64("i", -1), attribute.Int64("zero", 0), attribute.Float64("f", 1.5), attribute.StringSlice("ss", []string{"a", ""}),
		attribute.BoolSlice("bs", []bool{true, false}), attribute.Int64Slice("is", []int64{1, 0}), attribute.Float64Slice("fs", []float64{0, -2}),
		{Key: "bytes", Value: attribute.ByteSliceValue([]byte{0, 1})}, {Key: "nothing"},
		{Key: "map", Value: attribute.MapValue(attribute.Int("k", 1))},
		{Key: "list", Value: attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("x"))},
	}
	var spans tracetest.SpanStubs
	for i, kind := range []trace.SpanKind{trace.SpanKindUnspecified, trace.SpanKindInternal, trace.SpanKindServer, trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindConsumer} {
		s := stub(byte(i+1), 9, "s", kind, attrs...)
		s.Parent = spanContext(9, i%2 == 0)
		s.Status = sdk.Status{Code: codes.Code(i % 3), Description: strings.Repeat("d", i)}
		s.Events = []sdk.Event{{Name: "e", Time: began, Attributes: attrs, DroppedAttributeCount: i}}
		s.Links = []sdk.Link{{SpanContext: spanContext(8, i%2 == 1), Attributes: attrs, DroppedAttributeCount: i}, {SpanContext: spanContext(7, false)}}
		s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks = i, 2*i, 300*i
		s.InstrumentationScope = instrumentation.Scope{
			Name: "scope" + fmt.Sprint(i%2), Version: "v1", SchemaURL: "https://example.com/schema",
			Attributes: attribute.NewSet(attribute.Int("n", i%2)),
		}
		if i == 5 {
			s.InstrumentationScope = instrumentation.Scope{}
			s.Resource = resource.NewSchemaless(attribute.String("service.name", "other"))
		}
		spans = append(spans, s)
	}
	state, err := trace.ParseTraceState("vendor=1")
	if err != nil {
		panic(err)
	}
	spans[1].SpanContext = spans[1].SpanContext.WithTraceState(state)
	spans[2].Parent = trace.SpanContext{}
	return spans
}

func TestOTLPIsWhatOpenTelemetrySends(t *testing.T) {
	t.Parallel()
	spans := otlpSpans().Snapshots()
	messages := segment.EncodeOTLP(spans)
	if len(messages) != 1 {
		t.Errorf("%d messages, want one", len(messages))
	}
	if diff := cmp.Diff(official(t, spans), bySpan(parse(t, messages)...), protocmp.Transform()); diff != "" {
		t.Errorf("spans (-official +ours):\n%s", diff)
	}
}

func TestOTLPIsSplitIntoDatagrams(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	e := newExporter(t, segment.Options{Address: daemon.Address(), Format: segment.OTLP})
	var spans tracetest.SpanStubs
	for i := range 60 {
		s := stub(byte(i+1), 0, "s", trace.SpanKindInternal, attribute.String("filler", strings.Repeat("x", 50*i)))
		s.InstrumentationScope.Name = fmt.Sprint("scope", i%3)
		spans = append(spans, s)
	}
	unsampled := stub(200, 0, "unsampled", trace.SpanKindInternal)
	unsampled.SpanContext = unsampled.SpanContext.WithTraceFlags(0)
	all := append(spans.Snapshots(), unsampled.Snapshot())
	if err := e.ExportSpans(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	const datagrams = 2 // for about 95 kB, of which each holds 49
	got := bySpan(parse(t, decodeOTLP(t, daemon.Receive(t, datagrams)))...)
	if diff := cmp.Diff(official(t, spans.Snapshots()), got, protocmp.Transform()); diff != "" {
		t.Errorf("spans (-official +ours):\n%s", diff)
	}
}

func TestOTLPFitsItsDatagram(t *testing.T) {
	t.Parallel()
	var spans tracetest.SpanStubs
	for i := range 200 {
		s := stub(byte(i+1), 0, "s", trace.SpanKindInternal, attribute.String("filler", strings.Repeat("x", 97*i)))
		s.InstrumentationScope.Name = strings.Repeat("scope", i%7*40)
		spans = append(spans, s)
	}
	messages := segment.EncodeOTLP(spans.Snapshots())
	for _, m := range messages {
		if n := len("{\"format\":\"json\",\"version\":1}\nT1S") + base64.StdEncoding.EncodedLen(len(m)); n > segment.MaxDatagram {
			t.Errorf("a datagram of %d bytes, want at most %d", n, segment.MaxDatagram)
		}
	}
	if diff := cmp.Diff(official(t, spans.Snapshots()), bySpan(parse(t, messages)...), protocmp.Transform()); diff != "" {
		t.Errorf("spans (-official +ours):\n%s", diff)
	}
}

func TestAnOTLPSpanThatIsTooLargeSaysWhatItLost(t *testing.T) {
	t.Parallel()
	filler := attribute.String("filler", strings.Repeat("x", tooLong))
	s := stub(1, 0, "s", trace.SpanKindInternal, attribute.Int("a", 1), filler)
	s.Events = []sdk.Event{{Name: "e"}, {Name: "f"}}
	s.Links = []sdk.Link{{SpanContext: spanContext(8, true)}, {SpanContext: spanContext(7, true), Attributes: []attribute.KeyValue{filler}}}
	s.Status = sdk.Status{Code: codes.Error, Description: strings.Repeat("m", 1_000)}
	data := parse(t, segment.EncodeOTLP([]sdk.ReadOnlySpan{s.Snapshot()}))[0]
	got := data.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0]
	want := proto.CloneOf(got)
	want.Name, want.Attributes, want.Events, want.Links = "s", nil, nil, nil
	want.DroppedAttributesCount, want.DroppedEventsCount, want.DroppedLinksCount = 2, 2, 2
	want.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: strings.Repeat("m", 250)}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
}

func TestOTLPIsUTF8(t *testing.T) {
	t.Parallel()
	s := stub(1, 0, "a\xff", trace.SpanKindInternal, attribute.String("k\xff", "v\xfe"))
	data := parse(t, segment.EncodeOTLP([]sdk.ReadOnlySpan{s.Snapshot()}))[0]
	span := data.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0]
	got := []string{span.GetName(), span.GetAttributes()[0].GetKey(), span.GetAttributes()[0].GetValue().GetStringValue()}
	if diff := cmp.Diff([]string{"a\ufffd", "k\ufffd", "v\ufffd"}, got); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}
