package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		env  map[string]string
		want string // in the message
	}{
		"no command":                {nil, nil, `a command is missing after "ebb": completion, dead-letters, doctor, functions`},
		"unknown command":           {[]string{"recrods"}, nil, `unknown command "recrods" for "ebb": did you mean records?`},
		"unknown command, far":      {[]string{"xyzzy"}, nil, `unknown command "xyzzy" for "ebb"`},
		"unknown flag":              {[]string{"records", "--nope"}, nil, "unknown flag: --nope"},
		"unknown short flag":        {[]string{"records", "-z"}, nil, "unknown shorthand flag: 'z'"},
		"flag without value":        {[]string{"records", "--outcome"}, nil, "flag needs an argument: --outcome"},
		"unknown help topic":        {[]string{"help", "nope"}, nil, `unknown help topic "nope"`},
		"output":                    {[]string{"version", "--output", "yaml"}, nil, `--output "yaml": want one of table, json`},
		"output, environment":       {[]string{"version"}, map[string]string{"EBB_OUTPUT": "yaml"}, `EBB_OUTPUT "yaml": want one of table, json`},
		"data and table":            {[]string{"records", "--data", "x", "--table", "y"}, nil, "--data and --table name two ledgers"},
		"policy file missing":       {[]string{"functions", "--policy", "nope.yaml"}, nil, "--policy nope.yaml: there is no such file"},
		"handle without file":       {[]string{"handle"}, nil, "FILE is missing"},
		"handle unknown function":   {[]string{"handle", "--function", "nope", "x"}, nil, `--function "nope": want one of shelf-labels, shop-doors`},
		"handle observe":            {[]string{"handle", "--observe=maybe", "x"}, nil, `--observe "maybe": want true or false`},
		"records argument":          {[]string{"records", "x"}, nil, `unexpected argument "x"`},
		"records outcome":           {[]string{"records", "--outcome", "fine"}, nil, `--outcome "fine": want one of pending, observed, reverted`},
		"records function":          {[]string{"records", "--function", "nope"}, nil, `--function "nope": want one of shelf-labels`},
		"records since":             {[]string{"records", "--since", "yesterday"}, nil, `--since "yesterday": want a duration such as 24h`},
		"records since, negative":   {[]string{"records", "--since", "-4h"}, nil, `--since "-4h": want a duration`},
		"records limit, word":       {[]string{"records", "--limit", "ten"}, nil, `--limit "ten": want a whole number`},
		"records limit, zero":       {[]string{"records", "--limit", "0"}, nil, "--limit 0: want a whole number from 1"},
		"records limit and all":     {[]string{"records", "--limit", "3", "--all"}, nil, "--limit and --all contradict"},
		"show without id":           {[]string{"show"}, nil, "the record's ID is missing"},
		"show two ids":              {[]string{"show", "a", "b"}, nil, `unexpected argument "b"`},
		"undo without id":           {[]string{"undo", "--reason", "x"}, nil, "the record's ID is missing"},
		"undo without reason":       {[]string{"undo", "a"}, nil, "--reason is missing"},
		"undo with blank reason":    {[]string{"undo", "a", "--reason", " "}, nil, "--reason is missing"},
		"functions unknown":         {[]string{"functions", "nope"}, nil, `there is no function "nope": choose one of shelf-labels, shop-doors`},
		"functions two":             {[]string{"functions", "a", "b"}, nil, `unexpected argument "b"`},
		"policy alone":              {[]string{"policy"}, nil, `a command is missing after "ebb policy": check, schema`},
		"policy unknown":            {[]string{"policy", "chekc"}, nil, `unknown command "chekc" for "ebb policy": did you mean check?`},
		"policy check without file": {[]string{"policy", "check"}, nil, "FILE is missing"},
		"policy schema argument":    {[]string{"policy", "schema", "x"}, nil, `unexpected argument "x"`},
		"dead-letters unknown":      {[]string{"dead-letters", "reply"}, nil, `did you mean replay?`},
		"dead-letters show":         {[]string{"dead-letters", "show"}, nil, "the dead letter's ID is missing"},
		"replay without id":         {[]string{"dead-letters", "replay"}, nil, "the dead letter's ID is missing; --all replays all"},
		"replay id and all":         {[]string{"dead-letters", "replay", "x", "--all"}, nil, "IDs and --all contradict"},
		"replay a deployment's":     {[]string{"dead-letters", "replay", "x", "--table", "t"}, nil, "give --now"},
		"serve argument":            {[]string{"serve", "x"}, nil, `unexpected argument "x"`},
		"serve listen":              {[]string{"serve", "--listen", "8484"}, nil, `--listen "8484": want host:port, such as 127.0.0.1:8484`},
		"serve listen, environment": {[]string{"serve"}, map[string]string{"EBB_LISTEN": "x"}, `--listen "x": want host:port`},
		"serve from a table":        {[]string{"serve", "--table", "t"}, nil, "ebb serve keeps its ledger in --data"},
		"version argument":          {[]string{"version", "x"}, nil, `unexpected argument "x"`},
		"completion unknown":        {[]string{"completion", "fihs"}, nil, `unknown command "fihs" for "ebb completion": did you mean fish?`},
		"completion alone":          {[]string{"completion"}, nil, `a command is missing after "ebb completion": bash, fish, powershell, zsh`},
		"completion argument":       {[]string{"completion", "bash", "x"}, nil, `unknown command "x"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for k, v := range tt.env {
				w.env[k] = v
			}
			r := w.run(tt.args...)
			if r.code != exitUsage || r.stdout != "" {
				t.Errorf("exit code %d, stdout %q; want %d and none", r.code, r.stdout, exitUsage)
			}
			contains(t, "stderr", r.stderr, "ebb: ", tt.want, "--help' for usage.")
			if _, err := os.Stat(filepath.Join(w.dir, "data")); err == nil {
				t.Error("the data folder was made")
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"help"}, {"records", "-h"}, {"help", "records"}, {"dead-letters", "replay", "--help"}} {
		r := newWorld(t).must(args...)
		contains(t, "help", r.stdout, "Usage:", "--data string", "(env EBB_DATA)")
		if r.stderr != "" {
			t.Errorf("ebb %v: stderr %q, want none", args, r.stderr)
		}
	}
}

func TestFlagBeatsEnvironmentBeatsDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r := w.must("version"); !strings.HasPrefix(r.stdout, "ebb ") {
		t.Errorf("default: %q, want text", r.stdout)
	}
	w.env["EBB_OUTPUT"] = "json"
	if r := w.must("version"); !strings.HasPrefix(r.stdout, `{"version":`) {
		t.Errorf("environment: %q, want JSON", r.stdout)
	}
	if r := w.must("version", "--output", "table"); !strings.HasPrefix(r.stdout, "ebb ") {
		t.Errorf("flag: %q, want text", r.stdout)
	}
}

func TestDataOnTheCommandLineBeatsTableInTheEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["EBB_TABLE"] = "ledger"
	r := w.run("records", "--data", filepath.Join(w.dir, "other"))
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, "there is no ledger at "+filepath.Join(w.dir, "other"))
}

func TestTableWithoutRegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	r := newWorld(t).run("records", "--table", "ledger")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, "ebb: open table ledger: no AWS region is known: set AWS_REGION")
}

func TestTableThatCanNotBeReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = "test", "test"
	w.env["AWS_REGION"] = "eu-west-1"
	r := w.run("records", "--table", "ledger", "--aws-endpoint", "http://127.0.0.1:1")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, "ebb: ledger: list records", "127.0.0.1:1")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		contains(t, shell, w.must("completion", shell).stdout, "ebb")
	}
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"functions", ""}, "shelf-labels\nshop-doors\n:4\n"},
		{[]string{"functions", "shelf-labels", ""}, ":4\n"},
		{[]string{"handle", "--function", ""}, "shelf-labels\nshop-doors\n:4\n"},
		{[]string{"records", "--outcome", ""}, strings.Join(keptOutcomes(), "\n") + "\n:4\n"},
		{[]string{"version", "--output", ""}, "table\njson\n:4\n"},
	}
	for _, tt := range tests {
		got := w.must(append([]string{"__complete"}, tt.args...)...).stdout
		if got != tt.want {
			t.Errorf("complete %v = %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contains(t, "version", w.must("version").stdout, "ebb ", "go1.")
	contains(t, "version", w.must("version", "--output", "json").stdout, `"version":`, `"go":"go1.`, `"platform":"`)
}
