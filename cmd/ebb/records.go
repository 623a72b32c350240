package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// keptOutcomes gives the outcomes that a record in the ledger may have: gone
// and compliant are kept where an earlier attempt had begun.
func keptOutcomes() []string {
	return []string{
		string(remedy.Pending), string(remedy.Observed), string(remedy.Reverted), string(remedy.Held),
		string(remedy.Exempt), string(remedy.Failed), string(remedy.Undone), string(remedy.Gone), string(remedy.Compliant),
	}
}

func (a *app) recordsCommand() *cobra.Command {
	const usualLimit = 50
	var (
		outcome, function, since string
		limit                    int
		all                      bool
	)
	cmd := &cobra.Command{
		Use:   "records",
		Short: "List what was done, newest first",
		Long: `List what was done, newest first: when the event came in, how it ended, and for
reverts how long the bad state lived. With --output json each record is one
line, whole.`,
		Example: "  ebb records --outcome reverted --since 24h\n  ebb records --all --output json | jq .reason",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			q := remedy.Query{Outcome: remedy.Outcome(outcome), Function: function}
			if since != "" {
				if q.Since, err = local.ParseSince(since, a.Now()); err != nil {
					return usageError{fmt.Errorf("--%w", err)}
				}
			}
			switch {
			case limit < 1:
				return usagef("--limit %d: want a whole number from 1", limit)
			case all && cmd.Flags().Changed("limit"):
				return usagef("--limit and --all contradict each other: give one of them")
			case all:
				limit = 0
			}
			s, err := a.lookAt(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			return a.listRecords(cmd.Context(), s, q, limit)
		},
	}
	fs := cmd.Flags()
	choose(cmd, fs, &outcome, "outcome", "only records that ended so", keptOutcomes()...)
	choose(cmd, fs, &function, "function", "only records of this function", a.functionNames()...)
	fs.StringVar(&since, "since", "", "only what came in since: a duration (24h, 7d), a date or an RFC 3339 time")
	fs.IntVar(&limit, "limit", usualLimit, "how many records")
	fs.BoolVar(&all, "all", false, "all records")
	return cmd
}

// listRecords prints records, page by page; a limit of 0 means all.
func (a *app) listRecords(ctx context.Context, s store, q remedy.Query, limit int) error {
	var listed []remedy.Record
	n := 0
	for {
		q.Limit = remedy.MaxPage
		if limit > 0 {
			q.Limit = min(limit-n, remedy.MaxPage)
		}
		page, next, err := s.Records(ctx, q)
		if err != nil {
			return err
		}
		n += len(page)
		if !a.json("table") {
			listed = append(listed, page...)
		} else {
			for _, rec := range page {
				if err := console.JSON(a.Stdout, rec); err != nil {
					return err
				}
			}
		}
		if q.After = next; next == "" || n == limit {
			break
		}
	}
	if a.json("table") {
		return nil
	}
	if n == 0 {
		a.note("There are no such records.")
		return nil
	}
	if err := a.printer().Records(listed); err != nil {
		return err
	}
	if q.After != "" {
		a.note("The newest %d are shown, there are more: --limit N or --all.", n)
	}
	return nil
}
