package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/policy/describe"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (a *app) functionsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "functions [NAME]",
		Short: "List the functions, or describe one with its parameters",
		Long: `List the functions with their mode, what starts them and what they may call.
With a name, describe one: its parameters with their meaning, default and the
value that the policy gives, its scopes, caps and exemptions.`,
		Args: arguments(0, 1, ""),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.functionNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			functions := a.Functions
			if len(args) > 0 {
				f, ok := a.function(args[0])
				if !ok {
					return usagef("there is no function %q: choose one of %s", args[0], strings.Join(a.functionNames(), ", "))
				}
				functions = []remedy.Function{f}
			}
			p, err := a.loadPolicy(a.warn)
			if err != nil {
				return err
			}
			var out []console.Function
			for _, f := range functions {
				d, err := describe.Function(f, p)
				if err != nil {
					return err
				}
				out = append(out, d)
			}
			switch {
			case a.json("table"):
				for _, f := range out {
					if err := console.JSON(a.Stdout, f); err != nil {
						return err
					}
				}
				return nil
			case len(args) > 0:
				return a.printer().Function(out[0])
			}
			return a.printer().Functions(out)
		},
	}
}
