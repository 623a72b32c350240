package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
)

// reporter is the function that a schedule starts.
const reporter = "report"

// write has the reporter write what was done so far, as its schedule asks it to.
// The report must be in the stack's bucket, and the bus told of it.
func (r *rehearsal) write(ctx context.Context, d *deployment, res *result) (err error) {
	f, until := d.functions[reporter], time.Now().UTC().Add(time.Minute).Truncate(time.Minute)
	if f == nil {
		return errors.New("the stack has no such function")
	}
	g, err := r.gate(d)
	if err != nil {
		return err
	}
	defer g.server.Close()
	process, err := f.start(ctx, r.root, r.dist, g, nil)
	if err != nil {
		return err
	}
	defer func() { err = r.finish(process, res, err) }()
	input := fmt.Appendf(nil, `{"name": "daily", "days": 1, "until": %q}`, until.Format(time.RFC3339))
	if err := process.Invoke(ctx, input, new(json.RawMessage)); err != nil {
		return err
	}
	results, err := d.stack.account.received(ctx, d.results)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(results, func(e string) bool { return strings.Contains(e, digest.Event) })
	if i < 0 {
		return errors.New("the bus was not told of the report")
	}
	msg, err := bus.Decode([]byte(results[i]))
	if err != nil {
		return err
	}
	word, err := digest.Of(msg.Event.Detail)
	if err != nil {
		return err
	}
	if word.ID != digest.ID("daily", until) || word.PutBack == 0 {
		return fmt.Errorf("the bus was told of report %s, in which %d were put back; want %s, and some", word.ID, word.PutBack, digest.ID("daily", until))
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(word.Where, "s3://"), "/")
	out, err := s3.NewFromConfig(d.stack.account.cfg, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String(key)})
	if err != nil {
		return fmt.Errorf("read the report at %s: %w", word.Where, err)
	}
	page, err := io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return fmt.Errorf("read the report at %s: %w", word.Where, err)
	}
	if bucket != d.stack.outputs["ReportBucket"] || !strings.Contains(string(page), word.Parts[1].Text) {
		return fmt.Errorf("the report at %s does not say %q", word.Where, word.Parts[1].Text)
	}
	return r.confined(ctx, d, f, g, res)
}
