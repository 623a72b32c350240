package report

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/page"
)

// What a digest shows of the report's lists.
const (
	digestNames = 3  // names of a list
	digestName  = 90 // characters of a name
)

// Digest gives word of the report for channels: its sentences in its order, and
// the first names of its shortest lists. Where the report is found is for who
// wrote it to say.
func (r *Report) Digest(name string) digest.Digest {
	putBack := lines(r.PutBack.Functions.first("By function", "none"), r.PutBack.Actors.first("By who made the change", "unknown"))
	comesBack := lines(firstAgain("Resources", r.ComesBack.Resources))
	return digest.Digest{
		ID: digest.ID(name, r.Until), Report: name, Since: r.Since, Until: r.Until, Open: r.Open.Total, PutBack: r.PutBack.Total,
		Parts: []digest.Part{
			{Text: r.Sentence()},
			{Title: "Are we safe now?", Text: r.Open.Sentence()},
			{Title: "What was put back", Text: r.PutBack.Sentence(), Lines: putBack},
			{Title: "How long bad states lived", Text: r.Lived.Sentence()},
			{Title: "What keeps coming back", Text: r.ComesBack.Sentence(), Lines: comesBack},
			{Title: "What events told late or not at all", Text: r.Missed.Sentence()},
			{Title: "What Ebb did not dare to do, and why", Text: r.LeftAlone.Sentence()},
			{Title: "Errors and dead letters", Text: r.Errors.Sentence()},
			{Title: "What it cost and saved", Text: r.Cost.Sentence()},
		},
	}
}

// first gives the first names of a list in a line; "" for an empty one.
func (t Top) first(title, none string) string {
	var names []string
	others := t.Others
	for i, it := range t.Items {
		if i >= digestNames {
			others += it.Count
			continue
		}
		names = append(names, shorten(named(it.Name, none), digestName)+" "+page.Count(it.Count))
	}
	if others > 0 {
		names = append(names, "all others "+page.Count(others))
	}
	return line(title, names)
}

func firstAgain(title string, all []Again) string {
	var names []string
	for _, a := range all[:min(len(all), digestNames)] {
		names = append(names, fmt.Sprintf("%s %s times", shorten(a.Name, digestName), page.Count(a.Count)))
	}
	return line(title, names)
}

func line(title string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return title + ": " + strings.Join(names, ", ") + "."
}

// lines leaves out what is empty.
func lines(all ...string) (out []string) {
	for _, l := range all {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}
