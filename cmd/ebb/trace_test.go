package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

// Not parallel: the tracer provider is the process's.
func TestTraceIsExported(t *testing.T) {
	w := newWorld(t)
	w.trace()
	rec := w.revert()
	w.must("undo", rec.ID, "--reason", "x")

	file := filepath.Join(w.dir, "trace.json")
	contains(t, "stderr", w.must("trace", rec.ID, "--otlp", file).stderr, " spans are in "+file)
	raw, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	roots := map[string]string{}
	for _, s := range exported(t, raw) {
		if s.ParentSpanID().IsEmpty() {
			roots[s.Name()] = s.TraceID().String()
		}
	}
	if len(roots) != 2 || roots["receive shelf-labels"] != rec.TraceID || roots["undo shelf-labels"] == "" {
		t.Errorf("roots = %v, want the remediation's, of trace %s, and its undo's", roots, rec.TraceID)
	}
	if got := w.must("trace", rec.ID, "--otlp", "-").stdout; got != string(raw) {
		t.Errorf("the standard output differs from the file:\n%s\n%s", got, raw)
	}
	contains(t, "trace", w.must("trace", rec.ID).stdout, "\nTrace "+rec.TraceID, "\n  receive shelf-labels ", "\nUndo ", "\n  undo shelf-labels ")

	r := w.run("trace", rec.ID, "--otlp", filepath.Join(w.dir, "no", "such", "folder"))
	if r.code != exitFailed || !strings.Contains(r.stderr, "write trace: ") {
		t.Errorf("a folder that is not there: exit code %d, %s", r.code, r.stderr)
	}
}

// exported reads a trace file with OpenTelemetry's own decoder.
func exported(t *testing.T, raw []byte) []ptrace.Span {
	t.Helper()
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(raw)
	if err != nil {
		t.Fatal(err)
	}
	var out []ptrace.Span
	for _, res := range traces.ResourceSpans().All() {
		for _, scope := range res.ScopeSpans().All() {
			for _, s := range scope.Spans().All() {
				out = append(out, s)
			}
		}
	}
	return out
}

// A record whose spans are elsewhere, or were not sampled, still tells its steps.
func TestTraceIsDrawnFromTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	if rec.TraceID != "" {
		t.Fatalf("the record has the trace %s, although nothing traces", rec.TraceID)
	}
	r := w.run("trace", rec.ID, "--otlp", "-")
	if r.code != exitFailed || !strings.Contains(r.stderr, "did not trace") {
		t.Errorf("a record without a trace: exit code %d, %s", r.code, r.stderr)
	}

	rec.TraceID, rec.SpanID = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
	spans := waterfall.OfRecord(rec)
	names := map[string]string{}
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	var got []string
	for _, s := range spans {
		got = append(got, names[s.Parent]+" > "+s.Name)
		if s.Trace != rec.TraceID || s.End.Before(s.Start) {
			t.Errorf("step %+v", s)
		}
	}
	want := []string{" > remediate", "remediate > delivery", "remediate > queue", "remediate > decide", "remediate > intent",
		"remediate > fix", "remediate > verify", "remediate > record"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if spans[0].Attributes["ebb.outcome"] != string(remedy.Reverted) || !slices.EqualFunc(spans, waterfall.OfRecord(rec), func(a, b waterfall.Span) bool { return a.ID == b.ID }) {
		t.Errorf("the root is %+v; want the outcome on it, and the same ids each time", spans[0])
	}
}
