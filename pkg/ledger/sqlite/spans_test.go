package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTrace(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	span := func(id string, start time.Duration) Span {
		return Span{
			TraceID: "t1", SpanID: id, ParentID: "root", Name: "span " + id, Kind: "client", Start: t0.Add(start), End: t0.Add(start + time.Second),
			Attributes: map[string]string{"ebb.function": "<f>"}, Status: "error", Error: "AccessDenied", Links: []string{"5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8"},
		}
	}
	check := func(traceID string, want []Span) {
		t.Helper()
		got, err := l.Trace(t.Context(), traceID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("trace %s (-want +got):\n%s", traceID, diff)
		}
	}
	save := func(traceID string, spans ...Span) {
		t.Helper()
		if err := l.SaveTrace(t.Context(), traceID, spans); err != nil {
			t.Fatal(err)
		}
	}
	check("t1", nil)
	a, b, c := span("a", 2), span("b", 1), span("c", 1)
	save("t1", a, c)
	save("t1", b)
	check("t1", []Span{b, c, a})

	c.Start, c.Status, c.Error = t0, "ok", ""
	save("t1", c)
	check("t1", []Span{c, b, a})

	other := span("a", 5)
	save("t2", other)
	other.TraceID = "t2"
	check("t2", []Span{other})
	check("t1", []Span{c, b, a})
}
