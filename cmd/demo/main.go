// Command demo makes six bad changes, in an emulated AWS and a small GitHub, and
// shows how a real `ebb serve` takes them back.
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
)

// longest is how long the demo may take without -keep.
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

func main() {
	ebb := flag.String("ebb", "dist/ebb", "the ebb binary")
	only := flag.String("only", "", "github: only GitHub's webhooks, without AWS")
	keep := flag.Bool("keep", false, "leave everything running until Ctrl-C")
	flag.Parse()
	p, ok := programmes()[*only]
	if !ok {
		fmt.Fprintf(os.Stderr, "demo: -only %q: want github, or nothing for all\n", *only)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *ebb, p, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run plays the programme. It fails when one of its scenes does not end well.
func run(ctx context.Context, binary string, p programme, keep bool) (err error) {
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	out := newPrinter(os.Stdout)
	stage, err := setUp(limited, binary, p.aws, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.tearDown()) }()
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
	if keep {
		stage.tell(out)
		<-ctx.Done()
	}
	return nil
}
