package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// errHandle ends a run whose failures were told already.
var errHandle = errors.New("not all events were handled")

func (a *app) handleCommand() *cobra.Command {
	var (
		function, self string
		observe        bool
	)
	cmd := &cobra.Command{
		Use:   "handle [--function NAME] [--observe] FILE...",
		Short: "Send event files through the engine once and print the records",
		Long: `Send event files through the engine once, each event to every function that it
triggers, and print one record a line as JSON: also those of events that change
nothing, which are not kept. --output table prints a table at the end instead.

A file holds one event, an array of events, JSON lines, or a CloudTrail log
file; - is the standard input. What can't be handled is told on the standard
error, and the events after it are handled all the same.`,
		Example: `  ebb handle --observe events/ec2-security-group/authorize-world-ssh.json
  aws cloudtrail lookup-events | jq -r '.Events[].CloudTrailEvent' | ebb handle --observe -`,
		Args: arguments(1, -1, "FILE"),
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			s, err := a.open(cmd.Context(), a.openStore, remedy.Options{Observe: observe, Self: ownIdentities(self)})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if a.policy == "" {
				a.note("ebb: no policy is given, so every function observes and changes nothing (--policy FILE)")
			}
			h := &handling{session: s, function: function}
			for _, name := range files {
				if err := h.file(cmd.Context(), name); err != nil {
					return err
				}
			}
			return h.end()
		},
	}
	choose(cmd, cmd.Flags(), &function, "function", "send the events to this function only", a.functionNames()...)
	cmd.Flags().BoolVar(&observe, "observe", false, "change nothing, whatever the policy says")
	addSelf(cmd, &self)
	return cmd
}

// addSelf adds the flag that names Ebb's own identities.
func addSelf(cmd *cobra.Command, self *string) {
	cmd.Flags().StringVar(self, "self", "", "Ebb's own identities, comma-separated: role ARNs, logins")
	fromEnv(cmd.Flags(), "self", host.SettingSelf)
}

// ownIdentities gives the test for Ebb's own changes; nil when none is named.
func ownIdentities(self string) func(remedy.Actor) bool {
	if self == "" {
		return nil
	}
	return host.Self(self)
}

// handling is one run of handle.
type handling struct {
	*session
	function string // the only function, when set
	records  []remedy.Record
	failed   bool
}

// file handles a file's events. Its error ends the run.
func (h *handling) file(ctx context.Context, name string) error {
	body, err := h.read(name)
	if err != nil {
		h.fail(err)
		return nil
	}
	events, err := bus.Split(body)
	if err != nil {
		h.fail(fmt.Errorf("%s: %w", name, err))
		return nil
	}
	for i, payload := range events {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: stopped before event %d of %d: %w", name, i+1, len(events), context.Cause(ctx))
		}
		where := name
		if len(events) > 1 {
			where = fmt.Sprintf("%s: event %d", name, i+1)
		}
		if err := h.event(ctx, where, payload); err != nil {
			return err
		}
	}
	return nil
}

// read reads no more of a file than shows that it is too large.
func (h *handling) read(name string) ([]byte, error) {
	in := h.Stdin
	if name != "-" {
		f, err := os.Open(name) // #nosec G304 -- the person who runs ebb names the file
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, bus.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return body, nil
}

// event sends one event to its functions.
func (h *handling) event(ctx context.Context, where string, payload []byte) error {
	m, err := bus.Decode(payload)
	if err != nil {
		h.fail(fmt.Errorf("%s: %w", where, err))
		return h.print(remedy.Record{Outcome: remedy.Failed, Reason: "The event could not be understood: " + err.Error() + ".", Error: err.Error()})
	}
	if m.ErrorCode != "" {
		return h.ignore(m.Event, "The call failed with "+m.ErrorCode+": nothing changed.")
	}
	names := h.triggered(m.Event)
	if len(names) == 0 {
		who := "No function is"
		if h.function != "" {
			who = "Function " + h.function + " is not"
		}
		return h.ignore(m.Event, fmt.Sprintf("%s triggered by %s from %s.", who, m.Event.Name, m.Event.Source))
	}
	for _, name := range names {
		recs, err := h.invoke(ctx, name, host.Delivery{Payload: payload, Carrier: m.Carrier, Received: h.Now()})
		if err != nil {
			h.fail(fmt.Errorf("%s: %w", where, err))
		}
		for _, rec := range recs {
			if err := h.print(rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// triggered gives the functions that an event goes to.
func (h *handling) triggered(ev remedy.Event) (names []string) {
	for _, f := range h.Functions {
		if (h.function == "" || h.function == f.Name) && f.Handles(ev) {
			names = append(names, f.Name)
		}
	}
	return names
}

func (h *handling) ignore(ev remedy.Event, reason string) error {
	return h.print(remedy.Record{
		Function: h.function, Outcome: remedy.Ignored, Reason: reason,
		Event: remedy.EventRef{ID: ev.ID, Source: ev.Source, Name: ev.Name, Account: ev.Account, Actor: ev.Actor, Time: ev.Time},
		Times: remedy.Times{Changed: ev.Time, Received: h.Now()},
	})
}

func (h *handling) print(rec remedy.Record) error {
	if h.json("json") {
		return console.JSON(h.Stdout, rec)
	}
	h.records = append(h.records, rec)
	return nil
}

func (h *handling) fail(err error) {
	h.failed = true
	complain(h.Stderr, errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")))
}

// end prints the table, if one is wanted, and says how the run ended.
func (h *handling) end() error {
	if !h.json("json") {
		if err := h.printer().Records(h.records); err != nil {
			return err
		}
	}
	if h.failed {
		return errHandle
	}
	return nil
}
