// Package emf gives functions on Lambda their metrics: an OpenTelemetry meter
// provider that writes what was measured in CloudWatch's embedded metric format.
//
// CloudWatch reads the metrics out of the function's log, so there is no call,
// no extension and no SDK. Its statistics are made of the values themselves, so
// percentiles are exact and histograms' buckets are not used.
package emf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// maxHeld is how many values are held at most before they are written, whether
// or not the invocation has ended.
const maxHeld = 10_000

// Provider is a meter provider for the instruments that [metrics.All] gives an
// EMF name; others measure nothing. It is safe for concurrent use.
type Provider struct {
	noop.MeterProvider
	out         io.Writer
	service     string
	function    string
	now         func() time.Time
	instruments map[string]*instrument

	mu      sync.Mutex
	series  map[key]*series
	same    map[string]*series // by name and dimensions: attributes that are no dimension don't count
	touched []*series          // those with values, in the order of their first
	held    int
	buf     []byte
	failed  error // of a write before Flush
}

// key is an instrument and a set of attributes.
type key struct {
	instrument *instrument
	attributes attribute.Distinct
}

// series is an instrument with values for its dimensions.
type series struct {
	*instrument
	dimensions []dimension
	touched    bool
	sum        int64     // of a counter
	values     []float64 // of a histogram
}

// New gives a provider that writes to out, which is Lambda's standard output.
// service is the value of the dimension that every metric has; function that of
// function_name where a measurement has none of its own.
func New(out io.Writer, service, function string, now func() time.Time) *Provider {
	return newProvider(out, service, function, now, metrics.All)
}

func newProvider(out io.Writer, service, function string, now func() time.Time, list []metrics.Instrument) *Provider {
	p := &Provider{
		out: out, service: service, function: function, now: now,
		instruments: map[string]*instrument{}, series: map[key]*series{}, same: map[string]*series{},
	}
	for _, i := range list {
		if i.EMF.Name != "" {
			p.instruments[i.Name] = newInstrument(i)
		}
	}
	return p
}

// Meter implements [metric.MeterProvider].
func (p *Provider) Meter(string, ...metric.MeterOption) metric.Meter { return meter{p: p} }

type meter struct {
	noop.Meter
	p *Provider
}

// Int64Counter implements [metric.Meter].
func (m meter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	if i := m.p.instruments[name]; i != nil && i.kind == metrics.Counter {
		return counter{p: m.p, i: i}, nil
	}
	return noop.Int64Counter{}, nil
}

// Float64Histogram implements [metric.Meter].
func (m meter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	if i := m.p.instruments[name]; i != nil && i.kind == metrics.Histogram {
		return histogram{p: m.p, i: i}, nil
	}
	return noop.Float64Histogram{}, nil
}

type counter struct {
	noop.Int64Counter
	p *Provider
	i *instrument
}

// Add implements [metric.Int64Counter].
func (c counter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	c.p.record(c.i, metric.NewAddConfig(opts).Attributes(), n, 0)
}

// Enabled implements [metric.Int64Counter].
func (counter) Enabled(context.Context) bool { return true }

type histogram struct {
	noop.Float64Histogram
	p *Provider
	i *instrument
}

// Record implements [metric.Float64Histogram]. JSON has no word for what is not
// a number or has no bound, so that is left out.
func (h histogram) Record(_ context.Context, v float64, opts ...metric.RecordOption) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		h.p.record(h.i, metric.NewRecordConfig(opts).Attributes(), 0, v)
	}
}

// Enabled implements [metric.Float64Histogram].
func (histogram) Enabled(context.Context) bool { return true }

func (p *Provider) record(i *instrument, attrs attribute.Set, n int64, v float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.find(i, attrs)
	if !s.touched {
		s.touched = true
		p.touched = append(p.touched, s)
	}
	if i.kind == metrics.Counter {
		s.sum += n
		return
	}
	s.values = append(s.values, v)
	if p.held++; p.held >= maxHeld {
		p.failed = errors.Join(p.failed, p.write())
	}
}

func (p *Provider) find(i *instrument, attrs attribute.Set) *series {
	k := key{i, attrs.Equivalent()}
	if s := p.series[k]; s != nil {
		return s
	}
	dims := i.dimensionsOf(attrs, p.service, p.function)
	name := i.name
	for _, d := range dims {
		name += "\x00" + d.value
	}
	s := p.same[name]
	if s == nil {
		s = &series{instrument: i, dimensions: dims}
		p.same[name] = s
	}
	p.series[k] = s
	return s
}

// Flush writes what was measured since the last time, in as few lines as the
// format's limits allow, with one write. Nothing is written when nothing was
// measured. What can't be written is lost, and is the error.
func (p *Provider) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := errors.Join(p.failed, p.write())
	p.failed = nil
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

func (p *Provider) write() error {
	p.buf = p.encode(p.buf[:0])
	for _, s := range p.touched {
		s.touched, s.sum, s.values = false, 0, s.values[:0]
	}
	p.touched, p.held = p.touched[:0], 0
	if len(p.buf) == 0 {
		return nil
	}
	_, err := p.out.Write(p.buf)
	return err
}

// Handler is a handler on Lambda's runtime interface, as aws-lambda-go has it.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Wrap gives next with the metrics of each invocation written before it answers.
// The first invocation counts as a cold start, if cold: a process that Lambda
// prepared beforehand, by provisioned concurrency, lets nobody wait. Metrics that
// can't be written fail no invocation.
func (p *Provider) Wrap(next Handler, cold bool) Handler {
	h := &handler{next: next, provider: p}
	if cold {
		h.first = func(ctx context.Context) { metrics.NewHost(p).ColdStart(ctx) }
	}
	return h
}

type handler struct {
	next     Handler
	provider *Provider
	once     sync.Once
	first    func(context.Context)
}

// Invoke implements [Handler].
func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer func() { // also when it panics
		if err := h.provider.Flush(); err != nil {
			otel.Handle(err)
		}
	}()
	if h.first != nil {
		h.once.Do(func() { h.first(ctx) })
	}
	return h.next.Invoke(ctx, payload)
}
