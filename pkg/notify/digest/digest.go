// Package digest is word of a written report, as the bus and the channels of
// notifications carry it. It is apart from both, so that the function that writes
// reports has nothing of the vendors in its binary, and they nothing of it.
package digest

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

// Event is the detail-type of the event that tells Ebb's bus of a written
// report. Its source is "ebb", its detail a [Digest].
const Event = "report.written"

// Digest is word of a written report. Its texts may hold what an attacker chose.
type Digest struct {
	ID      string    `json:"id"`     // the same when the report is written again: see [ID]
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
	MaxParts  = 16
	MaxLines  = 5        // of a part
	maxLink   = 2800     // characters, escaped for Slack, which takes 3000 with what is around it
	maxDigest = 64 << 10 // bytes of its JSON
)

// Reports are the names of the scheduled reports.
func Reports() []string { return []string{"daily", "weekly"} }

// ID gives the id of the digest of a report that ends at until.
func ID(report string, until time.Time) string {
	return "msg_report-" + report + "-" + until.UTC().Format("20060102T1504Z")
}

// Of reads a digest from the detail of its event, as package bus decodes it.
// What it does not know, or what no report of Ebb's says, is an error.
func Of(detail []byte) (Digest, error) {
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
	case d.ID != ID(d.Report, d.Until):
		return fmt.Errorf("id %q: want %s", d.ID, ID(d.Report, d.Until))
	case d.Open < 0 || d.PutBack < 0:
		return errors.New("open and put_back can't be negative")
	case len(d.Parts) == 0 || len(d.Parts) > MaxParts:
		return fmt.Errorf("parts: want from 1 to %d", MaxParts)
	case d.Where == "":
		return errors.New("where is missing")
	case d.Link != "" && !Linkable(d.Link):
		return errors.New("link is no URL that can be shown")
	}
	for _, p := range d.Parts {
		if p.Text == "" || len(p.Lines) > MaxLines {
			return fmt.Errorf("part %q: want a text, and at most %d lines", p.Title, MaxLines)
		}
	}
	return nil
}

// Linkable reports whether s is a URL that nobody's markup reads as anything else,
// and not too long for a message.
func Linkable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		len(s)+len("amp;")*strings.Count(s, "&") <= maxLink &&
		strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>|\"\\^`{}", r) }) < 0
}
