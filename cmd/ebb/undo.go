package main

import (
	"cmp"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (a *app) undoCommand() *cobra.Command {
	var reason, actor string
	cmd := &cobra.Command{
		Use:   "undo ID --reason TEXT",
		Short: "Bring back the state from before a remediation",
		Long: `Bring back the state from before a remediation. It never asks: give the reason,
which goes into the undo's own record.

It is refused when the resource has changed since Ebb put it back. The function
then leaves the resource alone for the policy's undo hold.`,
		Args: arguments(1, 1, "the record's ID"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if strings.TrimSpace(reason) == "" {
				return usagef("--reason is missing: say why, for the record")
			}
			s, err := a.open(cmd.Context(), a.lookAt, remedy.Options{})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			rec, err := s.record(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			h, err := s.handler(cmd.Context(), rec.Function)
			if err != nil {
				return err
			}
			by := remedy.Actor{Type: "User", ID: cmp.Or(actor, a.user()), Via: "ebb undo"}
			undo, err := s.engine.Undo(cmd.Context(), h, rec.ID, by, reason)
			kept := s.keep(cmd.Context(), nil, []remedy.Record{undo})
			if err != nil {
				return err
			}
			return errors.Join(kept, a.show(cmd.Context(), s.store, undo, false))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record; required")
	cmd.Flags().StringVar(&actor, "actor", "", "who decides it; you at this machine when not given")
	fromEnv(cmd.Flags(), "actor", "EBB_ACTOR")
	return cmd
}
