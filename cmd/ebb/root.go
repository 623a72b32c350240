package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// deps is what the commands need of the world.
type deps struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Functions      []remedy.Function
	Now            func() time.Time
	Keeper         *trace.Keeper // where this process's spans are; nil keeps none beside the records
	SampleNoops    func(float64) // told the policy's share of no-ops whose traces are exported; may be nil
	// StartMetrics sets metrics up for a process that serves: see [startMetrics]. Nil measures nothing.
	StartMetrics func(context.Context, func(string) string) (page http.Handler, stop func(context.Context) error, err error)
}

// app is the command line with its global flags.
type app struct {
	deps
	data, table, policy    string
	output                 string // "table", "json", or "" for the command's own
	awsEndpoint, githubURL string
}

// usageError is an error in what was typed.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// execute runs the command line and gives the exit code.
func execute(ctx context.Context, args []string, d deps) int {
	root := newRoot(d)
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for the process's own
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	complain(d.Stderr, err)
	if _, ok := errors.AsType[usageError](err); ok {
		_, _ = fmt.Fprintf(d.Stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// complain writes an error. One that holds several has a line for each. There
// is nowhere to tell of an error of that itself.
func complain(w io.Writer, err error) {
	for i, line := range strings.Split(err.Error(), "\n") {
		prefix := "ebb: "
		if i > 0 {
			prefix = "  "
		}
		_, _ = fmt.Fprintln(w, prefix+console.Clean(line))
	}
}

// newRoot gives the whole command line.
func newRoot(d deps) *cobra.Command {
	a := &app{deps: d}
	root := &cobra.Command{
		Use:   "ebb",
		Short: "Revert non-compliant changes, and prove, undo and explain every revert",
		Long: `Ebb reverts non-compliant changes the moment they happen, and can prove, undo
and explain every revert.

Exit codes: 0 done, 1 something failed, 2 bad usage.
With --output json each command prints one JSON object a line.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              unknownCommand,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.settle(cmd.Flags()) },
		RunE:              missingCommand,
	}
	root.SetIn(d.Stdin)
	root.SetOut(d.Stdout)
	root.SetErr(d.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{flagError(err)} })
	fs := root.PersistentFlags()
	fs.StringVar(&a.data, "data", "ebb-data", "folder of the ledger and the inbox")
	fs.StringVar(&a.table, "table", "", "DynamoDB table of a deployment's ledger, instead of --data")
	fs.StringVar(&a.policy, "policy", "", "policy file; without one every function observes")
	choose(root, fs, &a.output, "output", "table or json; table where the command does not say otherwise", "table", "json")
	fs.Lookup("output").Shorthand = "o"
	fs.StringVar(&a.awsEndpoint, "aws-endpoint", "", "one endpoint for all of AWS, for an emulator")
	fs.StringVar(&a.githubURL, "github-url", "", "base URL of GitHub's REST API; https://api.github.com when empty")
	for flag, variable := range map[string]string{
		"data": "EBB_DATA", "table": host.SettingTable, "policy": host.SettingPolicy, "output": "EBB_OUTPUT",
		"aws-endpoint": host.SettingAWS, "github-url": host.SettingGitHub,
	} {
		fromEnv(fs, flag, variable)
	}
	root.SetHelpCommand(helpCommand())
	root.AddCommand(
		a.serveCommand(), a.handleCommand(), a.recordsCommand(), a.reportCommand(), a.showCommand(), a.traceCommand(), a.undoCommand(), a.functionsCommand(),
		a.policyCommand(), a.notifyCommand(), a.deadLettersCommand(), a.doctorCommand(), a.versionCommand(),
	)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = unknownCommand, missingCommand
		}
	}
	usageArgs(root)
	return root
}

// usageArgs makes usage errors of what the commands say about their arguments.
func usageArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		usageArgs(c)
	}
}

// unknownCommand refuses the arguments of a command that only has subcommands.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2 // letters
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
}

// missingCommand ends a command that only has subcommands, and names them.
func missingCommand(cmd *cobra.Command, _ []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("a command is missing after %q: %s", cmd.CommandPath(), strings.Join(names, ", "))
}

// arguments wants from least to most arguments; a negative most means no limit.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s is missing", what)
		case most >= 0 && len(args) > most:
			return fmt.Errorf("unexpected argument %q", args[most])
		}
		return nil
	}
}

// flagError says what a flag takes, where the flag library speaks of parsing.
func flagError(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	f := invalid.GetFlag()
	want := "want " + map[string]string{"int": "a whole number", "bool": "true or false"}[f.Value.Type()]
	if want == "want " {
		want = errors.Unwrap(invalid).Error()
	}
	return fmt.Errorf("--%s %q: %s", f.Name, invalid.GetValue(), want)
}

// envKey is the annotation that names a flag's environment variable.
const envKey = "ebb_env"

// fromEnv lets an environment variable set a flag that is not on the command line.
func fromEnv(fs *pflag.FlagSet, flag, variable string) {
	f := fs.Lookup(flag)
	f.Annotations = map[string][]string{envKey: {variable}}
	f.Usage += " (env " + variable + ")"
}

// settle fills in the flags that the environment sets, and checks those that
// only make sense alone.
func (a *app) settle(fs *pflag.FlagSet) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		variable := f.Annotations[envKey]
		if f.Changed || len(variable) == 0 {
			return
		}
		if v := a.Getenv(variable[0]); v != "" {
			if err := f.Value.Set(v); err != nil {
				errs = append(errs, usagef("%s %q: %w", variable[0], v, err))
			}
		}
	})
	if fs.Changed("data") {
		if fs.Changed("table") {
			errs = append(errs, usagef("--data and --table name two ledgers: give one of them"))
		}
		a.table = "" // from the environment, and the command line counts more
	}
	return errors.Join(errs...)
}

// choice is a flag that takes one of some words.
type choice struct {
	value   *string
	allowed []string
}

func (c choice) String() string { return *c.value }
func (c choice) Type() string   { return "string" }

func (c choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.allowed, ", "))
	}
	*c.value = s
	return nil
}

// choose adds a flag that takes one of some words, with shell completion.
func choose(cmd *cobra.Command, fs *pflag.FlagSet, to *string, name, usage string, allowed ...string) {
	fs.Var(choice{to, allowed}, name, usage)
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}

// helpCommand is the usual one, but for an unknown topic being an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("unknown help topic %q", strings.Join(args, " "))
			}
			return about.Help()
		},
	}
}

// json reports whether to print JSON; usual is what the command prints unasked.
func (a *app) json(usual string) bool {
	return a.output == "json" || a.output == "" && usual == "json"
}

func (a *app) printer() *console.Printer { return console.New(a.Stdout, a.Getenv) }

// note tells a person something beside the output.
func (a *app) note(format string, args ...any) {
	_, _ = fmt.Fprintln(a.Stderr, console.Clean(fmt.Sprintf(format, args...)))
}

// functionNames lists the functions of this build.
func (a *app) functionNames() []string {
	var out []string
	for _, f := range a.Functions {
		out = append(out, f.Name)
	}
	return out
}

// function finds a function of this build.
func (a *app) function(name string) (remedy.Function, bool) {
	i := slices.IndexFunc(a.Functions, func(f remedy.Function) bool { return f.Name == name })
	if i < 0 {
		return remedy.Function{}, false
	}
	return a.Functions[i], true
}
