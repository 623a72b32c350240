package segment_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
	"github.com/ebb-ops/ebb/pkg/trace/segment/daemontest"
)

func newExporter(t *testing.T, o segment.Options) *segment.Exporter {
	t.Helper()
	e, err := segment.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestExportSendsWhatEncodeGives(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	o := segment.Options{Address: daemon.Address(), Origin: "AWS::Lambda::Function"}
	e := newExporter(t, o)
	unsampled := stub(0x0a, 0, "unsampled", trace.SpanKindInternal)
	unsampled.SpanContext = unsampled.SpanContext.WithTraceFlags(0)
	spans := append([]sdk.ReadOnlySpan{unsampled.Snapshot()}, goldenSpans()...)
	if err := e.ExportSpans(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	want := segment.Encode(spans, o)
	if diff := cmp.Diff(want, daemon.Receive(t, len(want))); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if n := e.Dropped(); n != 0 {
		t.Errorf("%d datagrams were not sent", n)
	}
}

func TestTheLargestDocumentFitsADatagram(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	e := newExporter(t, segment.Options{Address: daemon.Address()})
	s := stub(1, 2, "s", trace.SpanKindInternal, attribute.String("filler", ""))
	room := segment.MaxDocument - len(segment.Encode([]sdk.ReadOnlySpan{s.Snapshot()}, segment.Options{})[0])
	for extra, attributes := range []bool{true, false} {
		s.Attributes = []attribute.KeyValue{attribute.String("filler", strings.Repeat("x", room+extra))}
		if err := e.ExportSpans(t.Context(), []sdk.ReadOnlySpan{s.Snapshot()}); err != nil {
			t.Fatal(err)
		}
		doc := checkDocument(t, daemon.Receive(t, 1)[0])
		if got := at(doc, "metadata", "ebb") != nil; got != attributes {
			t.Errorf("%d bytes past the limit: attributes are there: %t", extra, got)
		}
	}
}

func TestSpansInProgress(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	e := newExporter(t, segment.Options{Address: daemon.Address()})
	provider := sdk.NewTracerProvider()
	ctx, root := provider.Tracer("test").Start(t.Context(), "long work")
	_, ended := provider.Tracer("test").Start(ctx, "step")
	ended.End()
	_, other := provider.Tracer("test").Start(ctx, "other step")
	open := []sdk.ReadOnlySpan{root.(sdk.ReadOnlySpan), ended.(sdk.ReadOnlySpan), other.(sdk.ReadOnlySpan)}
	if err := e.ExportOpen(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	root.End()
	if err := e.ExportSpans(t.Context(), open[:1]); err != nil {
		t.Fatal(err)
	}
	type state struct{ id, parent, open any }
	var got []state
	for _, raw := range daemon.Receive(t, 3) {
		doc := checkDocument(t, raw)
		got = append(got, state{doc["id"], doc["parent_id"], doc["in_progress"]})
	}
	id := root.SpanContext().SpanID().String()
	want := []state{{id, nil, true}, {other.SpanContext().SpanID().String(), id, true}, {id, nil, nil}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{})); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// Two exports, as the first finds out that nothing listens. Nothing waits and
// nothing fails.
func TestNothingListens(t *testing.T) {
	t.Parallel()
	for _, format := range []segment.Format{segment.Documents, segment.OTLP} {
		e := newExporter(t, segment.Options{Address: unusedAddress(t), Format: format})
		for range 2 {
			if err := e.ExportSpans(t.Context(), goldenSpans()); err != nil {
				t.Errorf("export: %v", err)
			}
		}
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return conn.LocalAddr().String()
}

// The socket tells of a datagram that nobody took at the next write, whose own
// datagram must not be lost for it.
func TestADaemonThatComesBackGetsTheNextDatagram(t *testing.T) {
	t.Parallel()
	address := unusedAddress(t)
	e := newExporter(t, segment.Options{Address: address})
	if err := e.ExportSpans(t.Context(), goldenSpans()[:1]); err != nil {
		t.Fatal(err)
	}
	daemon := daemontest.StartAt(t, address)
	if err := e.ExportSpans(t.Context(), goldenSpans()[1:2]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(segment.Encode(goldenSpans()[1:2], segment.Options{}), daemon.Receive(t, 1)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

// counted counts the writes to a connection.
type counted struct {
	net.Conn
	writes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes++
	return c.Conn.Write(b)
}

// A pipe that nobody reads is a socket whose buffer is full: a write waits for its
// deadline.
func TestAFullSocketHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for _, format := range []segment.Format{segment.Documents, segment.OTLP} {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		conn := &counted{Conn: ours}
		e := segment.NewOn(conn, segment.Options{Format: format})
		for range 2 {
			if err := e.ExportSpans(t.Context(), goldenSpans()); err != nil {
				t.Errorf("export: %v", err)
			}
		}
		want := 2 * len(segment.EncodeOTLP(goldenSpans()))
		if format == segment.Documents {
			want = 2 * len(segment.Encode(goldenSpans(), segment.Options{}))
		}
		if e.Dropped() != int64(want) || conn.writes != 2 {
			t.Errorf("%d datagrams counted as not sent after %d writes, want %d after one for each export", e.Dropped(), conn.writes, want)
		}
	}
}

func TestExportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, format := range []segment.Format{segment.Documents, segment.OTLP} {
		for want, ctx := range map[error]context.Context{context.DeadlineExceeded: late, context.Canceled: canceled} {
			e := newExporter(t, segment.Options{Address: daemon.Address(), Format: format})
			if err := e.ExportSpans(ctx, goldenSpans()); !errors.Is(err, want) {
				t.Errorf("error = %v, want %v", err, want)
			}
			if e.Dropped() == 0 {
				t.Error("what was not sent was not counted")
			}
		}
	}
}

func TestNothingIsSentAfterShutdown(t *testing.T) {
	t.Parallel()
	e, err := segment.New(segment.Options{Address: unusedAddress(t)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Shutdown(t.Context()); err != nil {
			t.Errorf("shut down: %v", err)
		}
	}
	if err := e.ExportSpans(t.Context(), goldenSpans()); err != nil {
		t.Errorf("export: %v", err)
	}
}

func TestExportsAtOnce(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	e := newExporter(t, segment.Options{Address: daemon.Address()})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s := stub(byte(i+1), 0, "s", trace.SpanKindInternal)
			if err := e.ExportSpans(t.Context(), []sdk.ReadOnlySpan{s.Snapshot()}); err != nil {
				t.Error(err)
			}
			s.EndTime = time.Time{}
			if err := e.ExportOpen(t.Context(), []sdk.ReadOnlySpan{s.Snapshot()}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, doc := range daemon.Receive(t, 8) {
		checkDocument(t, doc)
	}
}

func TestOTLPHasNoSpansInProgress(t *testing.T) {
	t.Parallel()
	daemon := daemontest.Start(t)
	e := newExporter(t, segment.Options{Address: daemon.Address(), Format: segment.OTLP})
	open := stub(1, 0, "open", trace.SpanKindInternal)
	open.EndTime = time.Time{}
	if err := e.ExportOpen(t.Context(), []sdk.ReadOnlySpan{open.Snapshot()}); err != nil {
		t.Fatal(err)
	}
	ended := tracetest.SpanStubs{stub(2, 0, "ended", trace.SpanKindInternal)}.Snapshots()
	if err := e.ExportSpans(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(segment.EncodeOTLP(ended), decodeOTLP(t, daemon.Receive(t, 1))); diff != "" {
		t.Errorf("first datagram (-want +got):\n%s", diff)
	}
}

// The environment is the process's, so these run alone.
func TestAddresses(t *testing.T) {
	daemon := daemontest.Start(t)
	_, port, err := net.SplitHostPort(daemon.Address())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, env, address, wantErr string }{
		{name: "of_the_environment", env: daemon.Address()},
		{name: "of_two_parts", env: "tcp:127.0.0.1:1 udp:127.0.0.1:" + port},
		{name: "given", env: "127.0.0.1:1", address: daemon.Address()},
		{name: "bad_environment", env: "2000", wantErr: "AWS_XRAY_DAEMON_ADDRESS"},
		{name: "bad", address: "127.0.0.1", wantErr: "address of the X-Ray daemon"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_XRAY_DAEMON_ADDRESS", c.env)
			e, err := segment.New(segment.Options{Address: c.address})
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Errorf("error = %v, want one that names %s", err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := e.ExportSpans(t.Context(), goldenSpans()[:1]); err != nil {
				t.Fatal(err)
			}
			checkDocument(t, daemon.Receive(t, 1)[0])
			if err := e.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("default", func(t *testing.T) {
		t.Setenv("AWS_XRAY_DAEMON_ADDRESS", "")
		e, err := segment.New(segment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
