package webconsole

import (
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// funcs gives what the console's templates call, beside those of the fragments.
func (c *Console) funcs(links map[string]string) template.FuncMap {
	return template.FuncMap{
		"static":     func(name string) string { return links[name] },
		"short":      short,
		"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"stamp":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"ago":        func(t time.Time) string { return ago(c.cfg.Now().Sub(t)) },
		"left":       func(t time.Time) string { return left(t.Sub(c.cfg.Now())) },
		"actor":      func(a remedy.Actor) string { return a.String() },
		"text":       func(b []byte) string { return string(b) },
		"join":       strings.Join,
		"period":     func(d console.Duration) string { return console.Period(time.Duration(d)) },
		"duration":   func(d time.Duration) console.Duration { return console.Duration(d) },
		"terms":      func() []choice { return terms },
		"pageStyle":  page.Style,
		"with_actor": func(r remedy.Record) string { return filters{}.with("actor", r.Event.Actor.String()) },
		"locked":     func(s shell, what string) lockedData { return lockedData{s.visit, what} },
		"exempting":  func(csrf string, f exemptForm) exemptData { return exemptData{csrf, f} },
		"ending":     func(csrf, id string) endData { return endData{csrf, id} },
		"known":      c.known,
	}
}

// What the shared parts of the pages are made of.
type (
	lockedData struct {
		visit
		What string
	}
	exemptData struct {
		CSRF string
		Form exemptForm
	}
	endData struct{ CSRF, ID string }
)

// known reports whether a function is of this build, so that its page is there.
func (c *Console) known(name string) bool {
	return slices.ContainsFunc(c.cfg.Functions, func(f remedy.Function) bool { return f.Name == name })
}

// sentence gives an error as a sentence.
func sentence(err error) string {
	s := console.Clean(strings.ReplaceAll(err.Error(), "\n", "; "))
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// short gives the part of an ARN that people know a thing by; other names as
// they are.
func short(s string) string {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && parts[5] != "" {
		return parts[5]
	}
	return s
}

// ago says roughly how long something is past.
func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return roughly(d) + " ago"
}

// left says roughly how long something still holds.
func left(d time.Duration) string {
	if d <= 0 {
		return "over"
	}
	return roughly(d) + " left"
}

func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 2*day:
		return plural(int(d/time.Hour), "hour")
	}
	if d >= 2*365*day {
		return plural(int(d/(365*day)), "year")
	}
	return plural(int(d/day), "day")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return page.Count(int64(n)) + " " + noun + "s"
}
