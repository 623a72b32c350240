package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/report"
)

func (a *app) reportCommand() *cobra.Command {
	var since, until, format, file, hub string
	var securityHub bool
	o := report.Options{}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Report what was done over a time: for people, spreadsheets and other tools",
		Long: `Report what was done over a time: whether all is well now, what was put back, how
long bad states lived, what keeps coming back, what was left alone and why, what
failed, and what it cost and saved. docs/reports.md says what each figure means.

  html   one file that needs no other, with every record that it lists in full
  md     Markdown, for a ticket or a wiki
  json   the same figures, as schema/report.schema.json describes them
  csv    every record in a line
  ocsf   every record as an OCSF Compliance Finding, one a line
  asff   every record as a finding for the Security Hub that --hub names: each line
         is the input of aws securityhub batch-import-findings

With --security-hub nothing is written: the findings go into the Security Hub of the
credentials' account, and those that it refuses are printed. It may be repeated: a
finding that is there is updated. The credentials need securityhub:BatchImportFindings.

Nothing else is changed.`,
		Example: "  ebb report --out report.html\n  ebb report --since 1d --security-hub\n  ebb report --since 2026-11-01 --until 2026-12-01 --format csv --out november.csv",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Now = a.Now()
			if o.Since, err = local.ParseSince(since, o.Now); err != nil {
				return usageError{fmt.Errorf("--%w", err)}
			}
			if o.Until = o.Now; until != "" {
				if o.Until, err = local.ParseSince(until, o.Now); err != nil {
					return usageError{fmt.Errorf("--until: %w", err)}
				}
			}
			switch {
			case !o.Since.Before(o.Until):
				return usagef("--since %s is not before --until %s: give an earlier --since", console.When(o.Since), console.When(o.Until))
			case securityHub && (cmd.Flags().Changed("format") || file != ""):
				return usagef("--security-hub writes no report: leave out --format and --out, or run ebb report once more without it")
			case !securityHub && (format == "asff") != (hub != ""):
				return usagef("--format asff and --hub ACCOUNT/REGION go together: a finding names the Security Hub that takes it")
			case o.Minutes <= 0:
				return usagef("--minutes %g: want a number greater than 0", o.Minutes)
			}
			if a.output == "json" && !cmd.Flags().Changed("format") {
				format = "json"
			}
			form := form{name: format}
			if hub != "" {
				if form.hub, err = report.ParseHub(hub); err != nil {
					return usageError{fmt.Errorf("--%w", err)}
				}
			}
			s, err := a.lookAt(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			o.Progress = a.progress()
			if securityHub {
				return a.importFindings(cmd.Context(), s, o, form.hub)
			}
			return a.toFile(file, func(w io.Writer) error { return a.writeReport(cmd.Context(), w, s, o, form) })
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&since, "since", "7d", "what came in since: a duration (24h, 7d), a date or an RFC 3339 time")
	fs.StringVar(&until, "until", "", "what came in before: likewise; now when empty")
	format = "html"
	choose(cmd, fs, &format, "format", "html, md, json, csv, ocsf or asff", "html", "md", "json", "csv", "ocsf", "asff")
	fs.StringVar(&hub, "hub", "", "account and region of the Security Hub, as ACCOUNT/REGION; for asff and --security-hub")
	fs.BoolVar(&securityHub, "security-hub", false, "import the findings into the account's Security Hub, in the region of AWS_REGION or --hub")
	fs.StringVar(&file, "out", "", "file to write, whole or not at all; the standard output when empty")
	fs.StringVar(&o.TeamTag, "team-tag", report.DefaultTeamTag, "key of the tag that names a resource's team")
	fs.Float64Var(&o.Minutes, "minutes", report.DefaultMinutes, "minutes of human work that one revert saves")
	return cmd
}

// form is how a report is written.
type form struct {
	name string
	hub  report.Hub // for asff
}

// writeReport writes a report in one of its forms.
func (a *app) writeReport(ctx context.Context, w io.Writer, s store, o report.Options, f form) error {
	switch f.name {
	case "asff":
		return report.WriteASFF(ctx, w, s, o, f.hub)
	case "csv":
		return report.WriteCSV(ctx, w, s, o)
	case "ocsf":
		return report.WriteOCSF(ctx, w, s, o, host.Version())
	}
	r, err := report.Collect(ctx, s, o)
	switch {
	case err != nil:
		return err
	case f.name == "json" && a.output == "json":
		return console.JSON(w, r)
	case f.name == "json":
		return report.WriteJSON(w, r)
	case f.name == "md":
		return report.WriteMarkdown(w, r)
	}
	return report.WriteHTML(ctx, w, r, report.Details{Record: s.Record, Traces: s.traces})
}

// progressEvery is how often a terminal is told how far a report has come.
const progressEvery = 200 * time.Millisecond

// progress tells a terminal how far the reading of records has come; nil where
// nobody looks.
func (a *app) progress() func(int64, time.Time) {
	f, ok := a.Stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) { // #nosec G115 -- file descriptors are small
		return nil
	}
	var told time.Time
	return func(n int64, at time.Time) {
		if now := a.Now(); now.Sub(told) >= progressEvery {
			told = now
			_, _ = fmt.Fprintf(f, "\r%d records are read, back to %s\x1b[K\r", n, console.When(at))
		}
	}
}

// toFile hands write the standard output, or a file that is there when it is whole.
func (a *app) toFile(path string, write func(io.Writer) error) error {
	if path == "" {
		return write(a.Stdout)
	}
	if err := wholeFile(path, write); err != nil {
		return err
	}
	a.note("The report is in %s.", path)
	return nil
}

// wholeFile writes a file, or leaves what was there.
func wholeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ebb-report-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
