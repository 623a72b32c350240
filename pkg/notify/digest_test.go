package notify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// link is about as long as one that a function on Lambda signs.
var link = "https://reports.s3.eu-west-1.amazonaws.com/reports/weekly/2026-11-21T0900Z.html?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA%2F20261121" +
	"&X-Amz-Security-Token=" + strings.Repeat("IQoJb3JpZ2lu%2F", 100) + "&X-Amz-Signature=0123"

func weekly() digest.Digest {
	return digest.Digest{
		ID: "msg_report-weekly-20261121T0900Z", Report: "weekly", Since: moment.AddDate(0, 0, -7), Until: moment, Open: 1, PutBack: 8,
		Parts: []digest.Part{
			{Text: "From 2026-11-14 09:00:00 to 2026-11-21 09:00:00 (UTC). Ebb kept 9 records: 8 put back, 1 held."},
			{Title: "Are we safe now?", Text: "1 violation is open: 1 held by a cap."},
			{Title: "What was put back", Text: "8 changes were put back.", Lines: []string{"By function: s3-bucket-policy 8.", "By who made the change: dana 5, kim 3."}},
		},
		Link: link, Expires: moment.Add(6 * time.Hour), Where: "s3://reports/reports/weekly/2026-11-21T0900Z.html",
	}
}

// hostileDigest has an attacker's texts in all parts, and is as large as one can be.
func hostileDigest() digest.Digest {
	evil := hostile(1).Reason
	d := weekly()
	d.Where = evil
	d.Parts = nil
	for range 20 {
		d.Parts = append(d.Parts, digest.Part{Title: evil, Text: strings.Repeat("<&\U0001F30A", 400) + evil, Lines: []string{evil, evil, evil, evil, evil, evil}})
	}
	return d
}

func TestDigest_goes_to_its_channels(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	for report, want := range map[string][]string{"weekly": {"mail", "ops", "siem"}, "daily": {"mail", "ops"}} {
		d := weekly()
		d.Report = report
		got, n := c.Digest(d)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", report, diff)
		}
		if diff := cmp.Diff(notify.Notice{ID: d.ID, First: moment, Last: moment, Digest: &d}, n); diff != "" {
			t.Errorf("%s: notice (-want +got):\n%s", report, diff)
		}
	}
	if got, _ := load(t, strings.Replace(file, "  - {channels: [ops, mail]}\n", "", 1)).Digest(digest.Digest{Report: "daily"}); got != nil {
		t.Errorf("%v are told of a report that no channel asked for", got)
	}
}

func TestDigest_links_only_where_it_is_safe(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		link: true, "http://127.0.0.1:5000/b/k?x=1": true, "": false, "javascript:alert(1)": false, "https://": false, "file:///etc/passwd": false,
		"https://a.example/|x>": false, "https://a.example/<!channel>": false, "https://a.example/ x": false, "https://a.example/\u202e": false,
		"https://ann:pw@a.example/": false, "https://a.example/\"": false, "https://a.example/" + strings.Repeat("&", 600): false,
	} {
		d := weekly()
		d.Link = s
		_, n := load(t, file).Digest(d)
		if got := n.Digest.Link == s && s != ""; got != want || got == n.Digest.Expires.IsZero() {
			t.Errorf("%q: link %q, expires %v; want %v", s, n.Digest.Link, n.Digest.Expires, want)
		}
	}
}

func FuzzDigestOf(f *testing.F) {
	good, err := json.Marshal(weekly())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"report": "daily", "parts": [null]}`))
	c, err := notify.Load([]byte(file), "notify.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		d, err := digest.Of(detail)
		if err != nil {
			return
		}
		if channels, n := c.Digest(d); len(channels) == 0 || n.ID != d.ID || n.Digest == nil {
			t.Errorf("channels %v, notice %+v", channels, n)
		}
	})
}

func TestDigest_is_no_incident(t *testing.T) {
	t.Parallel()
	c, v := load(t, file), newVendor(t)
	_, n := c.Digest(weekly())
	if _, err := v.sender(c).Send(t.Context(), "pager", n, ""); !remedy.IsPermanent(err) || len(v.got) > 0 {
		t.Errorf("error %v, %d calls; want a refusal for good, and none", err, len(v.got))
	}
}

// A card has room for all of an ordinary digest, whatever its names are made of.
func TestDigest_fits_a_card(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	d := weekly()
	for i := range 6 {
		d.Parts = append(d.Parts, digest.Part{Title: fmt.Sprint("Part ", i), Text: strings.Repeat("A sentence & a half. ", 20)})
	}
	v := newVendor(t)
	_, n := c.Digest(d)
	if _, err := v.sender(c).Send(t.Context(), "office", n, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Part 5", "By who made the change", "Action.OpenUrl", "aws s3 cp"} {
		if !strings.Contains(string(v.got[0]), want) {
			t.Errorf("the card has no %q", want)
		}
	}
}
