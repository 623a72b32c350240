package webconsole_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

// keep keeps a record, and the event that it came from.
func (o *office) keep(rec remedy.Record, event string, at time.Time) {
	o.t.Helper()
	o.fill(rec)
	if err := o.ledger.SaveHandled(o.t.Context(), sqlite.Handled{Records: []remedy.Record{rec}, Event: []byte(event), Now: at}); err != nil {
		o.t.Fatal(err)
	}
}

func TestRecordShowsItsEvent(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	recs := reporttest.Make{}.Records(4)
	o.keep(recs[0], `{"detail":{"groupId":"sg-1","ports":[22]}}`, now)
	o.keep(recs[1], `{"detail":{"groupId":"sg-old"}}`, now.Add(-sqlite.EventFor))
	undo := recs[3]
	undo.Undoes = recs[0].ID
	o.fill(recs[2], undo)
	v := o.visitor()
	v.wants("/records/"+recs[0].ID, http.StatusOK,
		"<details><summary>Show the event as it was received (42 bytes)</summary>", "    &#34;groupId&#34;: &#34;sg-1&#34;,\n    &#34;ports&#34;: [\n")
	for name, rec := range map[string]remedy.Record{"too old": recs[1], "never kept": recs[2]} {
		page := v.wants("/records/"+rec.ID, http.StatusOK, "is not kept here, or no longer: <code>ebb serve</code> keeps it for 30 days", "<code>"+rec.Event.ID+"</code>")
		if strings.Contains(page, "sg-old") {
			t.Errorf("an event that is %s is shown", name)
		}
	}
	v.wants("/records/"+undo.ID, http.StatusOK, `came from the event of record <a href="/records/`+recs[0].ID+`">`)
	newOffice(t, true, false, nil).visitor().wants("/records/"+recs[0].ID, http.StatusOK, "Sign in")
}

// Whatever was received is shown as text, all of it or its beginning.
func TestHostileEvents(t *testing.T) {
	t.Parallel()
	const nested = 1 << 20
	long := strings.Repeat("[", nested/2) + strings.Repeat("]", nested/2)
	deep := strings.Repeat(`{"a":`, 64) + `"<script>alert(1)</script>"` + strings.Repeat("}", 64)
	events := append(reporttest.Hostile(), // most of them are no JSON
		`{"a":"<script>alert(1)</script>","b":"</pre></details><img src=x onerror=alert(1)>"}`,
		"{\"a\":\"\u202egnp.exe\u2066\u200b\",\"b\":\"\xff\xfe\",\"c\":\"\x00\x1b[2J\"}",
		deep, long, strings.Repeat("[", nested), strings.Repeat("\n", nested), strings.Repeat(`{"a":1}`, nested/8), strings.Repeat("\u202e", nested/4), `{"a":"`+strings.Repeat("é", nested)+`"}`, "",
	)
	o := newOffice(t, true, true, nil)
	v := o.operator()
	recs := reporttest.Make{}.Records(len(events))
	for i, event := range events {
		o.keep(recs[i], event, now)
		letter := remedy.DeadLetter{ID: recs[i].ID, Reason: "It can't be understood.", At: now, Payload: []byte(event)}
		if err := o.ledger.SaveDeadLetter(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ path, command string }{
			{"/records/" + recs[i].ID, "ebb show " + recs[i].ID + " --event"},
			{"/dead-letters/" + recs[i].ID, "ebb dead-letters show " + recs[i].ID},
		} {
			page := v.wants(tt.path, http.StatusOK)
			checkHarmless(t, tt.path, page)
			if strings.ContainsAny(page, "\x00\x1b\u202e\u2066\u200b\u2028") || !strings.Contains(page, `<pre class="payload"`) {
				t.Errorf("%s: %.60q is not cleaned, or not there", tt.path, event)
			}
			shown := text(t, page, "payload")
			if most := 6*64<<10 + 1000; len(shown) > most { // what is cleaned grows
				t.Errorf("%s: %d bytes are shown of %.60q, at most %d should be", tt.path, len(shown), event, most)
			}
			if cut := strings.Contains(page, "more bytes are not shown here"); cut != (len(event) > 100_000) || cut && !strings.Contains(page, tt.command) {
				t.Errorf("%s: whether %.60q is cut: %t", tt.path, event, cut)
			}
		}
	}
}

// text gives the text of the element of a class.
func text(t *testing.T, page, class string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if a.Key != "class" || a.Val != class {
				continue
			}
			var b strings.Builder
			for d := range n.Descendants() {
				if d.Type == html.TextNode {
					b.WriteString(d.Data)
				}
			}
			return b.String()
		}
	}
	t.Fatalf("there is no element of class %s", class)
	return ""
}
