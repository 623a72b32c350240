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

func main() {
	ebb := flag.String("ebb", "dist/ebb", "the ebb binary")
	keep := flag.Bool("keep", false, "leave everything running until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *ebb, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run plays the scenes. It fails when one of them does not end well.
func run(ctx context.Context, binary string, keep bool) (err error) {
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	out := newPrinter(os.Stdout)
	stage, err := setUp(limited, binary, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.tearDown()) }()
	scenes := stage.scenes()
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
