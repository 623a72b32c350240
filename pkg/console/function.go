package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function is a function and what the policy says of it.
type Function struct {
	Name       string             `json:"name"`
	Title      string             `json:"title"`
	Severity   remedy.Severity    `json:"severity"`
	Triggers   []remedy.Trigger   `json:"triggers"`
	Actions    []string           `json:"actions"`
	Settings                      // where no scope matches
	Params     []Param            `json:"params"`
	Scopes     []Scope            `json:"scopes,omitempty"`
	Exemptions []remedy.Exemption `json:"exemptions,omitempty"` // expired ones included
}

// Settings are what a policy sets for a function or a scope.
type Settings struct {
	Mode     remedy.Mode `json:"mode"`
	Blast    Cap         `json:"blast_cap"`
	Fight    Cap         `json:"fight_cap"`
	UndoHold Duration    `json:"undo_hold"`
}

// Cap is a [remedy.Cap] as a policy writes it.
type Cap struct {
	Limit  int      `json:"limit"`
	Window Duration `json:"window"`
}

// Duration is written as a policy writes it: "10m".
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(Period(time.Duration(d))), nil }

// Param is one parameter of a function.
type Param struct {
	Name    string          `json:"name"`
	Type    string          `json:"type"` // in words
	Default json.RawMessage `json:"default,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"` // what holds where no scope matches
	Doc     string          `json:"doc"`
}

// Scope is a part of the world in which the policy says otherwise.
type Scope struct {
	Name      string   `json:"name"`
	Accounts  []string `json:"accounts,omitempty"`
	Regions   []string `json:"regions,omitempty"`
	Resources []string `json:"resources,omitempty"`
	Settings
	Params map[string]json.RawMessage `json:"params,omitempty"` // those that differ from the function's
}

// Functions writes a table of functions, one a line, in the order given.
func (p *Printer) Functions(fs []Function) error {
	columns := []column{{title: "name"}, {title: "severity"}, {"mode", cutEnd}, {"triggers", cutEnd}, {"actions", cutEnd}}
	var rows [][]cell
	for _, f := range fs {
		rows = append(rows, []cell{
			{f.Name, bold}, {text: string(f.Severity)}, {modes(f), modeStyle(f.Mode)},
			{text: triggers(f.Triggers)}, {text: orDash(strings.Join(f.Actions, ", "))},
		})
	}
	var b strings.Builder
	p.table(&b, columns, rows)
	return p.emit(&b)
}

// modes gives the function's mode, and those of its scopes where they differ.
func modes(f Function) string {
	s := string(f.Mode)
	for _, sc := range f.Scopes {
		if sc.Mode != f.Mode {
			s += "; " + string(sc.Mode) + " in " + sc.Name
		}
	}
	return s
}

func modeStyle(m remedy.Mode) style {
	switch m {
	case remedy.Enforce:
		return green
	case remedy.Off:
		return dim
	}
	return yellow
}

func triggers(ts []remedy.Trigger) string {
	var out []string
	for _, t := range ts {
		out = append(out, t.Source+": "+strings.Join(t.Names, ", "))
	}
	return strings.Join(out, "; ")
}

// Function writes all of a function: what starts it, what it may call, its
// parameters with their meaning and value, its scopes, caps and exemptions.
func (p *Printer) Function(f Function) error {
	var b strings.Builder
	b.WriteString(p.paint(bold, f.Name) + "\n")
	p.paragraph(&b, strings.TrimSuffix(f.Title, ".")+".")
	b.WriteByte('\n')
	p.fields(&b, append([]field{{name: "severity", value: string(f.Severity)}}, f.fields()...)...)
	p.heading(&b, "Triggers")
	for _, t := range f.Triggers {
		p.bullet(&b, t.Source+": "+strings.Join(t.Names, ", "))
	}
	p.heading(&b, "Actions")
	if len(f.Actions) == 0 {
		p.paragraph(&b, "None.")
	}
	for _, a := range f.Actions {
		p.bullet(&b, a)
	}
	p.heading(&b, "Parameters")
	if len(f.Params) == 0 {
		p.paragraph(&b, "None.")
	}
	for _, param := range f.Params {
		b.WriteString("  " + p.paint(bold, Clean(param.Name)) + "  " + p.paint(dim, Clean(param.Type)) + "\n")
		for _, line := range wrap(Clean(param.Doc), p.pageWidth()-4) {
			b.WriteString("    " + line + "\n")
		}
		p.value(&b, "default", param.Default)
		if string(param.Value) != string(param.Default) {
			p.value(&b, "the policy says", param.Value)
		}
	}
	p.scopes(&b, f)
	if len(f.Exemptions) > 0 {
		p.heading(&b, "Exemptions that may cover it")
		for _, x := range f.Exemptions {
			p.bullet(&b, exemption(x))
		}
	}
	return p.emit(&b)
}

func (s Settings) fields() []field {
	limit := func(c Cap) string {
		return fmt.Sprintf("at most %d in %s", c.Limit, Period(time.Duration(c.Window)))
	}
	return []field{
		{"mode", string(s.Mode), modeStyle(s.Mode)},
		{name: "blast cap", value: limit(s.Blast) + " per account"},
		{name: "fight cap", value: limit(s.Fight) + " per resource"},
		{name: "undo hold", value: Period(time.Duration(s.UndoHold))},
	}
}

// value writes a JSON value, spaced so that a long list can be wrapped.
func (p *Printer) value(b *strings.Builder, name string, raw json.RawMessage) {
	text := strings.Join(strings.Fields(strings.Join(lines(raw), " ")), " ")
	text = strings.NewReplacer("[ ", "[", " ]", "]").Replace(text)
	if len(raw) == 0 {
		text = "none"
	}
	for i, line := range wrap(name+": "+text, p.pageWidth()-6) {
		if i > 0 {
			line = "  " + line
		}
		b.WriteString("    " + line + "\n")
	}
}

func (p *Printer) scopes(b *strings.Builder, f Function) {
	if len(f.Scopes) == 0 {
		return
	}
	p.heading(b, "Scopes, of which the first that matches decides")
	for _, s := range f.Scopes {
		p.bullet(b, s.Name+": "+join("; ", listed("accounts", s.Accounts), listed("regions", s.Regions), listed("resources", s.Resources)))
		for _, fd := range s.fields() {
			b.WriteString("    " + fd.name + ": " + fd.value + "\n")
		}
		for _, name := range slices.Sorted(maps.Keys(s.Params)) {
			p.value(b, "params."+name, s.Params[name])
		}
	}
}

func listed(what string, patterns []string) string {
	if len(patterns) == 0 {
		return ""
	}
	return what + " " + strings.Join(patterns, ", ")
}
