package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/page"
)

// WriteMarkdown writes the report as GitHub's Markdown, for a ticket or a wiki.
// Texts from events are escaped: none becomes a link, markup or HTML.
func WriteMarkdown(w io.Writer, r *Report) error {
	m := &markdown{}
	m.line("# Ebb report")
	m.line(r.Sentence())
	m.section("Are we safe now?", r.Open.Sentence(), OpenLimits)
	m.items(r.Open.Items)
	m.section("What was put back", r.PutBack.Sentence())
	m.top("function", "none", r.PutBack.Functions)
	m.top("account", "unknown", r.PutBack.Accounts)
	m.top("team (tag "+r.PutBack.TeamTag+")", "no such tag", r.PutBack.Teams)
	m.top("actor", "unknown", r.PutBack.Actors)
	m.section("How long bad states lived", r.Lived.Sentence())
	if r.Lived.Total.Count > 0 {
		rows := [][]string{}
		for _, q := range []struct {
			name string
			q    Quantiles
		}{{"in all", r.Lived.Total}, {"delivery of the event", r.Lived.Delivery}, {"Ebb", r.Lived.Ebb}} {
			rows = append(rows, []string{q.name, lasting(q.q.P50), lasting(q.q.P95), lasting(q.q.Worst)})
		}
		m.table([]string{"part", "p50", "p95", "worst"}, rows)
	}
	m.section("What keeps coming back", r.ComesBack.Sentence())
	m.again("resource", r.ComesBack.Resources)
	m.again("actor", r.ComesBack.Actors)
	m.section("What events told late or not at all", r.Missed.Sentence())
	m.section("What Ebb did not dare to do, and why", r.LeftAlone.Sentence())
	m.items(r.LeftAlone.Items)
	m.section("Errors and dead letters", r.Errors.Sentence())
	m.top("error", "none", r.Errors.Messages)
	m.section("What it cost and saved", r.Cost.Sentence())
	m.line("`" + r.Cost.Formula + "`")
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

type markdown struct{ strings.Builder }

// line writes a paragraph of our own words.
func (m *markdown) line(s string) { m.WriteString(s + "\n\n") }

func (m *markdown) section(title string, sentences ...string) {
	m.line("## " + title)
	for _, s := range sentences {
		m.line(markdownText(s))
	}
}

func (m *markdown) table(columns []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	for i, row := range append([][]string{columns}, rows...) {
		for k, c := range row {
			row[k] = markdownText(c)
		}
		m.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			m.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
		}
	}
	m.WriteByte('\n')
}

func (m *markdown) top(name, none string, t Top) {
	var rows [][]string
	for _, it := range t.Items {
		rows = append(rows, []string{named(it.Name, none), page.Count(it.Count)})
	}
	m.table([]string{name, "number"}, rows)
	if note := t.note(); note != "" {
		m.line(note)
	}
}

func (m *markdown) items(items []Item) {
	var rows [][]string
	for _, it := range items {
		rows = append(rows, []string{it.Record, string(it.Outcome), it.Function, it.Resource, it.Actor, console.When(it.At), it.Short()})
	}
	m.table([]string{"record", "outcome", "function", "resource", "actor", "changed", "why"}, rows)
}

func (m *markdown) again(name string, list []Again) {
	var rows [][]string
	for _, a := range list {
		rows = append(rows, []string{a.Name, page.Count(a.Count), console.When(a.Last), a.Who()})
	}
	m.table([]string{name, "times", "last", "who is behind it"}, rows)
}

// markdownText escapes what Markdown would take for more than text.
func markdownText(s string) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(console.Clean(s))
	var b strings.Builder
	for i, r := range s {
		// An address becomes a link of itself in GitHub's Markdown.
		if strings.ContainsRune("\\`*_{}[]|~!@", r) || strings.HasPrefix(s[i:], "://") {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
