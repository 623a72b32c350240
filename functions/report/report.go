// Package report is the function that writes Ebb's reports when a schedule says
// so: as HTML and JSON into the bucket, with word of it to whoever is to know.
package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	reports "github.com/ebb-ops/ebb/pkg/report"
)

// LinkFor is how long the link to a report holds. A link that a function signs
// ends with the function's credentials, which last for some hours: asking for
// more would promise what does not hold.
const LinkFor = 6 * time.Hour

// maxDays is the longest time that a scheduled report may be about.
const maxDays = 400

// Order is what a schedule asks for: its Input.
type Order struct {
	Name  string    `json:"name"`  // "daily": what the report is called, and its folder
	Days  int       `json:"days"`  // how many days it is about
	Until time.Time `json:"until"` // their end: when the schedule was due, so that a retry writes the same report
}

// Decode reads a schedule's Input, strictly.
func Decode(payload []byte) (o Order, err error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		return o, fmt.Errorf("read the schedule's input: %w; want {\"name\": \"daily\", \"days\": 1, \"until\": \"2026-11-21T06:00:00Z\"}", err)
	}
	switch {
	case o.Name == "" || strings.Trim(o.Name, "abcdefghijklmnopqrstuvwxyz-") != "":
		return o, fmt.Errorf("name %q: want lower-case letters and dashes, such as daily", o.Name)
	case o.Days < 1 || o.Days > maxDays:
		return o, fmt.Errorf("days %d: want a number from 1 to %d", o.Days, maxDays)
	case o.Until.IsZero():
		return o, errors.New("until is missing: a schedule gives it as <aws.scheduler.scheduled-time>")
	}
	return o, nil
}

// Objects is what the function needs of an S3 client.
type Objects interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Links signs links to objects; *s3.PresignClient does.
type Links interface {
	PresignGetObject(context.Context, *s3.GetObjectInput, ...func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error)
}

// Function writes reports. All fields but TeamTag and Minutes are required.
type Function struct {
	Ledger  reports.Source
	Objects Objects
	Links   Links
	Bucket  string
	Tell    []func(context.Context, Notice) error // whoever is to know; each is told, also when another can't be
	Now     func() time.Time
	TeamTag string
	Minutes float64
}

// Notice is word of a report.
type Notice struct {
	Name    string // the order's
	Report  *reports.Report
	Link    string    // to the HTML; whoever has it can read the report
	Expires time.Time // of the link
	Where   string    // s3://bucket/key, which stays
}

// Invoke writes the report that a schedule's Input asks for. It may be repeated:
// the same order writes the same objects, and tells of them again.
func (f Function) Invoke(ctx context.Context, payload []byte) error {
	order, err := Decode(payload)
	if err != nil {
		return err
	}
	r, err := reports.Collect(ctx, f.Ledger, reports.Options{
		Since: order.Until.AddDate(0, 0, -order.Days), Until: order.Until, Now: order.Until, TeamTag: f.TeamTag, Minutes: f.Minutes,
	})
	if err != nil {
		return fmt.Errorf("report %s: %w", order.Name, err)
	}
	key := fmt.Sprintf("reports/%s/%s", order.Name, order.Until.UTC().Format("2006-01-02T1504Z"))
	var html, js bytes.Buffer
	if err := reports.WriteHTML(ctx, &html, r, reports.Details{Record: f.Ledger.Record}); err != nil {
		return err
	}
	if err := reports.WriteJSON(&js, r); err != nil {
		return err
	}
	if err := f.put(ctx, key+".json", "application/json", js.Bytes()); err != nil {
		return err
	}
	if err := f.put(ctx, key+".html", "text/html; charset=utf-8", html.Bytes()); err != nil {
		return err
	}
	n := Notice{Name: order.Name, Report: r, Expires: f.Now().Add(LinkFor), Where: "s3://" + f.Bucket + "/" + key + ".html"}
	signed, err := f.Links.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &f.Bucket, Key: aws.String(key + ".html")}, s3.WithPresignExpires(LinkFor))
	if err != nil {
		return fmt.Errorf("sign a link to %s: %w", n.Where, err)
	}
	n.Link = signed.URL
	var errs []error
	for _, tell := range f.Tell {
		errs = append(errs, tell(ctx, n))
	}
	return errors.Join(errs...)
}

func (f Function) put(ctx context.Context, key, kind string, body []byte) error {
	_, err := f.Objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &f.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &kind, ContentLength: aws.Int64(int64(len(body))),
	})
	if err != nil {
		return fmt.Errorf("write s3://%s/%s: %w", f.Bucket, key, cloud.Explain(err, "s3:PutObject"))
	}
	return nil
}

// Digest gives the notice as channels are told of it.
func (n Notice) Digest() digest.Digest {
	d := n.Report.Digest(n.Name)
	d.Link, d.Expires, d.Where = n.Link, n.Expires, n.Where
	return d
}

// Subject names the report in a line, for a mail.
func (n Notice) Subject() string {
	return fmt.Sprintf("Ebb, %s report: %d open, %d put back", n.Name, n.Report.Open.Total, n.Report.PutBack.Total)
}

// Text tells of the report in plain sentences.
func (n Notice) Text() string {
	r := n.Report
	return strings.Join([]string{
		r.Sentence(), "",
		r.Open.Sentence(), r.PutBack.Sentence(), r.Lived.Sentence(), r.LeftAlone.Sentence(), r.Errors.Sentence(), "",
		"Read it, until " + console.When(n.Expires) + " at the latest; whoever has this link can:", n.Link, "",
		"Later: aws s3 cp " + n.Where + " .", "",
	}, "\n")
}
