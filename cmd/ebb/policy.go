package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/schema"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check a policy file, or print its schema",
		Args:  unknownCommand,
		RunE:  missingCommand,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check FILE",
			Short: "Print every problem of a policy file with its line and column",
			Args:  arguments(1, 1, "FILE"),
			RunE:  func(_ *cobra.Command, args []string) error { return a.checkPolicy(args[0]) },
		},
		&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of the policy file, for editors",
			Args:  arguments(0, 0, ""),
			RunE: func(*cobra.Command, []string) error {
				out, err := schema.Schema(a.Functions)
				if err != nil {
					return err
				}
				if _, err := a.Stdout.Write(out); err != nil {
					return fmt.Errorf("write output: %w", err)
				}
				return nil
			},
		},
	)
	return cmd
}

// verdict is what policy check says of a file, as JSON.
type verdict struct {
	File     string    `json:"file"`
	Valid    bool      `json:"valid"`
	Problems []problem `json:"problems"`
	Warnings []string  `json:"warnings"`
}

type problem struct {
	Line    int    `json:"line,omitempty"` // from 1; missing when the problem has no place
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// checkPolicy prints what is wrong with a policy file.
func (a *app) checkPolicy(path string) error {
	p, err := policy.LoadFile(path, a.Functions, a.Now())
	problems := problemsOf(err)
	if err != nil && len(problems) == 0 {
		return err
	}
	v := verdict{File: path, Valid: err == nil, Problems: []problem{}, Warnings: []string{}}
	out := a.printer()
	var said []error
	for _, e := range problems {
		v.Problems = append(v.Problems, problem{e.Line, e.Column, e.Message})
		if !a.json("table") {
			said = append(said, out.Say("%s", e))
		}
	}
	if err == nil {
		v.Warnings = append(v.Warnings, p.Warnings()...)
		if !a.json("table") {
			said = append(said, a.summarise(out, path, p))
		}
	}
	if a.json("table") {
		said = append(said, console.JSON(a.Stdout, v))
	}
	if err != nil {
		said = append(said, fmt.Errorf("%s: %s", path, plural(len(problems), "problem")))
	}
	return errors.Join(said...)
}

// problemsOf gives the problems that an error of the policy package joins.
func problemsOf(err error) (out []*policy.Error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, e := range joined.Unwrap() {
		if p, ok := errors.AsType[*policy.Error](e); ok {
			out = append(out, p)
		}
	}
	return out
}

// summarise prints what a valid policy comes to.
func (a *app) summarise(out *console.Printer, path string, p *policy.Policy) error {
	modes := map[remedy.Mode]int{}
	scopes := 0
	exemptions := map[string]bool{}
	for _, name := range p.Functions() {
		d, _ := p.Describe(name)
		modes[d.Decision.Mode]++
		scopes += len(d.Scopes)
		for _, x := range d.Exemptions {
			exemptions[x.ID] = true
		}
	}
	var errs []error
	for _, w := range p.Warnings() {
		errs = append(errs, out.Say("warning: %s", w))
	}
	errs = append(errs, out.Say("%s is valid: of %s %d enforce, %d observe and %d are off; %s, %s, %s.",
		path, plural(len(p.Functions()), "function"), modes[remedy.Enforce], modes[remedy.Observe], modes[remedy.Off],
		plural(scopes, "scope"), plural(len(exemptions), "exemption"), plural(len(p.Warnings()), "warning")))
	return errors.Join(errs...)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
