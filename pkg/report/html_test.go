package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
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
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// sample is a small ledger with something of everything.
func sample() reporttest.Source {
	until := reporttest.Until()
	return reporttest.Source{
		Make: reporttest.Make{Every: until.Sub(until.AddDate(0, 0, -6)) / 30, Resources: 9}, N: 30,
		Letters: []remedy.DeadLetter{{ID: "d1", Function: "iam-access-key", Source: "aws.iam", Event: "e1", Reason: "The event could not be understood.", Attempts: 3, At: until.AddDate(0, 0, -2)}},
	}
}

// hostile is a ledger whose every text is an attacker's.
func hostile() reporttest.Source {
	texts := reporttest.Hostile()
	s := sample()
	s.Every = time.Hour
	s.Text, s.N, s.Resources = func(i int) string { return texts[i%len(texts)] }, 3*len(texts), 1000
	for _, text := range texts {
		s.Letters = append(s.Letters, remedy.DeadLetter{ID: text, Function: text, Source: text, Event: text, Reason: text, At: reporttest.Until()})
	}
	return s
}

func htmlOf(t *testing.T, src reporttest.Source) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteHTML(t.Context(), &b, collect(t, src, week()), report.Details{Record: src.Record}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTML(t *testing.T) {
	t.Parallel()
	// The records in full are held by package page.
	got, _, _ := strings.Cut(htmlOf(t, sample()), `<article class="record"`)
	golden(t, "report.html", strings.Replace(got, string(page.Style()), "STYLE", 1))
}

// element is what the tests look at of a page.
type element struct {
	name  string
	attrs map[string]string
}

func elements(t *testing.T, doc string) (out []element) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment: %q", n.Data)
		}
		if n.Type == html.ElementNode {
			e := element{n.Data, map[string]string{}}
			for _, a := range n.Attr {
				e.attrs[a.Key] = a.Val
			}
			out = append(out, e)
		}
	}
	return out
}

func TestHTMLIsSelfContainedAndItsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]reporttest.Source{"sample": sample(), "hostile": hostile(), "empty": {}} {
		doc := htmlOf(t, src)
		all := elements(t, doc)
		ids := map[string]int{}
		for _, e := range all {
			if id, ok := e.attrs["id"]; ok {
				ids[id]++
			}
		}
		for id, n := range ids {
			if n > 1 || strings.ContainsAny(id, " \t\n") || id == "" {
				t.Errorf("%s: id %q is there %d times", name, id, n)
			}
		}
		styles := 0
		for _, e := range all {
			switch e.name {
			case "script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "button", "audio", "video", "image", "use", "foreignobject":
				t.Errorf("%s: an element %s", name, e.name)
			case "style":
				styles++
			}
			for key, value := range e.attrs {
				if strings.HasPrefix(key, "on") || key == "style" || key == "src" || key == "srcset" {
					t.Errorf("%s: %s has an attribute %s=%q", name, e.name, key, value)
				}
				if key == "href" && (!strings.HasPrefix(value, "#") || ids[value[1:]] == 0) {
					t.Errorf("%s: a link to %q, which is not in the page", name, value)
				}
			}
		}
		if styles != 1 {
			t.Errorf("%s: %d styles", name, styles)
		}
		if strings.ContainsAny(doc, "\x00\x1b\x07\u202e\u2028\ufffd") {
			t.Errorf("%s: it is not cleaned", name)
		}
		if strings.Contains(doc, "ZgotmplZ") || strings.Contains(doc, "<no value>") {
			t.Errorf("%s: the template refused a value", name)
		}
	}
}

func TestHTMLSaysWhenARecordIsGone(t *testing.T) {
	t.Parallel()
	src := sample()
	var b bytes.Buffer
	r := collect(t, src, week())
	src.N = 0
	if err := report.WriteHTML(t.Context(), &b, r, report.Details{Record: src.Record}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "The ledger does not have this record any more.") {
		t.Error("nothing is said of it")
	}
}
