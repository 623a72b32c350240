// Package local runs all functions in one process: a durable inbox, workers,
// and the HTTP side that products and operators talk to.
package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	notifydb "github.com/ebb-ops/ebb/pkg/notify/outbox/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// The host's bounds.
const (
	DefaultWorkers = 16 // deliveries handled at once: they mostly wait for clouds
	// shutdownFor is how long requests that are being answered may take once
	// the process is told to stop; the inbox has a bound of its own.
	shutdownFor = 10 * time.Second
	// headerFor and bodyFor bound how long a sender may take.
	headerFor = 10 * time.Second
	bodyFor   = 60 * time.Second
)

// leasePrefix marks the leases of serving processes, of which a data folder has
// one at a time.
const leasePrefix = "serve/"

// LedgerFile is the ledger's name in the data folder.
const LedgerFile = "ledger.db"

// Config says what to run. Listen, Data, Policy and Functions are required.
type Config struct {
	Listen    string // "127.0.0.1:8484"; port 0 picks a free one
	Data      string // folder of the ledger and the inbox; made if missing
	Policy    *policy.Policy
	Functions []remedy.Function

	Env     remedy.Env
	Token   string                  // bearer token that events and records ask for; without one they are for loopback only
	Secrets []string                // GitHub's webhook secrets, the current one and the previous
	Gitea   []string                // Gitea's webhook secrets, likewise
	Self    func(remedy.Actor) bool // as [remedy.Options] has it
	Workers int                     // 0 means DefaultWorkers
	Inbox   inbox.Options
	Keeper  *trace.Keeper                     // where the process's spans are; nil keeps no waterfalls
	Meters  metric.MeterProvider              // nil means the global one
	Metrics http.Handler                      // what GET /metrics answers, to those who may see records; nil means that there is none
	Console func(Parts) (http.Handler, error) // makes the pages at "/"; nil means that there are none
	Log     *slog.Logger                      // nil means none

	Notify *notify.Config // who is told of results; nil tells nobody
	Send   outbox.Send    // how; needed with Notify
}

// Host is an open local host.
type Host struct {
	cfg    Config
	log    *slog.Logger
	ledger *sqlite.Ledger
	policy *policy.Overlay
	engine *remedy.Engine
	inbox  *inbox.Inbox
	outbox *outbox.Outbox  // nil when nobody is told of results
	notes  *notifydb.Store // the outbox's
	unlock func() error

	invokers map[string]host.Invoker // the functions that could be opened
	broken   map[string]error        // the others, and why
	draining atomic.Bool
	late     sync.WaitGroup // spans still to be kept

	counts      *metrics.Host
	inboxMeter  metric.Registration // nil until the inbox is measured
	outboxMeter metric.Registration // nil until the outbox is measured
}

