package digest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
)

var moment = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

var weekly = digest.Digest{
	ID: "msg_report-weekly-20261121T0900Z", Report: "weekly", Since: moment.AddDate(0, 0, -7), Until: moment, Open: 1, PutBack: 8,
	Parts: []digest.Part{
		{Text: "From 2026-11-14 09:00:00 to 2026-11-21 09:00:00 (UTC). Ebb kept 9 records: 8 put back, 1 held."},
		{Title: "Are we safe now?", Text: "1 violation is open: 1 held by a cap.", Lines: []string{"By function: s3-bucket-policy 8."}},
	},
	Link: "https://reports.example.com/weekly.html?a=1&b=2", Expires: moment.Add(6 * time.Hour), Where: "s3://reports/reports/weekly/2026-11-21T0900Z.html",
}

func TestOf(t *testing.T) {
	t.Parallel()
	good, err := json.Marshal(weekly)
	if err != nil {
		t.Fatal(err)
	}
	got, err := digest.Of(good)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(weekly, got); diff != "" {
		t.Errorf("digest (-want +got):\n%s", diff)
	}
	changed := func(change func(*digest.Digest)) string {
		d := weekly
		d.Parts = slices.Clone(d.Parts)
		change(&d)
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, tt := range map[string]struct{ detail, want string }{
		"nothing":        {"", "EOF"},
		"a list":         {"[]", "cannot unmarshal array"},
		"an unknown key": {`{"id": "x", "evil": 1}`, `unknown field "evil"`},
		"two":            {string(good) + "{}", "something follows it"},
		"too large":      {changed(func(d *digest.Digest) { d.Where = strings.Repeat("x", 70000) }), "65536 are the most"},
		"report":         {changed(func(d *digest.Digest) { d.Report = "<!here>" }), `report "<!here>": there are daily, weekly`},
		"times":          {changed(func(d *digest.Digest) { d.Since = d.Until }), "since is not before until"},
		"another's id":   {changed(func(d *digest.Digest) { d.ID = "msg_x" }), `id "msg_x": want msg_report-weekly-20261121T0900Z`},
		"counts":         {changed(func(d *digest.Digest) { d.Open = -1 }), "can't be negative"},
		"no parts":       {changed(func(d *digest.Digest) { d.Parts = nil }), "parts: want from 1 to 16"},
		"no text":        {changed(func(d *digest.Digest) { d.Parts[1].Text = "" }), `part "Are we safe now?": want a text`},
		"many lines":     {changed(func(d *digest.Digest) { d.Parts[1].Lines = make([]string, 6) }), "at most 5 lines"},
		"nowhere":        {changed(func(d *digest.Digest) { d.Where = "" }), "where is missing"},
		"link":           {changed(func(d *digest.Digest) { d.Link = "javascript:alert(1)" }), "link is no URL"},
	} {
		if _, err := digest.Of([]byte(tt.detail)); err == nil || !strings.Contains(err.Error(), "read the digest of a report: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func FuzzOf(f *testing.F) {
	good, err := json.Marshal(weekly)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"report": "daily", "parts": [null]}`))
	f.Fuzz(func(t *testing.T, detail []byte) {
		d, err := digest.Of(detail)
		if err != nil {
			return
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := digest.Of(again); err != nil || cmp.Diff(d, got) != "" {
			t.Errorf("read back: %v (-first +second):\n%s", err, cmp.Diff(d, got))
		}
	})
}
