// Package page gives what people read in a browser as fragments of HTML: one
// record in full, charts, and the stylesheet of both. The report and the console
// are made of them.
//
// What it shows may come from an attacker's event: every string is escaped for
// its place, and cleaned by [console.Clean]. The fragments need no script, no
// style attribute and nothing from elsewhere, so [Policy] can forbid all of it.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"

	"github.com/ebb-ops/ebb/pkg/console"
)

//go:embed style.css
var css string

//go:embed *.tmpl
var files embed.FS

var templates = template.Must(template.New("page").Funcs(Funcs()).ParseFS(files, "*.tmpl"))

// Style gives the style element that the fragments rely on.
func Style() template.HTML {
	return template.HTML("<style>" + css + "</style>") // #nosec G203 -- our own file
}

// StyleSource gives the source that lets [Style] through a Content-Security-Policy:
// 'sha256-…', with its quotes.
func StyleSource() string {
	sum := sha256.Sum256([]byte(css))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy gives the Content-Security-Policy of a page that is made of the fragments
// alone: its own style, no script, no form, nothing loaded. It suits a meta element.
func Policy() string {
	return "default-src 'none'; style-src " + StyleSource() + "; base-uri 'none'; form-action 'none'"
}

// Funcs gives what the templates of this package call, for those of others that
// are to look the same:
//
//	clean STRING       harmless on one line
//	when TIME          in UTC, to the second
//	exactly TIME       in UTC, to the millisecond
//	lasting DURATION   as a person says it
//	count NUMBER       with commas
//	heading N STRING   an element h1 to h6
//	anchor STRING      the id of a record's element
func Funcs() template.FuncMap {
	return template.FuncMap{
		"clean": console.Clean, "when": console.When, "exactly": console.Exactly, "lasting": console.Lasting,
		"count": Count, "heading": heading, "anchor": Anchor,
	}
}

// heading gives a heading of a level that is only known when it is rendered, for
// which html/template has no syntax.
func heading(level int, text string) template.HTML {
	level = min(max(level, 1), 6)
	return template.HTML(fmt.Sprintf("<h%d>%s</h%d>", level, template.HTMLEscapeString(console.Clean(text)), level)) // #nosec G203 -- escaped
}

// Anchor gives the id of the element that holds a record: what a link within a
// page ends with. It is the same for the same id, and never more than one word.
func Anchor(id string) string {
	for _, r := range id {
		if !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyz", r) {
			sum := sha256.Sum256([]byte(id))
			return "record-x" + hex.EncodeToString(sum[:10])
		}
	}
	return "record-" + id
}

// Count gives a whole number with commas: 1,234,567.
func Count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// render executes one of the package's templates.
func render(name string, data any) (template.HTML, error) {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("render %s: %w", strings.TrimSuffix(name, ".tmpl"), err)
	}
	return template.HTML(b.String()), nil // #nosec G203 -- what html/template wrote
}
