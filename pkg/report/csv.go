package report

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// csvColumn is one column of the CSV form.
type csvColumn struct {
	name  string
	value func(Options, remedy.Record) string
}

// csvColumns are the columns in their order, as schema/records.csv.schema.json
// describes them. New ones are added at the end.
func csvColumns() []csvColumn {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return console.Exactly(t)
	}
	between := func(from, to time.Time) string {
		if from.IsZero() || to.IsZero() || to.Before(from) {
			return ""
		}
		return strconv.FormatInt(to.Sub(from).Milliseconds(), 10)
	}
	return []csvColumn{
		{"record", func(_ Options, r remedy.Record) string { return r.ID }},
		{"received", func(_ Options, r remedy.Record) string { return moment(r.Times.Received) }},
		{"changed", func(_ Options, r remedy.Record) string { return moment(r.Times.Changed) }},
		{"function", func(_ Options, r remedy.Record) string { return r.Function }},
		{"severity", func(_ Options, r remedy.Record) string { return string(r.Severity) }},
		{"mode", func(_ Options, r remedy.Record) string { return string(r.Mode) }},
		{"outcome", func(_ Options, r remedy.Record) string { return string(r.Outcome) }},
		{"account", func(_ Options, r remedy.Record) string { return r.Resource.Account }},
		{"region", func(_ Options, r remedy.Record) string { return r.Resource.Region }},
		{"resource_type", func(_ Options, r remedy.Record) string { return r.Resource.Type }},
		{"resource", func(_ Options, r remedy.Record) string { return r.Resource.ID }},
		{"team", func(o Options, r remedy.Record) string { return r.Tags[o.TeamTag] }},
		{"actor", func(_ Options, r remedy.Record) string { return r.Event.Actor.String() }},
		{"session", func(_ Options, r remedy.Record) string { return r.Event.Actor.Session }},
		{"via", func(_ Options, r remedy.Record) string { return r.Event.Actor.Via }},
		{"event_source", func(_ Options, r remedy.Record) string { return r.Event.Source }},
		{"event", func(_ Options, r remedy.Record) string { return r.Event.Name }},
		{"event_id", func(_ Options, r remedy.Record) string { return r.Event.ID }},
		{"rules", func(_ Options, r remedy.Record) string { return strings.Join(rules(r), " ") }},
		{"reason", func(_ Options, r remedy.Record) string { return r.Reason }},
		{"error", func(_ Options, r remedy.Record) string { return r.Error }},
		{"bad_for_ms", func(_ Options, r remedy.Record) string { return between(r.Times.Changed, r.Times.Fixed) }},
		{"delivery_ms", func(_ Options, r remedy.Record) string { return between(r.Times.Changed, r.Times.Received) }},
		{"ebb_ms", func(_ Options, r remedy.Record) string { return between(r.Times.Received, r.Times.Fixed) }},
		{"exemption", func(_ Options, r remedy.Record) string {
			if r.Exemption == nil {
				return ""
			}
			return r.Exemption.ID
		}},
		{"undoes", func(_ Options, r remedy.Record) string { return r.Undoes }},
		{"undone_by", func(_ Options, r remedy.Record) string { return r.UndoneBy }},
		{"trace", func(_ Options, r remedy.Record) string { return r.TraceID }},
	}
}

// rules gives the codes of the rules that a record's state broke, each once.
func rules(r remedy.Record) (out []string) {
	seen := map[string]bool{}
	for _, v := range r.Violations {
		if !seen[v.Rule] {
			seen[v.Rule] = true
			out = append(out, v.Rule)
		}
	}
	return out
}

// WriteCSV writes every record of the window in a line, the newest first, below a
// line with the columns' names (RFC 4180). What a spreadsheet would take for a
// formula has an apostrophe before it.
func WriteCSV(ctx context.Context, w io.Writer, src Source, o Options) error {
	o = o.settled()
	columns := csvColumns()
	out := csv.NewWriter(w)
	out.UseCRLF = true
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.name
	}
	if err := out.Write(row); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	err := each(ctx, src, remedy.Query{Since: o.Since, Until: o.Until}, o.Progress, func(r remedy.Record) error {
		for i, c := range columns {
			row[i] = cell(c.value(o, r))
		}
		return out.Write(row)
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	return nil
}

// cell gives a text as a spreadsheet shows it and does not run it.
// https://owasp.org/www-community/attacks/CSV_Injection
func cell(s string) string {
	s = console.Clean(s)
	if trimmed := strings.TrimLeft(s, " "); trimmed != "" && strings.ContainsRune("=+-@|%'", rune(trimmed[0])) || strings.HasPrefix(s, `\t`) || strings.HasPrefix(s, `\r`) {
		return "'" + s
	}
	return s
}
