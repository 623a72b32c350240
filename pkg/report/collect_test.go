package report_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

func week() report.Options {
	until := reporttest.Until()
	return report.Options{Since: until.AddDate(0, 0, -7), Until: until}
}

func collect(t *testing.T, src report.Source, o report.Options) *report.Report {
	t.Helper()
	r, err := report.Collect(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rec is a record of function f about one resource, hours before the end.
func rec(id, resource string, hours int, out remedy.Outcome, change func(*remedy.Record)) remedy.Record {
	at := reporttest.Until().Add(-time.Duration(hours) * time.Hour)
	r := remedy.Record{
		ID: id, Function: "f", Severity: remedy.High, Outcome: out, Reason: "Why.", Resource: remedy.Ref{Type: "T", ID: resource, Account: "1"},
		Event: remedy.EventRef{Actor: remedy.Actor{ID: "ann"}}, Times: remedy.Times{Changed: at.Add(-time.Second), Received: at, Recorded: at},
	}
	if out == remedy.Reverted {
		r.Times.Fixed = at.Add(time.Second)
	}
	if change != nil {
		change(&r)
	}
	return r
}

func exemptFor(days int) func(*remedy.Record) {
	return func(r *remedy.Record) {
		r.Exemption = &remedy.Exemption{ID: "x", Owner: "o", Expires: reporttest.Until().AddDate(0, 0, days)}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	records := []remedy.Record{
		rec("b0", "bucket", 1, remedy.Reverted, nil),
		rec("b1", "bucket", 2, remedy.Failed, nil), // put back since
		rec("c0", "cluster", 3, remedy.Observed, nil),
		rec("c1", "cluster", 4, remedy.Observed, nil), // the same violation
		rec("d0", "disk", 5, remedy.Exempt, exemptFor(3)),
		rec("e0", "elb", 6, remedy.Exempt, exemptFor(-1)),
		rec("g0", "group", 7, remedy.Exempt, exemptFor(100)),
		rec("h0", "host", 8, remedy.Held, func(r *remedy.Record) { r.Severity = remedy.Critical }),
		rec("i0", "image", 9, remedy.Pending, nil),
		rec("k0", "key", 10, remedy.Undone, func(r *remedy.Record) { r.Undoes = "k1" }),
		rec("k1", "key", 11, remedy.Reverted, nil),
		rec("l0", "lost", 12, remedy.Failed, func(r *remedy.Record) { r.Resource = remedy.Ref{} }), // says nothing of a resource
		rec("m0", "mended", 13, remedy.Observed, nil),
		rec("n0", "net", 14, remedy.Failed, func(r *remedy.Record) { r.Undoes = "n1" }), // the undo failed: it is as it was
		rec("n1", "net", 15, remedy.Reverted, nil),
		// Before the window.
		rec("o0", "old", 24*9, remedy.Observed, nil),
		rec("c2", "cluster", 24*10, remedy.Failed, nil), // there is something newer
		rec("p0", "past", 24*11, remedy.Failed, nil),    // reverted after that, as the ledger knows
		rec("q0", "quiet", 24*12, remedy.Exempt, exemptFor(100)),
		rec("q1", "quiet", 24*13, remedy.Observed, nil), // exempt after that
		rec("r0", "remote", 24*200, remedy.Observed, nil),
	}
	fixed := rec("p1", "past", 24*10+12, remedy.Reverted, nil)
	src := reporttest.Source{Older: append(slices.Clone(records), fixed), Known: func(_ string, r remedy.Ref) remedy.Known {
		switch r.ID {
		case "mended":
			return remedy.Known{Baseline: &remedy.StoredState{At: reporttest.Until().Add(-time.Hour)}}
		case "old":
			return remedy.Known{Baseline: &remedy.StoredState{At: reporttest.Until().AddDate(0, -1, 0)}, Last: "o0"}
		case "past":
			return remedy.Known{Last: "p1"}
		}
		return remedy.Known{}
	}}
	slices.SortStableFunc(src.Older, func(a, b remedy.Record) int { return b.Times.Received.Compare(a.Times.Received) })
	got := collect(t, src, week()).Open
	var ids []string
	for _, it := range got.Items {
		ids = append(ids, it.Record)
	}
	got.Items = nil
	want := report.Open{Total: 5, Observed: 2, Held: 1, Pending: 1, Expired: 1, Expiring: 1, Undone: 1, Mended: 1, Exact: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"h0", "c0", "i0", "o0", "d0", "e0", "k0"}, ids); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestLived(t *testing.T) {
	t.Parallel()
	var records []remedy.Record
	for i := range 100 {
		records = append(records, rec(string(rune('a'+i%26))+string(rune('a'+i/26)), "r", i+1, remedy.Reverted, func(r *remedy.Record) {
			r.Times.Changed = r.Times.Received.Add(-time.Duration(i+1) * time.Second)
		}))
	}
	records[3].Times.Changed = time.Time{}
	got := collect(t, reporttest.Source{Older: records}, week()).Lived
	near := func(what string, got report.Seconds, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > want*report.QuantileError {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	near("p50", got.Total.P50, 52)
	near("p95", got.Total.P95, 97)
	near("delivery p50", got.Delivery.P50, 51)
	near("ebb p95", got.Ebb.P95, 1)
	if got.Total.Worst != 101 || got.Total.Count != 99 || got.Unknown != 1 {
		t.Errorf("lived = %+v", got.Total)
	}
	if got.Worst[0].BadFor != 101 || len(got.Worst) != report.MaxWorst {
		t.Errorf("worst = %v, %d of them", got.Worst[0].BadFor, len(got.Worst))
	}
	var inRanges int64
	for _, r := range got.Histogram {
		inRanges += r.Count
	}
	if inRanges != 99 {
		t.Errorf("%d in the histogram, want 99", inRanges)
	}
}

func TestComesBack(t *testing.T) {
	t.Parallel()
	by := func(id, session string) func(*remedy.Record) {
		return func(r *remedy.Record) {
			r.Event.Actor = remedy.Actor{ID: id, Session: session, Via: "terraform/1.9"}
		}
	}
	fight := func(r *remedy.Record) {
		by("arn:aws:sts::1:assumed-role/deploy/run-2", "")(r)
		r.Cap = &remedy.CapReached{Kind: "fight"}
	}
	got := collect(t, reporttest.Source{Older: []remedy.Record{
		rec("a3", "a", 1, remedy.Held, fight),
		rec("a2", "a", 2, remedy.Reverted, by("arn:aws:sts::1:assumed-role/deploy/run-1", "run-1")),
		rec("b1", "b", 3, remedy.Reverted, by("bob", "")),
		rec("a1", "a", 4, remedy.Reverted, by("bob", "")),
		rec("c1", "c", 5, remedy.Reverted, by("cleo", "")),
		rec("d1", "d", 6, remedy.Observed, by("cleo", "")),
	}}, week()).ComesBack
	at := func(hours int) time.Time { return reporttest.Until().Add(-time.Duration(hours) * time.Hour) }
	tf := []string{"terraform/1.9"}
	want := report.ComesBack{
		FightCap:  1,
		Resources: []report.Again{{Name: "a", Count: 3, Behind: []string{"arn:aws:sts::1:assumed-role/deploy", "bob"}, Record: "a3", Last: at(1)}},
		Actors: []report.Again{
			{Name: "arn:aws:sts::1:assumed-role/deploy", Count: 2, Sessions: []string{"run-2", "run-1"}, Via: tf, Record: "a3", Last: at(1)},
			{Name: "bob", Count: 2, Via: tf, Record: "b1", Last: at(3)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comes back (-want +got):\n%s", diff)
	}
}

func TestMissedLeftAloneAndErrors(t *testing.T) {
	t.Parallel()
	until := reporttest.Until()
	src := reporttest.Source{
		Older: []remedy.Record{
			rec("a", "a", 1, remedy.Reverted, func(r *remedy.Record) { r.Times.Changed = r.Times.Received.Add(-time.Hour) }),
			rec("b", "b", 2, remedy.Reverted, func(r *remedy.Record) { r.Times.Began, r.Attempt = r.Times.Received.Add(time.Hour), 2 }),
			rec("c", "c", 3, remedy.Reverted, func(r *remedy.Record) { r.Event.Source = "ebb.schedule" }),
			rec("d", "d", 4, remedy.Held, func(r *remedy.Record) { r.Cap = &remedy.CapReached{Kind: "blast"} }),
			rec("e", "e", 5, remedy.Exempt, exemptFor(100)),
			rec("f", "f", 6, remedy.Failed, func(r *remedy.Record) { r.Error = "no\nway" }),
			rec("g", "g", 7, remedy.Failed, func(r *remedy.Record) { r.Changes = []remedy.AppliedCall{{Error: "refused"}} }),
		},
		Letters: []remedy.DeadLetter{{ID: "new", Reason: "Bad.", At: until.Add(-time.Hour)}, {ID: "old", Reason: "Worse.", At: until.AddDate(0, -1, 0)}},
	}
	got := collect(t, src, week())
	if m := got.Missed; m.Late != 1 || m.Waited != 1 || m.Retried != 1 || m.Scheduled != 1 || m.Delivery.Worst != 3600 {
		t.Errorf("missed = %+v", m)
	}
	l := got.LeftAlone
	var ids []string
	for _, it := range l.Items {
		ids = append(ids, it.Record)
	}
	if l.Blast != 1 || l.Fight != 0 || l.Exempt != 1 || l.Untouched != 1 || l.Partly != 1 || !slices.Equal(ids, []string{"d", "e", "f", "g"}) {
		t.Errorf("left alone = %+v", l)
	}
	wantErrors := report.Errors{
		Failed: 2, Functions: report.Top{Items: []report.Tally{{Name: "f", Count: 2}}},
		Messages: report.Top{Items: []report.Tally{{Name: "Why.", Count: 1}, {Name: "no", Count: 1}}},
		DeadLetters: report.DeadLetters{
			Total: 2, InWindow: 1, Oldest: until.AddDate(0, -1, 0),
			Items: []report.Letter{{ID: "new", Reason: "Bad.", At: until.Add(-time.Hour)}, {ID: "old", Reason: "Worse.", At: until.AddDate(0, -1, 0)}},
		},
	}
	if diff := cmp.Diff(wantErrors, got.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestPutBackIsCountedByTeam(t *testing.T) {
	t.Parallel()
	tagged := func(tags map[string]string) func(*remedy.Record) {
		return func(r *remedy.Record) { r.Tags = tags }
	}
	o := week()
	o.TeamTag = "squad"
	got := collect(t, reporttest.Source{Older: []remedy.Record{
		rec("a", "a", 1, remedy.Reverted, tagged(map[string]string{"squad": "red"})),
		rec("b", "b", 2, remedy.Reverted, tagged(map[string]string{"squad": "red", "team": "blue"})),
		rec("c", "c", 3, remedy.Reverted, tagged(map[string]string{"team": "blue"})),
		rec("d", "d", 4, remedy.Observed, tagged(map[string]string{"squad": "red"})),
	}}, o)
	if diff := cmp.Diff(report.Top{Items: []report.Tally{{Name: "red", Count: 2}, {Name: "", Count: 1}}}, got.PutBack.Teams); diff != "" {
		t.Errorf("teams (-want +got):\n%s", diff)
	}
	if got.PutBack.Total != 3 || got.Records != 4 || got.Cost.SavedMinutes != 45 {
		t.Errorf("%d put back of %d, saved %v minutes", got.PutBack.Total, got.Records, got.Cost.SavedMinutes)
	}
}

// Whatever the window, every record is in one column of the timeline.
func TestTimelineHoldsAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		until := reporttest.Until().Add(-time.Duration(rapid.IntRange(0, 100_000).Draw(t, "end")) * time.Second)
		window := time.Duration(rapid.IntRange(1, 5_000).Draw(t, "hours")) * time.Hour
		src := reporttest.Source{Make: reporttest.Make{Every: window / 50}, N: 60}
		r, err := report.Collect(context.Background(), src, report.Options{Since: until.Add(-window), Until: until})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, b := range r.Timeline {
			o := b.Outcomes
			n += o.Reverted + o.Observed + o.Held + o.Exempt + o.Failed + o.Undone + o.Pending + o.Other
		}
		if n != r.Records || len(r.Timeline) > 132 || len(r.Timeline) == 0 {
			t.Errorf("%d records in %d columns, want %d", n, len(r.Timeline), r.Records)
		}
	})
}

func TestCollectNeedsAWindow(t *testing.T) {
	t.Parallel()
	now := reporttest.Until()
	for _, o := range []report.Options{{}, {Until: now}, {Since: now, Until: now}, {Since: now, Until: now.Add(-1)}} {
		if _, err := report.Collect(t.Context(), reporttest.Source{}, o); !errors.Is(err, report.ErrNoWindow) {
			t.Errorf("%+v: error %v, want %v", o, err, report.ErrNoWindow)
		}
	}
}

func TestCollectPassesErrorsOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := report.Collect(ctx, reporttest.Source{N: 3}, week()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
