// Package trail runs the AWS emulator with a trail in front of it: every call
// goes through as it is, and of each that changes something the event is
// delivered that CloudTrail and EventBridge would deliver.
//
// The events are made beside the emulator, by the WSGI layer in the folder
// layer, from AWS's own service models; here they are delivered.
package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/cloud/moto"
)

// Folder is where the layer is, below the repository's folder.
const Folder = "pkg/trail/layer"

// Options say what becomes of the events.
type Options struct {
	// Deliver hands an event on. It is called for one event at a time, in the
	// order in which they are due, and again when it fails, for half a minute.
	Deliver func(ctx context.Context, event []byte) error

	Precise bool       // times have milliseconds, which CloudTrail's have not
	Chaos   Chaos      // what happens to events on their way; the zero value is nothing
	Seed    uint64     // of the chaos
	Lost    func(Note) // told of each event that the chaos loses; may be nil
	Made    func(Note) // told of each event, before the caller has its answer; may be nil
}

// Note is what an event is about.
type Note struct {
	ID    string    // its eventID
	Name  string    // "AuthorizeSecurityGroupIngress"
	Actor string    // the caller's ARN; "" for an anonymous one
	Error string    // the code of a call that failed
	At    time.Time // when the call was made
}

// Trail is an emulator with a trail in front of it.
type Trail struct {
	URL string // of the emulator: "http://127.0.0.1:41234"

	moto   *moto.Server
	opts   Options
	events chan []byte
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	broken error // the first call that could not be recorded, or event that could not be delivered
}

// quiet is after which time without a call the chaos gives back what it holds.
const quiet = 500 * time.Millisecond

// Start runs an emulator and its trail. ctx bounds the start, not the run.
func Start(ctx context.Context, opts Options) (*Trail, error) {
	t := &Trail{opts: opts, events: make(chan []byte), done: make(chan struct{})}
	layer := moto.Layer{Folder: Folder, Line: t.line}
	if opts.Precise {
		layer.Args = []string{"precise"}
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	t.stop = stop
	queue := newQueue(opts.Deliver, t.fail)
	go func() {
		defer close(t.done)
		t.spread(run, queue)
	}()
	var err error
	if t.moto, err = moto.StartBehind(ctx, layer); err != nil {
		stop()
		<-t.done
		return nil, err
	}
	t.URL = t.moto.URL
	return t, nil
}

// Close stops the emulator. Events that are still on their way are dropped. It
// gives an error when a call could not be recorded, or its event not be delivered.
func (t *Trail) Close() error {
	t.stop()
	<-t.done
	err := t.moto.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(err, t.broken)
}

// fail keeps the first of what went wrong.
func (t *Trail) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken == nil {
		t.broken = err
	}
}

// line takes what the layer prints: an event, or what went wrong with one.
func (t *Trail) line(line []byte) {
	var ev struct {
		TrailError string
		Detail     detail
	}
	err := json.Unmarshal(line, &ev)
	if err == nil && ev.TrailError != "" {
		err = errors.New(ev.TrailError)
	}
	if err != nil {
		t.fail(fmt.Errorf("record a call: %w", err))
		return
	}
	if t.opts.Made != nil {
		t.opts.Made(ev.Detail.note())
	}
	select {
	case t.events <- append([]byte(nil), line...):
	case <-t.done:
	}
}

// spread takes events as they are made and gives them to the queue when the
// chaos says so.
func (t *Trail) spread(ctx context.Context, q *queue) {
	var working sync.WaitGroup
	working.Go(func() { q.run(ctx) })
	defer working.Wait()
	plan := newPlan(t.opts.Chaos, rand.New(rand.NewPCG(t.opts.Seed, 0)))
	idle := time.NewTimer(quiet)
	defer idle.Stop()
	for {
		var due []delivery
		select {
		case <-ctx.Done():
			return
		case ev := <-t.events:
			var lost bool
			if due, lost = plan.take(ev); lost && t.opts.Lost != nil {
				t.opts.Lost(noteOf(ev))
			}
			idle.Reset(quiet)
		case <-idle.C:
			due = plan.rest()
		}
		for _, d := range due {
			q.add(d)
		}
	}
}
