package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/trail"
)

func build(t *testing.T) string {
	t.Helper()
	t.Chdir("../..")
	ebb := filepath.Join(t.TempDir(), "ebb")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", ebb, "./cmd/ebb").CombinedOutput(); err != nil {
		t.Fatalf("build ebb: %v: %s", err, out)
	}
	return ebb
}

// TestDemo plays each programme with a real `ebb serve`: run fails when one
// change was not taken back, or when something does not end.
func TestDemo(t *testing.T) {
	ebb := build(t)
	for only := range programmes() {
		if err := run(t.Context(), options{ebb: ebb, only: only}); err != nil {
			t.Errorf("-only %q: %v", only, err)
		}
	}
}

// TestDemoInChaos plays them with events that come late, twice and out of order.
func TestDemoInChaos(t *testing.T) {
	chaos, err := trail.ParseChaos("duplicate=0.5,delay=0-200ms,reorder=0.3,burst=2")
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), options{ebb: build(t), chaos: chaos, seed: 1}); err != nil {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		args     []string
		terminal bool
		stay     bool
	}{
		"terminal":         {nil, true, true},
		"no_terminal":      {nil, false, false},
		"ci_in_a_terminal": {[]string{"-ci"}, true, false},
		"kept":             {[]string{"-keep"}, false, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts, err := parse(tt.args, tt.terminal)
			if err != nil || opts.stay != tt.stay {
				t.Errorf("stays: %v, %v; want %v", opts.stay, err, tt.stay)
			}
		})
	}
}

// TestTurn makes a change of its own after the scripted part, and reads what the
// terminal says of it. Ctrl-C ends it.
func TestTurn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var text bytes.Buffer
	out := &printer{w: &text}
	s, err := setUp(ctx, options{ebb: build(t)}, out)
	if err != nil {
		t.Fatal(err)
	}
	scenes := s.scenes()
	if err := s.play(ctx, out, "1/1", scenes[0]); err != nil {
		t.Error(err)
	}
	if err := s.tell(ctx, out); err != nil {
		t.Error(err)
	}
	if !strings.Contains(text.String(), "aws --endpoint-url "+s.trail.URL+" ec2 authorize-security-group-ingress --group-id "+s.group) {
		t.Errorf("nothing says what to type:\n%s", &text)
	}
	watched := make(chan error, 1)
	seen := make(chan string, 100)
	until, ctrlC := context.WithCancel(ctx)
	go func() { watched <- s.watch(until, &printer{w: lines(seen)}) }()
	if _, err := scenes[0].change(ctx); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"jane     AuthorizeSecurityGroupIngress", "ebb      RevokeSecurityGroupIngress", "reverted arn:aws:ec2:"} {
		for got := ""; !strings.Contains(got, want); {
			select {
			case got = <-seen:
			case <-ctx.Done():
				t.Fatalf("nothing says %q", want)
			}
		}
	}
	ctrlC()
	if err := <-watched; err != nil {
		t.Error(err)
	}
	if err := s.tearDown(); err != nil {
		t.Error(err)
	}
}

// lines gives each write to a channel.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
