// Package segment sends spans to AWS X-Ray as segment documents, over UDP to the
// daemon that Lambda runs beside a function: no extension, no layer, no client of
// an API.
//
// The format is https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html,
// the way to the daemon https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon.
package segment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-xray-sdk-go/daemoncfg"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// header begins each datagram.
const header = `{"format":"json","version":1}` + "\n"

// MaxDatagram is how much a UDP datagram over IPv4 carries, in bytes.
const MaxDatagram = 65_507

// WriteFor bounds how long a datagram may wait for room in the socket's buffer.
// When one has waited in vain, the rest of its export is not tried.
const WriteFor = 10 * time.Millisecond

// Format is what a datagram carries.
type Format int

const (
	// Documents are X-Ray's own segment documents, one in each datagram; [Encode]
	// says which.
	Documents Format = iota
	// OTLP is OpenTelemetry's protocol, for accounts whose X-Ray takes it: as many
	// spans in a datagram as it holds.
	OTLP
)

// Options say where spans go, and as what. The zero value sends documents to
// where the environment says the daemon is.
type Options struct {
	// Address is the daemon's, as "host:port". When it is empty, that of the
	// variable AWS_XRAY_DAEMON_ADDRESS counts, in each form that X-Ray's SDKs take
	// ("host:port", "tcp:host:port udp:host:port"), else 127.0.0.1:2000.
	Address string
	// Format is what is sent.
	Format Format
	// Origin is the type of AWS resource that segments come from:
	// "AWS::Lambda::Function". May be empty.
	Origin string
	// Account is the AWS account that segments come from. Empty means the
	// resource's cloud.account.id, if it has one.
	Account string
}

// Exporter sends spans to the daemon. It never waits for one and never fails for
// lack of one: what could not be sent is counted and gone. It may be used by
// several goroutines at once.
type Exporter struct {
	dropped atomic.Int64

	mu   sync.Mutex
	conn net.Conn // nil when shut down
	full bool     // a datagram of this export has waited in vain
	enc  encoder
}

// New gives an exporter. The error says that the address can't be understood, or
// that a name in it can't be resolved; nothing is sent yet.
func New(o Options) (*Exporter, error) {
	addr, err := daemon(o.Address)
	if err != nil {
		return nil, fmt.Errorf("address of the X-Ray daemon: %w", err)
	}
	conn, err := net.DialUDP("udp", nil, addr)
	if err != nil {
		return nil, fmt.Errorf("open a socket to the X-Ray daemon: %w", err)
	}
	return newExporter(conn, o), nil
}

func newExporter(conn net.Conn, o Options) *Exporter {
	return &Exporter{conn: conn, enc: encoder{opts: o}}
}

func daemon(address string) (*net.UDPAddr, error) {
	if address != "" {
		return net.ResolveUDPAddr("udp", address)
	}
	endpoints, err := daemoncfg.GetDaemonEndpointsFromEnv()
	if err != nil {
		return nil, fmt.Errorf("AWS_XRAY_DAEMON_ADDRESS: %w", err)
	}
	if endpoints == nil {
		endpoints = daemoncfg.GetDefaultDaemonEndpoints()
	}
	return endpoints.UDPAddr, nil
}

// ExportSpans sends the sampled ones of the spans. It implements
// [sdk.SpanExporter]. It waits for no daemon, for room in the socket's buffer no
// longer than [WriteFor] says, and ends with ctx; the only error is ctx's.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.enc.opts.Format == OTLP {
		return e.export(ctx, func(emit func([]byte)) { e.enc.encodeOTLP(spans, emit) })
	}
	return e.export(ctx, func(emit func([]byte)) { e.enc.encode(spans, true, emit) })
}

// ExportOpen sends those of the spans that have not ended, as documents in
// progress, one for each; what [Exporter.ExportSpans] sends later takes their
// place. X-Ray takes one such document for a span at most. OTLP knows of none, so in
// that format nothing is sent. For bound and error see there.
func (e *Exporter) ExportOpen(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.enc.opts.Format == OTLP {
		return nil
	}
	var open []sdk.ReadOnlySpan
	for _, s := range spans {
		if s.EndTime().IsZero() {
			open = append(open, s)
		}
	}
	return e.export(ctx, func(emit func([]byte)) { e.enc.encode(open, false, emit) })
}

// Dropped is how many datagrams could not be sent.
func (e *Exporter) Dropped() int64 { return e.dropped.Load() }

// Shutdown closes the socket; what is exported afterwards goes nowhere. It
// implements [sdk.SpanExporter] and may be called again.
func (e *Exporter) Shutdown(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn == nil {
		return nil
	}
	err := e.conn.Close()
	e.conn = nil
	if err != nil {
		return fmt.Errorf("close the socket to the X-Ray daemon: %w", err)
	}
	return nil
}

// export sends what encode emits.
func (e *Exporter) export(ctx context.Context, encode func(emit func([]byte))) error {
	if e.conn == nil {
		return nil
	}
	e.full = false
	encode(func(datagram []byte) { e.send(ctx, datagram) })
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send trace: %w", err)
	}
	return nil
}

// send sends one datagram, or counts it.
func (e *Exporter) send(ctx context.Context, datagram []byte) {
	if e.full || ctx.Err() != nil {
		e.dropped.Add(1)
		return
	}
	deadline := time.Now().Add(WriteFor)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	err := e.conn.SetWriteDeadline(deadline)
	if err == nil {
		_, err = e.conn.Write(datagram)
	}
	if errors.Is(err, syscall.ECONNREFUSED) { // it is about the datagram before, and this one was not sent
		_, err = e.conn.Write(datagram)
	}
	if err != nil {
		e.full = errors.Is(err, os.ErrDeadlineExceeded)
		e.dropped.Add(1)
	}
}
