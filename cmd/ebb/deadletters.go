package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

func (a *app) deadLettersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead-letters",
		Short: "List the events that failed for good, show them, or replay them",
		Args:  unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.lookAt(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			return a.listDeadLetters(cmd.Context(), s)
		},
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "show ID",
			Short: "Show a dead letter with its payload",
			Args:  arguments(1, 1, "the dead letter's ID"),
			RunE: func(cmd *cobra.Command, args []string) (err error) {
				s, err := a.lookAt(cmd.Context())
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, s.Close()) }()
				d, err := s.deadLetter(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json("table") {
					return console.JSON(a.Stdout, readable(d))
				}
				return a.printer().DeadLetter(d, "To try it again: ebb dead-letters replay "+d.ID)
			},
		},
		a.replayCommand(),
	)
	return cmd
}

func (a *app) listDeadLetters(ctx context.Context, s store) error {
	list, err := s.DeadLetters(ctx)
	if err != nil {
		return err
	}
	if a.json("table") {
		for _, d := range list {
			if err := console.JSON(a.Stdout, d); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		a.note("There are no dead letters.")
		return nil
	}
	return a.printer().DeadLetters(list)
}

// letter is a dead letter whose payload can be read.
type letter struct {
	remedy.DeadLetter
	Payload any `json:"payload"`
}

func readable(d remedy.DeadLetter) letter { return letter{d, readablePayload(d.Payload)} }

// readablePayload gives what was received in JSON: as it is where it is that,
// else as a string.
func readablePayload(b []byte) any {
	if json.Valid(b) {
		return json.RawMessage(b)
	}
	return string(b)
}

func (a *app) replayCommand() *cobra.Command {
	var all, now bool
	var self string
	cmd := &cobra.Command{
		Use:   "replay ID... | --all",
		Short: "Try dead letters again",
		Long: `Try dead letters again. They go back into the inbox of --data, where a running
ebb serve takes them up at once and another when it starts. With --now they are
handled by this process instead.

A dead letter is removed once it is durably in the inbox; with --now, once it
was handled. What fails again becomes a dead letter again. A notification goes
back into the outbox, with --now as well.`,
		Args: func(_ *cobra.Command, ids []string) error {
			switch {
			case len(ids) == 0 && !all:
				return errors.New("the dead letter's ID is missing; --all replays all of them")
			case len(ids) > 0 && all:
				return errors.New("IDs and --all contradict each other: give one of them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, ids []string) (err error) {
			if a.table != "" && !now {
				return usagef("a deployment has no inbox here: give --now to handle its dead letters in this process")
			}
			s := &session{app: a}
			if now {
				s, err = a.open(cmd.Context(), a.lookAt, remedy.Options{Self: ownIdentities(self)})
			} else {
				s.store, err = a.lookAt(cmd.Context())
			}
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			letters, err := s.choose(cmd.Context(), ids)
			if err != nil {
				return err
			}
			if now {
				return s.replay(cmd.Context(), letters, s.handleLetter)
			}
			in, err := inbox.Open(cmd.Context(), a.data, inbox.Options{Now: a.Now})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, in.Close()) }()
			return s.replay(cmd.Context(), letters, func(ctx context.Context, d remedy.DeadLetter, functions []string) (string, error) {
				return "back in the inbox: ebb serve on " + a.data + " handles it", in.Accept(ctx, local.Deliveries(d, functions)...)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "replay all dead letters")
	cmd.Flags().BoolVar(&now, "now", false, "handle them in this process, without ebb serve")
	addSelf(cmd, &self)
	return cmd
}

// choose gives the dead letters with these ids, or all of them.
func (s store) choose(ctx context.Context, ids []string) ([]remedy.DeadLetter, error) {
	if len(ids) == 0 {
		list, err := s.DeadLetters(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			ids = append(ids, d.ID)
		}
	}
	var out []remedy.DeadLetter
	for _, id := range ids {
		d, err := s.deadLetter(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// replayed is what became of a dead letter, as JSON.
type replayed struct {
	ID        string   `json:"id"`
	Functions []string `json:"functions,omitempty"`
	Result    string   `json:"result,omitempty"`
	Error     string   `json:"error,omitempty"`
}

// replay sends each letter on its way and removes those that took it.
func (s *session) replay(ctx context.Context, letters []remedy.DeadLetter,
	send func(context.Context, remedy.DeadLetter, []string) (result string, err error),
) error {
	failed := 0
	for _, d := range letters {
		out := replayed{ID: d.ID}
		functions, err := s.functionsOf(d)
		switch {
		case err != nil:
		case isNotification(d):
			out.Functions = functions
			out.Result, err = s.replayNotification(ctx, d)
		default:
			out.Functions = functions
			out.Result, err = send(ctx, d, functions)
		}
		if err == nil {
			err = s.RemoveDeadLetter(ctx, d.ID)
		}
		if err != nil {
			failed++
			out.Result, out.Error = "", err.Error()
			complain(s.Stderr, fmt.Errorf("replay %s: %s; it stays a dead letter", d.ID, strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
		if s.json("table") {
			if err := console.JSON(s.Stdout, out); err != nil {
				return err
			}
		} else if out.Error == "" {
			if err := s.printer().Say("%s (%s): %s", d.ID, strings.Join(functions, ", "), out.Result); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s could not be replayed", failed, plural(len(letters), "dead letter"))
	}
	if len(letters) == 0 {
		s.note("There are no dead letters.")
	}
	return nil
}

// functionsOf gives the functions that a dead letter is for, or the channel.
func (s *session) functionsOf(d remedy.DeadLetter) ([]string, error) {
	if isNotification(d) {
		return []string{d.Function}, nil
	}
	return local.FunctionsOf(s.Functions, d)
}

// handleLetter handles a dead letter in this process.
func (s *session) handleLetter(ctx context.Context, d remedy.DeadLetter, functions []string) (string, error) {
	var results []string
	for _, name := range functions {
		recs, err := s.invoke(ctx, name, host.Delivery{Payload: d.Payload, Carrier: trace.Linked(d.Carrier), Received: s.Now()})
		if err != nil {
			return "", err
		}
		for _, rec := range recs {
			results = append(results, strings.TrimSpace(string(rec.Outcome)+" "+rec.ID)+": "+rec.Reason)
		}
	}
	return strings.Join(results, " "), nil
}
