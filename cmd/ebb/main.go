// Command ebb looks at what Ebb did, undoes it, and runs its functions.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ebb-ops/ebb/functions"
)

// flushFor is how long the last traces and metrics may take on their way out.
const flushFor = 5 * time.Second

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	tracing, err := startTracing(ctx, os.Getenv)
	if err != nil {
		complain(os.Stderr, err)
		return exitFailed
	}
	code := execute(ctx, os.Args[1:], deps{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Functions: functions.All, Now: time.Now,
		Keeper: tracing.keeper, SampleNoops: tracing.sampleNoops, StartMetrics: startMetrics,
	})
	// What was done stands without its trace, so losing one changes no exit code.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushFor)
	defer cancel()
	if err := tracing.stop(last); err != nil {
		complain(os.Stderr, err)
	}
	return code
}
