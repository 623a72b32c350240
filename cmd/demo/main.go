// Command demo makes six bad changes, in an emulated AWS and a small GitHub, and
// shows how a real `ebb serve` takes them back. Then it is the person's turn.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ebb-ops/ebb/pkg/trail"
)

// longest is how long the scripted part may take.
const longest = 5 * time.Minute

// programme is what is played.
type programme struct {
	aws    bool // whether an AWS is there
	scenes func(*stage) []scene
	after  func(*stage, context.Context, *printer) error // plays what is no bad change; nil means nothing
}

// programmes gives each by its name for -only.
func programmes() map[string]programme {
	return map[string]programme{
		"":       {aws: true, scenes: (*stage).scenes},
		"github": {scenes: (*stage).gitHubScenes, after: (*stage).forge},
	}
}

// options are what the command line says.
type options struct {
	ebb   string      // the ebb binary
	only  string      // the programme's name
	stay  bool        // whether everything goes on running after the scripted part
	chaos trail.Chaos // what happens to events on their way
	seed  uint64      // of the chaos
}

func main() {
	opts, err := parse(os.Args[1:], isTerminal(os.Stdin))
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the flags have said it
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, opts)
	interrupted := ctx.Err() != nil
	stop()
	if interrupted && errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo: interrupted")
		os.Exit(1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// parse reads the command line. Who has no terminal can't type, nor end the demo:
// it ends after the scripted part then, unless -keep says otherwise.
func parse(args []string, terminal bool) (opts options, err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&opts.ebb, "ebb", "dist/ebb", "the ebb binary")
	flags.StringVar(&opts.only, "only", "", "github: only GitHub's webhooks, without AWS")
	ci := flags.Bool("ci", false, "stop after the scripted part")
	keep := flags.Bool("keep", false, "go on running until Ctrl-C, also without a terminal")
	flags.Uint64Var(&opts.seed, "seed", 1, "seed of the chaos")
	flags.Func("chaos", "what happens to events on their way: duplicate=0.2,delay=0-5s,drop=0.1,reorder=0.1,burst=20", func(s string) (err error) {
		opts.chaos, err = trail.ParseChaos(s)
		return err
	})
	err = flags.Parse(args)
	if _, ok := programmes()[opts.only]; err == nil && !ok {
		err = fmt.Errorf("-only %q: want github, or nothing for all", opts.only)
		_, _ = fmt.Fprintln(flags.Output(), err)
	}
	opts.stay = *keep || terminal && !*ci
	return opts, err
}

// run plays the programme. It fails when one of its scenes does not end well.
func run(ctx context.Context, opts options) (err error) {
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	out := newPrinter(os.Stdout)
	stage, err := setUp(limited, opts, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.tearDown()) }()
	p := programmes()[opts.only]
	scenes := p.scenes(stage)
	bad := 0
	for i, s := range scenes {
		if err := stage.play(limited, out, fmt.Sprintf("%d/%d", i+1, len(scenes)), s); err != nil {
			if limited.Err() != nil {
				return err
			}
			out.failed(err)
			bad++
		}
	}
	if p.after != nil {
		if err := p.after(stage, limited, out); err != nil {
			return err
		}
	}
	if err := stage.table(limited, out); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d changes were not taken back", bad, len(scenes))
	}
	if !opts.stay {
		return nil
	}
	if err := stage.tell(ctx, out); err != nil {
		return err
	}
	return stage.watch(ctx, out)
}
