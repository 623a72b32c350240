package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/report"
)

// schedule says when a report is written, and what it is about.
type schedule struct {
	name string // its folder
	cron string // in UTC
	days int
}

// schedules are those of a deployment: see infra/report.yaml.
func schedules() []schedule {
	return []schedule{{"daily", "0 6 * * *", 1}, {"weekly", "0 6 * * 1", 7}}
}

// startReports writes reports into a folder whenever they are due, and has tell
// put word of them into the outbox, until stop is called, which waits for one that
// is being written. What was due while no process served is not made up for: ebb
// report writes it.
func (a *app) startReports(
	ctx context.Context, folder string, plan []schedule, tell func(context.Context, digest.Digest) error, log *slog.Logger,
) (stop func(), err error) {
	c := cron.New(cron.WithLocation(time.UTC), cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))
	ctx, cancel := context.WithCancel(ctx)
	for _, s := range plan {
		_, err := c.AddFunc(s.cron, func() {
			digest, err := a.writeDue(ctx, folder, s, a.Now())
			if err != nil {
				log.Error("a report could not be written", "report", s.name, "error", err.Error())
				return
			}
			log.Info("a report is written", "report", s.name, "file", digest.Where)
			if err := tell(ctx, digest); err != nil {
				log.Error("nobody is told of a report", "report", s.name, "error", err.Error())
			}
		})
		if err != nil {
			cancel()
			return nil, fmt.Errorf("schedule the %s report: %w", s.name, err)
		}
	}
	c.Start()
	return func() {
		cancel()
		<-c.Stop().Done()
	}, nil
}

// writeDue writes one report as HTML and as JSON, and gives word of it: where the
// HTML is, by its whole path.
func (a *app) writeDue(ctx context.Context, folder string, s schedule, due time.Time) (d digest.Digest, err error) {
	st, err := a.lookAt(ctx)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	r, err := report.Collect(ctx, st, report.Options{Since: due.AddDate(0, 0, -s.days), Until: due})
	if err != nil {
		return d, err
	}
	dir, err := filepath.Abs(filepath.Join(folder, s.name))
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return d, fmt.Errorf("make the reports' folder: %w", err)
	}
	base := filepath.Join(dir, due.UTC().Format("2006-01-02T1504Z"))
	if err := wholeFile(base+".json", func(w io.Writer) error { return report.WriteJSON(w, r) }); err != nil {
		return d, err
	}
	d = r.Digest(s.name)
	d.Where = base + ".html"
	return d, wholeFile(d.Where, func(w io.Writer) error {
		return report.WriteHTML(ctx, w, r, report.Details{Record: st.Record, Traces: st.traces})
	})
}
