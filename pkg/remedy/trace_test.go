package remedy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// traced makes the lab's engine trace, and gives what it did since last asked.
func (l *lab) traced(sampler sdk.Sampler) func() tracetest.SpanStubs {
	l.t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter), sdk.WithSampler(sampler))
	l.opts.Tracer = provider.Tracer("test")
	return func() tracetest.SpanStubs {
		defer exporter.Reset()
		return exporter.GetSpans()
	}
}

// outline gives spans as their parents' names and their own, in the order in
// which they began.
func outline(spans tracetest.SpanStubs) []string {
	names := map[string]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID().String()] = s.Name
	}
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var out []string
	for _, s := range spans {
		out = append(out, names[s.Parent.SpanID().String()]+" > "+s.Name)
	}
	return out
}

func attributes(spans tracetest.SpanStubs, name string) map[string]string {
	out := map[string]string{}
	for _, s := range spans {
		if s.Name == name {
			for _, kv := range s.Attributes {
				out[string(kv.Key)] = kv.Value.String()
			}
		}
	}
	return out
}

func TestTrace_of_a_revert_and_its_undo(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	spans := l.traced(sdk.AlwaysSample())
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)

	got := spans()
	want := []string{
		" > handle shelf-labels", "handle shelf-labels > decode", "handle shelf-labels > remediate", "remediate > check",
		"remediate > intent", "remediate > apply", "remediate > verify", "verify > read", "remediate > record", "remediate > publish",
	}
	// These two go out together.
	lines := slices.DeleteFunc(outline(got), func(s string) bool { return s == "remediate > look" || s == "remediate > read" })
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if n := len(got) - len(lines); n != 2 {
		t.Errorf("%d looks and reads at first, want one each", n)
	}
	if diff := cmp.Diff(map[string]string{
		"ebb.function": "shelf-labels", "ebb.resource": "shelf/a", "ebb.account": "acme", "ebb.record": rec.ID, "ebb.outcome": "reverted",
	}, attributes(got, "remediate")); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(got, func(s tracetest.SpanStub) bool { return s.Name == "remediate" })
	if sc := got[i].SpanContext; rec.TraceID != sc.TraceID().String() || rec.SpanID != sc.SpanID().String() {
		t.Errorf("the record names %s %s, its span is %s %s", rec.TraceID, rec.SpanID, sc.TraceID(), sc.SpanID())
	}

	undo, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
	l.want(undo, err, remedy.Undone)
	undone := spans()
	if undo.TraceID == rec.TraceID || undo.TraceID == "" {
		t.Errorf("the undo's trace is %q, the remediation's %q", undo.TraceID, rec.TraceID)
	}
	if diff := cmp.Diff([]string{"undo shelf-labels -> " + rec.TraceID + " " + rec.SpanID}, links(undone)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if got := attributes(undone, "remediate")["ebb.outcome"]; got != "undone" {
		t.Errorf("the undo's outcome is %q", got)
	}
}

// links gives the spans that are linked, each with what it is linked to.
func links(spans tracetest.SpanStubs) []string {
	var out []string
	for _, s := range spans {
		for _, l := range s.Links {
			out = append(out, fmt.Sprintf("%s -> %s %s", s.Name, l.SpanContext.TraceID(), l.SpanContext.SpanID()))
		}
	}
	return out
}

func TestTrace_of_a_later_attempt_is_linked_to_the_first(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	spans := l.traced(sdk.AlwaysSample())
	l.room.onPut = func(n int) error {
		if n == 1 {
			return errBoom
		}
		return nil
	}
	first, err := l.handle("e1")
	if err == nil {
		t.Fatalf("outcome %s; want a failure", first.Outcome)
	}
	if l := links(spans()); len(l) > 0 {
		t.Errorf("the first attempt has links: %v", l)
	}
	second, err := l.handle("e1")
	l.want(second, err, remedy.Reverted)
	if diff := cmp.Diff([]string{"remediate -> " + first.TraceID + " " + first.SpanID}, links(spans())); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestTrace_outcomes_without_a_record(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		event func(*lab) remedy.Event
		span  string
		want  string
	}{
		"compliant":  {func(l *lab) remedy.Event { l.room.set("a", nil); return l.event("e1") }, "remediate", "compliant"},
		"no targets": {func(l *lab) remedy.Event { ev := l.event("e1"); ev.Detail = []byte(`{}`); return ev }, "handle shelf-labels", "ignored"},
		"bad event":  {func(l *lab) remedy.Event { ev := l.event("e1"); ev.Detail = []byte(`7`); return ev }, "handle shelf-labels", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			spans := l.traced(sdk.AlwaysSample())
			_, _ = l.engine().Handle(t.Context(), l.handler, tt.event(l))
			if got := attributes(spans(), tt.span)["ebb.outcome"]; got != tt.want {
				t.Errorf("outcome of span %s = %q, want %q", tt.span, got, tt.want)
			}
		})
	}
}

func TestTrace_that_is_not_sampled_is_in_the_record_all_the_same(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	spans := l.traced(sdk.NeverSample())
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	if got := spans(); len(got) > 0 {
		t.Errorf("%d spans were exported", len(got))
	}
	if !rec.SpanContext().IsValid() {
		t.Errorf("trace %q, span %q; want both", rec.TraceID, rec.SpanID)
	}
	if want := []string{"delivery", "queue", "decide", "intent", "fix", "verify", "record"}; !slices.Equal(want, stepNames(rec.Times)) {
		t.Errorf("steps = %v, want %v", stepNames(rec.Times), want)
	}
}

func stepNames(ts remedy.Times) []string {
	var out []string
	for _, s := range ts.Steps() {
		out = append(out, s.Name)
	}
	return out
}

func TestSteps(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	tests := map[string]struct {
		times remedy.Times
		want  []remedy.Step
	}{
		"nothing known": {},
		"one moment":    {times: remedy.Times{Recorded: at(1)}},
		"everything": {
			remedy.Times{Changed: at(1), Received: at(2), Began: at(3), Decided: at(5), Intent: at(8), Fixed: at(13), Verified: at(21), Recorded: at(34)},
			[]remedy.Step{
				{Name: "delivery", From: at(1), To: at(2)}, {Name: "queue", From: at(2), To: at(3)}, {Name: "decide", From: at(3), To: at(5)},
				{Name: "intent", From: at(5), To: at(8)}, {Name: "fix", From: at(8), To: at(13)}, {Name: "verify", From: at(13), To: at(21)},
				{Name: "record", From: at(21), To: at(34)},
			},
		},
		"observed": {
			remedy.Times{Changed: at(1), Received: at(2), Decided: at(5), Recorded: at(34)},
			[]remedy.Step{{Name: "delivery", From: at(1), To: at(2)}, {Name: "decide", From: at(2), To: at(5)}, {Name: "record", From: at(5), To: at(34)}},
		},
		"an intent of an earlier attempt, a source whose clock is ahead": {
			remedy.Times{Changed: at(9), Received: at(8), Decided: at(12), Intent: at(10), Fixed: at(13), Recorded: at(14)},
			[]remedy.Step{{Name: "decide", From: at(9), To: at(12)}, {Name: "fix", From: at(12), To: at(13)}, {Name: "record", From: at(13), To: at(14)}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.times.Steps()); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}
