package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DigestEvent is the detail-type of the event that tells Ebb's bus of a written
// report. Its source is "ebb", its detail a [Digest].
const DigestEvent = "report.written"

// Digest is word of a written report. Its texts may hold what an attacker chose.
type Digest struct {
	ID      string    `json:"id"`     // the same when the report is written again: see [DigestID]
	Report  string    `json:"report"` // one of [Reports]
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Open    int64     `json:"open"`             // violations that nobody is known to have mended
	PutBack int64     `json:"put_back"`         // changes
	Parts   []Part    `json:"parts"`            // what the report says, in its order
	Link    string    `json:"link,omitempty"`   // to its page; whoever has it can read the report
	Expires time.Time `json:"expires,omitzero"` // of the link, at the latest
	Where   string    `json:"where"`            // where the page stays: s3://bucket/key, or the path of a file
}

// Part is one of the report's questions and its answer.
type Part struct {
	Title string   `json:"title,omitempty"` // empty for what is about the whole report
	Text  string   `json:"text"`            // plain sentences
	Lines []string `json:"lines,omitempty"` // the most frequent of something, a list in a line
}

// The bounds of a digest.
const (
	maxDigest = 64 << 10 // bytes of its JSON
	maxParts  = 16
	maxLines  = 5
	maxLink   = 2800 // characters, escaped for Slack, which takes 3000 with what is around it
)

// Reports are the names of the scheduled reports.
func Reports() []string { return []string{"daily", "weekly"} }

// DigestID gives the id of the digest of a report that ends at until.
func DigestID(report string, until time.Time) string {
	return "msg_report-" + report + "-" + until.UTC().Format("20060102T1504Z")
}

// Digest gives the channels that are told of a report, sorted, each once, and the
// notice for them: its texts are clipped, and free of control characters.
func (c *Config) Digest(d Digest) (channels []string, n Notice) {
	for _, route := range c.Digests {
		if len(route.Reports) == 0 || slices.Contains(route.Reports, d.Report) {
			channels = append(channels, route.Channels...)
		}
	}
	slices.Sort(channels)
	d.Parts = slices.Clone(d.Parts[:min(len(d.Parts), maxParts)])
	for i, p := range d.Parts {
		p.Title, p.Text = clip(p.Title, maxName), clip(p.Text, maxText)
		p.Lines = slices.Clone(p.Lines[:min(len(p.Lines), maxLines)])
		for j, line := range p.Lines {
			p.Lines[j] = clip(line, maxText)
		}
		d.Parts[i] = p
	}
	d.Where = clip(d.Where, maxText)
	if !linkable(d.Link) {
		d.Link, d.Expires = "", time.Time{}
	}
	return slices.Compact(channels), Notice{ID: d.ID, First: d.Until, Last: d.Until, Digest: &d}
}

// DigestOf reads a digest from the detail of its event, as package bus decodes it.
// What it does not know, or what no report of Ebb's says, is an error.
func DigestOf(detail []byte) (Digest, error) {
	var d Digest
	if len(detail) > maxDigest {
		return Digest{}, fmt.Errorf("read the digest of a report: it has %d bytes, %d are the most", len(detail), maxDigest)
	}
	dec := json.NewDecoder(bytes.NewReader(detail))
	dec.DisallowUnknownFields()
	err := dec.Decode(&d)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return Digest{}, fmt.Errorf("read the digest of a report: %w", err)
	}
	return d, nil
}

func (d Digest) check() error {
	switch {
	case !slices.Contains(Reports(), d.Report):
		return fmt.Errorf("report %q: there are %s", d.Report, strings.Join(Reports(), ", "))
	case !d.Since.Before(d.Until):
		return errors.New("since is not before until")
	case d.ID != DigestID(d.Report, d.Until):
		return fmt.Errorf("id %q: want %s", d.ID, DigestID(d.Report, d.Until))
	case d.Open < 0 || d.PutBack < 0:
		return errors.New("open and put_back can't be negative")
	case len(d.Parts) == 0 || len(d.Parts) > maxParts:
		return fmt.Errorf("parts: want from 1 to %d", maxParts)
	case d.Where == "":
		return errors.New("where is missing")
	case d.Link != "" && !linkable(d.Link):
		return errors.New("link is no URL that can be shown")
	}
	for _, p := range d.Parts {
		if p.Text == "" || len(p.Lines) > maxLines {
			return fmt.Errorf("part %q: want a text, and at most %d lines", p.Title, maxLines)
		}
	}
	return nil
}

// linkable reports whether s is a URL that nobody's markup reads as anything else.
func linkable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(slackEscape(s)) <= maxLink &&
		strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>|\"\\^`{}", r) }) < 0
}

// headline says in one line what is in it; nothing in it is from an event.
func (d *Digest) headline() string {
	return fmt.Sprintf("The %s report: %d open, %d put back", clip(d.Report, maxName), d.Open, d.PutBack)
}

// lines gives a part for plain text, without its title.
func (p Part) lines() []string { return append([]string{p.Text}, p.Lines...) }

// block gives a part for plain text.
func (p Part) block() string {
	lines := p.lines()
	if p.Title != "" {
		lines = append([]string{p.Title}, lines...)
	}
	return strings.Join(lines, "\n")
}

// ends says how long the link holds, and for whom.
func (d *Digest) ends() string {
	return fmt.Sprintf("The link ends at %s at the latest. Whoever has it can read the report.", d.Expires.UTC().Format(time.RFC3339))
}

// stays says where the report is found later.
func (d *Digest) stays() string {
	if strings.HasPrefix(d.Where, "s3://") {
		return "Afterwards: aws s3 cp " + d.Where + " ."
	}
	return "The report is in " + d.Where + "."
}

// plain gives the whole digest as plain text.
func (d *Digest) plain() string {
	out := []string{d.headline(), ""}
	for _, p := range d.Parts {
		out = append(out, p.block(), "")
	}
	if d.Link != "" {
		out = append(out, "Read it: "+d.Link, d.ends())
	}
	return strings.Join(append(out, d.stays()), "\n") + "\n"
}
