package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got template.HTML) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func at(ms int) time.Time {
	return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// record is a remediation in which every text is s.
func record(s string) remedy.Record {
	raw, err := json.Marshal(map[string]any{"name": s, "list": []string{s}, "same": 1})
	if err != nil {
		panic(err)
	}
	after, err := json.Marshal(map[string]any{"name": "good", "list": []string{}, "same": 1})
	if err != nil {
		panic(err)
	}
	actor := remedy.Actor{Type: s, ID: s, Name: s, Session: s, Via: s, IP: s}
	return remedy.Record{
		ID: "8d969eef6ecad3c29a3a", Function: s, Severity: remedy.High, Mode: remedy.Enforce, Outcome: remedy.Reverted, Reason: s,
		Event:    remedy.EventRef{ID: s, Source: s, Name: s, Account: s, Actor: actor, Time: at(0)},
		Resource: remedy.Ref{Type: s, ID: s, Account: s, Region: s}, Attempt: 2,
		Violations: []remedy.Violation{{Rule: s, Part: s, Message: s}},
		Changes: []remedy.AppliedCall{
			{Call: remedy.Call{API: s, Params: map[string]any{s: s}}, At: at(900)},
			{Call: remedy.Call{API: s, Params: nil}, Error: s},
		},
		Before: raw, After: after, Error: s,
		Exemption: &remedy.Exemption{ID: s, Reason: s, Owner: s, Expires: at(0), Resource: s},
		Cap:       &remedy.CapReached{Kind: s, Limit: 1, Window: time.Hour, Recent: []remedy.Revert{{At: at(0), Record: s, Function: s, Resource: s, Actor: actor}}},
		Times:     remedy.Times{Changed: at(0), Received: at(700), Began: at(710), Decided: at(800), Intent: at(810), Fixed: at(900), Verified: at(950), Recorded: at(960)},
	}
}

func detail(s string) Detail {
	r := record(s)
	return Detail{Record: r, Traces: []waterfall.Trace{
		{Title: s, Spans: waterfall.OfRecord(r), Note: s},
		{Title: "Undo", Note: "Nothing was kept."},
	}}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	r := record("x")
	r.Function, r.Reason, r.Undoes = "ec2-security-group", "SSH is open to the world. Put back with 1 call to the nearest compliant state.", "beef"
	got, err := Record(Detail{
		Record: r, Level: 3, Traces: []waterfall.Trace{{Title: "Trace 5759", Spans: waterfall.OfRecord(r)}},
		Link: func(id string) string { return "#" + Anchor(id) },
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "record.html", got)
}

func TestUndoCommand(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"8d969eef6ecad3c29a3a": "ebb undo 8d969eef6ecad3c29a3a --reason TEXT",
		"x; rm -rf ~":          "ebb undo 'x; rm -rf ~' --reason TEXT",
		"'$(id)'\n":            `ebb undo ''\''$(id)'\''\n' --reason TEXT`,
	} {
		r := record("x")
		r.ID = id
		if got := Undo(r); got != want {
			t.Errorf("undo of %q = %s, want %s", id, got, want)
		}
	}
	if got := Undo(remedy.Record{ID: "a", Outcome: remedy.Observed}); got != "" {
		t.Errorf("undo of what changed nothing = %q", got)
	}
}

// Whatever an event holds stays text.
func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
		`</title></svg><script>alert(1)</script>`, `</pre></style><style>*{display:none}`, `{{.Record}}`, `<!--`, `]]>`,
		"\u202egnp.exe", "\x1b[2J\x00\x07", "a\r\nSet-Cookie: b", strings.Repeat("x", 5000), "é\u0301\u2028 🌊", "\xff\xfe",
	} {
		d := detail(s)
		d.Link = func(string) string { return s }
		d.Record.UndoneBy = s
		checkHarmless(t, s, must(Record(d)))
		d.Record.ID = s
		checkHarmless(t, s, must(Record(d)))
		checkHarmless(t, s, must(Columns{ID: "c", Title: s, Summary: s, Axis: s, Kinds: []Kind{{s, 0}, {s, 1}}, Columns: []Column{{s, []int64{1, 2}}, {s, []int64{0, 0}}}}.HTML()))
		checkHarmless(t, s, must(Bars{Title: s, Name: s, Value: s, Rows: []Bar{{Label: s, Value: 3, Note: s}}, Note: s}.HTML()))
	}
}