// Open takes the data folder for this process and makes the functions ready. A
// function that can't be opened, for want of its product's credentials say,
// does not stop the others: what is delivered to it waits.
func Open(ctx context.Context, cfg Config) (_ *Host, err error) {
	cfg.Workers = cmp.Or(cfg.Workers, DefaultWorkers)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Meters == nil {
		cfg.Meters = otel.GetMeterProvider()
	}
	cfg.Inbox.Log = cfg.Log
	h := &Host{cfg: cfg, log: cfg.Log, invokers: map[string]host.Invoker{}, broken: map[string]error{}}
	if h.unlock, err = inbox.Lock(cfg.Data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.ledger, err = sqlite.Open(ctx, filepath.Join(cfg.Data, LedgerFile)); err != nil {
		return nil, err
	}
	// The folder's lock is ours, so whoever held these leases is dead: what it
	// left is finished at once instead of when the leases expire.
	if n, err := h.ledger.BreakLeases(ctx, leasePrefix); err != nil {
		return nil, err
	} else if n > 0 {
		h.log.Info("an earlier process was interrupted", "remediations", n)
	}
	if h.inbox, err = inbox.Open(ctx, cfg.Data, cfg.Inbox); err != nil {
		return nil, err
	}
	if err = h.measure(); err != nil {
		return nil, err
	}
	overrides, err := h.ledger.Overrides(ctx)
	if err != nil {
		return nil, err // without them more would be changed than operators want
	}
	h.policy = policy.NewOverlay(cfg.Policy, time.Now)
	h.policy.Set(overrides)
	opts := remedy.Options{
		Self: cfg.Self, Owner: leasePrefix + rand.Text(), Log: h.log,
		Meter: cfg.Meters.Meter("github.com/ebb-ops/ebb/pkg/remedy"),
	}
	if cfg.Notify != nil {
		if err := h.openOutbox(ctx); err != nil {
			return nil, err
		}
		opts.Publish = h.publish
	}
	h.engine = remedy.New(h.ledger, h.policy, opts)
	for _, f := range cfg.Functions {
		handler, err := remedy.Open(ctx, f, cfg.Env)
		if err != nil {
			h.broken[f.Name] = err
			h.log.Error("function is not available; its events wait", "function", f.Name, "error", err.Error())
			continue
		}
		h.invokers[f.Name] = host.Invoker{Engine: h.engine, Handler: handler}
	}
	return h, nil
}

// Close gives the data folder back. It must not be called while Run runs.
func (h *Host) Close() error {
	var errs []error
	h.late.Wait()
	if h.inboxMeter != nil {
		errs = append(errs, h.inboxMeter.Unregister())
	}
	if h.outboxMeter != nil {
		errs = append(errs, h.outboxMeter.Unregister())
	}
	if h.inbox != nil {
		errs = append(errs, h.inbox.Close())
	}
	if h.notes != nil {
		errs = append(errs, h.notes.Close())
	}
	if h.ledger != nil {
		errs = append(errs, h.ledger.Close())
	}
	errs = append(errs, h.unlock())
	return errors.Join(errs...)
}

// Run serves until ctx ends, then drains: requests that are being answered are,
// running remediations are finished, everything else accepted stays in the
// inbox for the next Run. ready is called with the address it listens on.
func (h *Host) Run(ctx context.Context, ready func(net.Addr)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", h.cfg.Listen, err)
	}
	handler, err := h.routes(l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerFor, ReadTimeout: bodyFor,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	// The workers go on until the last request is answered.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	worked := make(chan error, 1)
	go func() { worked <- h.inbox.Run(work, h.cfg.Workers, h.handle, h.bury) }()
	stopTelling := h.startTelling(ctx)
	defer stopTelling()
	ready(l.Addr())

	var errs []error
	select {
	case <-ctx.Done():
	case err := <-served:
		errs = append(errs, fmt.Errorf("serve: %w", err))
	case err := <-worked:
		errs = append(errs, err)
		worked <- nil
	}
	h.draining.Store(true)
	h.log.Info("draining: nothing new is accepted, running remediations are finished")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownFor)
	defer cancel()
	if err := srv.Shutdown(closing); err != nil {
		errs = append(errs, fmt.Errorf("stop serving: %w", err), srv.Close())
	}
	stopWork()
	errs = append(errs, <-worked)
	stopTelling()
	return errors.Join(errs...)
}

// handle takes a delivery from the inbox through its function.
func (h *Host) handle(ctx context.Context, d inbox.Delivery) error {
	inv, ok := h.invokers[d.Function]
	if !ok {
		if err := h.broken[d.Function]; err != nil {
			return fmt.Errorf("function %s is not available: %w", d.Function, err)
		}
		return remedy.Permanent(fmt.Errorf("there is no function %s in this version of ebb", d.Function))
	}
	recs, err := inv.Invoke(ctx, host.Delivery{Payload: d.Payload, Carrier: d.Carrier, Received: d.Received})
	h.keep(d.Payload, recs)
	return err
}

// dispatch puts events into the inbox, once for each function they trigger,
// all or none. It tells which functions get which event.
func (h *Host) dispatch(ctx context.Context, msgs ...bus.Message) ([][]string, error) {
	var (
		carrier = trace.Inject(ctx)
		names   = make([][]string, len(msgs))
		ds      []inbox.Delivery
	)
	for i, m := range msgs {
		if m.ErrorCode != "" {
			continue // the call failed and changed nothing
		}
		for _, f := range h.cfg.Functions {
			if !f.Handles(m.Event) {
				continue
			}
			d := inbox.NewDelivery(f.Name, m.Event.Source, m.Event.ID, m.Payload)
			if d.Carrier = m.Carrier; d.Carrier == nil {
				d.Carrier = carrier
			}
			names[i] = append(names[i], f.Name)
			ds = append(ds, d)
		}
	}
	if len(ds) == 0 {
		return names, nil
	}
	return names, h.inbox.Accept(ctx, ds...)
}
