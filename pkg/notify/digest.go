package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
)

// Digest gives the channels that are told of a report, sorted, each once, and the
// notice for them: its texts are clipped, and free of control characters.
func (c *Config) Digest(d digest.Digest) (channels []string, n Notice) {
	for _, route := range c.Digests {
		if len(route.Reports) == 0 || slices.Contains(route.Reports, d.Report) {
			channels = append(channels, route.Channels...)
		}
	}
	slices.Sort(channels)
	d.Parts = slices.Clone(d.Parts[:min(len(d.Parts), digest.MaxParts)])
	for i, p := range d.Parts {
		p.Title, p.Text = clip(p.Title, maxName), clip(p.Text, maxText)
		p.Lines = slices.Clone(p.Lines[:min(len(p.Lines), digest.MaxLines)])
		for j, line := range p.Lines {
			p.Lines[j] = clip(line, maxText)
		}
		d.Parts[i] = p
	}
	d.Where = clip(d.Where, maxText)
	if !digest.Linkable(d.Link) {
		d.Link, d.Expires = "", time.Time{}
	}
	return slices.Compact(channels), Notice{ID: d.ID, First: d.Until, Last: d.Until, Digest: &d}
}

// digestHeadline says in one line what is in it; nothing in it is from an event.
func digestHeadline(d *digest.Digest) string {
	return fmt.Sprintf("The %s report: %d open, %d put back", clip(d.Report, maxName), d.Open, d.PutBack)
}

// partLines gives a part for plain text, without its title.
func partLines(p digest.Part) []string { return append([]string{p.Text}, p.Lines...) }

// partBlock gives a part for plain text.
func partBlock(p digest.Part) string {
	lines := partLines(p)
	if p.Title != "" {
		lines = append([]string{p.Title}, lines...)
	}
	return strings.Join(lines, "\n")
}

// linkEnds says how long the link holds, and for whom.
func linkEnds(d *digest.Digest) string {
	return fmt.Sprintf("The link ends at %s at the latest. Whoever has it can read the report.", d.Expires.UTC().Format(time.RFC3339))
}

// reportStays says where the report is found later.
func reportStays(d *digest.Digest) string {
	if strings.HasPrefix(d.Where, "s3://") {
		return "Afterwards: aws s3 cp " + d.Where + " ."
	}
	return "The report is in " + d.Where + "."
}

// plainDigest gives the whole digest as plain text.
func plainDigest(d *digest.Digest) string {
	out := []string{digestHeadline(d), ""}
	for _, p := range d.Parts {
		out = append(out, partBlock(p), "")
	}
	if d.Link != "" {
		out = append(out, "Read it: "+d.Link, linkEnds(d))
	}
	return strings.Join(append(out, reportStays(d)), "\n") + "\n"
}