func must(h template.HTML, err error) template.HTML {
	if err != nil {
		panic(err)
	}
	return h
}

// checkHarmless parses a fragment as a browser would.
func checkHarmless(t *testing.T, hostile string, fragment template.HTML) {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(string(fragment)), nil)
	if err != nil {
		t.Fatal(err)
	}
	allowed := "html head body article h1 h2 h3 h4 p span dl div dt dd code ul ol li pre ins del table caption thead tbody tr th td time svg rect line text title desc figure figcaption details summary a "
	var visit func(n *html.Node)
	visit = func(n *html.Node) {
		if n.Type == html.ElementNode && !strings.Contains(allowed, n.Data+" ") {
			t.Errorf("%q makes an element %s", hostile, n.Data)
		}
		if n.Type == html.CommentNode {
			t.Errorf("%q makes a comment", hostile)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "href" && strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("%q makes an attribute %s=%q", hostile, a.Key, a.Val)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			visit(c)
		}
	}
	for _, n := range nodes {
		visit(n)
	}
	if strings.ContainsAny(string(fragment), "\x00\x1b\x07\u202e\u2028") {
		t.Errorf("%q is not cleaned", hostile)
	}
}

func TestLongRecordsAreCut(t *testing.T) {
	t.Parallel()
	long := make(map[string]int)
	for i := range 3 * maxLines {
		long[Count(int64(i))] = i
	}
	raw, err := json.Marshal(long)
	if err != nil {
		t.Fatal(err)
	}
	r := record("x")
	r.Before, r.Changes[0].Params = raw, long
	spans := make([]waterfall.Span, maxSpans+7)
	for i := range spans {
		spans[i] = waterfall.Span{Name: "step", Start: at(i), End: at(i + 1)}
	}
	got := string(must(Record(Detail{Record: r, Traces: []waterfall.Trace{{Title: "T", Spans: spans}}})))
	if n := strings.Count(got, "\n"); n > 2*maxLines+maxSpans+200 {
		t.Errorf("%d lines", n)
	}
	for _, want := range []string{"802 more lines are not shown here", "7 more steps are not shown here"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in it", want)
		}
	}
}

func TestPolicyLetsTheStyleThrough(t *testing.T) {
	t.Parallel()
	inner := strings.TrimSuffix(strings.TrimPrefix(string(Style()), "<style>"), "</style>")
	sum := sha256.Sum256([]byte(inner))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(Policy(), want) {
		t.Errorf("policy %s has no %s", Policy(), want)
	}
	if strings.Contains(Policy(), "unsafe") || !strings.HasPrefix(Policy(), "default-src 'none';") {
		t.Errorf("policy %s", Policy())
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	c := Columns{
		ID: "days", Title: "Records a day", Summary: "Most were on 2026-11-20.", Axis: "day",
		Kinds: []Kind{{"put back", 0}, {"failed", 3}},
		Columns: []Column{
			{"2026-11-19", []int64{0, 0}}, {"2026-11-20", []int64{1234, 66}}, {"2026-11-21", []int64{7, 0}},
		},
	}
	golden(t, "columns.html", must(c.HTML()))
	checkHarmless(t, "none", must(Columns{ID: "none", Title: "Empty"}.HTML()))
}

func TestNiceTop(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]int64{0: 2, 1: 2, 3: 4, 7: 8, 9: 10, 10: 10, 11: 20, 21: 30, 99: 100, 1300: 2000, 1_000_001: 2_000_000} {
		if got := niceTop(n); got != want {
			t.Errorf("niceTop(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	golden(t, "bars.html", must(Bars{
		Title: "Put back, by function", Name: "function", Value: "put back",
		Rows: []Bar{{Label: "ec2-security-group", Value: 1200, Note: "3 failed"}, {Label: "iam-access-key", Value: 3}},
	}.HTML()))
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", -999: "-999"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %s, want %s", n, got, want)
		}
	}
}
