package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/doctor"
	"github.com/ebb-ops/ebb/pkg/host"
)

func (a *app) doctorCommand() *cobra.Command {
	var (
		stack, bus, queue string
		spokes            []string
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check a deployment on AWS, and say for each failure what to do",
		Long: `Check a deployment on AWS: who asks, the clock, the table, the bus, the rules,
the functions, the secrets, the trail, the spokes, the dead letters, the logs.
Nothing is changed. The parts are those of a CloudFormation stack; --table, --bus
and --queue name them without one.

The exit code is 1 when a check failed; a warning does not count.`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, account := range spokes {
				if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
					return usagef("--spoke %q: want an account's twelve digits", account)
				}
			}
			given := cmd.Flags().Changed
			if given("stack") && (given("table") || given("bus") || given("queue")) {
				return usagef("--stack finds the parts by itself: give it, or --table, --bus and --queue")
			}
			named := doctor.Deployment{Table: a.table, Bus: bus, Queue: queue}
			cfg, err := cloud.LoadConfig(cmd.Context(), a.env())
			if err != nil {
				return err
			}
			if cfg.Region == "" {
				return fmt.Errorf("no AWS region is known: set AWS_REGION to the deployment's")
			}
			if given("stack") || named.Table == "" && bus == "" && queue == "" {
				if named, err = doctor.FromStack(cmd.Context(), cfg, stack); err != nil {
					return err
				}
			}
			found := doctor.Examine(cmd.Context(), cfg, a.Now, doctor.Patient{Deployment: named, Functions: a.Functions, Spokes: spokes, Env: a.env()})
			if err := a.printFindings(found); err != nil {
				return err
			}
			if n := doctor.Failures(found); n > 0 {
				return fmt.Errorf("%d of %d checks failed", n, len(found))
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&stack, "stack", "ebb", "name of the deployment's CloudFormation stack")
	fs.StringVar(&bus, "bus", "", "event bus of the deployment, instead of --stack")
	fs.StringVar(&queue, "queue", "", "queue of dead letters, instead of --stack: its name or URL")
	fs.StringSliceVar(&spokes, "spoke", nil, "account whose roles to try; may be repeated")
	fromEnv(fs, "bus", host.SettingBus)
	return cmd
}

func (a *app) printFindings(found []doctor.Finding) error {
	if a.json("table") {
		for _, f := range found {
			if err := console.JSON(a.Stdout, f); err != nil {
				return err
			}
		}
		return nil
	}
	var out []console.Finding
	for _, f := range found {
		out = append(out, console.Finding{Check: f.Check, Subject: f.Subject, Result: string(f.Result), Found: f.Found, Fix: f.Fix})
	}
	return a.printer().Findings(out)
}
