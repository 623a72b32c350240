// Package logs gives Ebb's hosts their logger: slog, in JSON, with the keys of
// Powertools for AWS Lambda, and with no secret in a line.
//
// A line has timestamp, level, message and service. On Lambda it has
// function_name, function_memory_size and cold_start too, and within an
// invocation function_request_id. Where the context has a trace,
// xray_trace_id is its id as X-Ray writes it. What else a line says are the
// attributes of the call; one with a name from above is written as attr_NAME.
package logs

import (
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.opentelemetry.io/otel/trace"
)

// SettingService is Powertools' setting of the service that every line names:
// what tells two deployments in one account apart. Without it that is [Service].
const (
	SettingService = "POWERTOOLS_SERVICE_NAME"
	Service        = "ebb"
)

// The keys that the logger gives to every line, by Powertools' conventions.
// https://docs.aws.amazon.com/powertools/python/latest/core/logger/#standard-structured-keys
const (
	keyTimestamp = "timestamp" // RFC 3339, which Lambda asks for, in UTC and milliseconds
	keyLevel     = "level"
	keyMessage   = "message"
	keyService   = "service"
	keyFunction  = "function_name"
	keyMemory    = "function_memory_size" // MB
	keyColdStart = "cold_start"
	keyRequest   = "function_request_id"
	keyTrace     = "xray_trace_id"
)

// Variables that Lambda sets for every function.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
const (
	lambdaName   = "AWS_LAMBDA_FUNCTION_NAME"
	lambdaMemory = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
)

// Options are the logger's optional parts. The zero value works.
type Options struct {
	Getenv    func(string) string // the level's settings, and Lambda's variables; nil means that none is set
	ColdStart func() bool         // reports whether the first invocation is not over; nil leaves cold_start out
}

// New gives a logger that writes each record to w as one line of JSON, in one
// call of Write. [Level] says from which level on. A setting that can't be
// followed is the first line.
func New(w io.Writer, o Options) *slog.Logger {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	level, err := Level(o.Getenv)
	base := []slog.Attr{slog.String(keyService, cmp.Or(o.Getenv(SettingService), Service))}
	if name := o.Getenv(lambdaName); name != "" {
		base = append(base, slog.String(keyFunction, name))
	}
	if mb, err := strconv.Atoi(o.Getenv(lambdaMemory)); err == nil {
		base = append(base, slog.Int(keyMemory, mb))
	}
	inner := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: replace})
	log := slog.New(&handler{inner: inner.WithAttrs(base), coldStart: o.ColdStart})
	if err != nil {
		log.Warn("log level", "error", err.Error())
	}
	return log
}

// handler adds what the context knows. The groups that With opens are its own
// business: what it adds belongs outside of them.
type handler struct {
	inner     slog.Handler
	coldStart func() bool
	open      []group
}

// group is an open group with the attributes that With put into it.
type group struct {
	name  string
	attrs []slog.Attr
}

// usualAttrs is how many attributes a record may have before collecting them
// takes memory from the heap.
const usualAttrs = 48

// Enabled implements [slog.Handler].
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var buf [usualAttrs]slog.Attr
	attrs := h.fromContext(ctx, buf[:0])
	known := len(attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for _, g := range slices.Backward(h.open) {
		inside := slices.Concat(g.attrs, attrs[known:])
		attrs = append(attrs[:known], slog.Attr{Key: g.name, Value: slog.GroupValue(inside...)})
	}
	rename(attrs[known:])
	out := slog.NewRecord(r.Time, r.Level, r.Message, 0)
	out.AddAttrs(attrs...)
	return h.inner.Handle(ctx, out)
}

// fromContext appends what the context says about a record.
func (h *handler) fromContext(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	if h.coldStart != nil {
		attrs = append(attrs, slog.Bool(keyColdStart, h.coldStart()))
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		attrs = append(attrs, slog.String(keyRequest, lc.AwsRequestID))
	}
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		attrs = append(attrs, slog.String(keyTrace, xrayID(id)))
	}
	return attrs
}

// xrayID writes a trace id as X-Ray does.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
func xrayID(id trace.TraceID) string {
	var b [35]byte
	b[0], b[1], b[10] = '1', '-', '-'
	hex.Encode(b[2:], id[:4])
	hex.Encode(b[11:], id[4:])
	return string(b[:])
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *h
	if len(h.open) == 0 {
		attrs = slices.Clone(attrs)
		rename(attrs)
		out.inner = h.inner.WithAttrs(attrs)
		return &out
	}
	out.open = slices.Clone(h.open)
	last := &out.open[len(out.open)-1]
	last.attrs = slices.Concat(last.attrs, attrs)
	return &out
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	out := *h
	out.open = append(slices.Clone(h.open), group{name: name})
	return &out
}

// rename gives attributes another name that have one of the logger's own: they
// must neither hide what the logger says nor be taken for it.
func rename(attrs []slog.Attr) {
	for i, a := range attrs {
		switch a.Key {
		case slog.TimeKey, slog.MessageKey, keyTimestamp, keyLevel, keyMessage, keyService,
			keyFunction, keyMemory, keyColdStart, keyRequest, keyTrace:
			attrs[i].Key = "attr_" + a.Key
		case "":
			// What is in a group without a name is written as if it were not in one.
			if v := a.Value.Resolve(); v.Kind() == slog.KindGroup {
				inside := slices.Clone(v.Group())
				rename(inside)
				attrs[i].Value = slog.GroupValue(inside...)
			}
		}
	}
}

// timestampLayout always has milliseconds, so that lines sort as text.
const timestampLayout = "2006-01-02T15:04:05.000Z07:00"

// replace writes slog's own attributes as Powertools does, and makes the others
// fit for a log.
func replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.TimeKey:
			return slog.String(keyTimestamp, a.Value.Time().UTC().Format(timestampLayout))
		case slog.LevelKey:
			l, _ := a.Value.Any().(slog.Level)
			return slog.String(keyLevel, levelName(l))
		case slog.MessageKey:
			return slog.String(keyMessage, clean(a.Value.String()))
		}
	}
	return safe(groups, a)
}
