package segment

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// sampledOTLP marks a datagram of OTLP whose spans are sampled, as AWS's
// distributions of OpenTelemetry write it:
// https://github.com/aws-observability/aws-otel-python-instrumentation/tree/main/exporters/aws-otel-otlp-udp-exporter
const sampledOTLP = "T1S"

// maxOTLP is how many bytes of protobuf a datagram holds, which come in base64.
const maxOTLP = (MaxDatagram - len(header) - len(sampledOTLP)) / 4 * 3

// maxWrapping is more than the keys and lengths of the messages around the spans
// of one scope.
const maxWrapping = 64

// encodeOTLP gives emit the datagrams of the sampled spans, valid until it
// returns: those of one resource and scope together, in messages TracesData of at
// most maxOTLP bytes (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto).
// A span that is larger alone loses its events, attributes, message and links, in
// this order; how many is in its message.
func (e *encoder) encodeOTLP(spans []sdk.ReadOnlySpan, emit func([]byte)) {
	var (
		out, group, one []byte
		done            = make([]bool, len(spans))
	)
	for i, first := range spans {
		if done[i] || !first.SpanContext().IsSampled() {
			continue
		}
		res, scope := first.Resource(), first.InstrumentationScope()
		around := len(resourceMessage(nil, res)) + len(res.SchemaURL()) + len(scopeMessage(nil, scope)) + len(scope.SchemaURL) + maxWrapping
		group = group[:0]
		for j := i; j < len(spans); j++ {
			s := spans[j]
			if done[j] || !s.SpanContext().IsSampled() || s.InstrumentationScope() != scope || !s.Resource().Equal(res) {
				continue
			}
			done[j] = true
			for level := whole; ; level++ {
				one = appendMessage(one[:0], 2, func(b []byte) []byte { return appendSpan(b, s, level) })
				if around+len(one) <= maxOTLP || level == noLinks {
					break
				}
			}
			if len(out)+around+len(group)+len(one) > maxOTLP {
				if out = appendGroup(out, res, scope, group); len(out) > 0 {
					e.emitOTLP(out, emit)
				}
				out, group = out[:0], group[:0]
			}
			group = append(group, one...)
		}
		out = appendGroup(out, res, scope, group)
	}
	if len(out) > 0 {
		e.emitOTLP(out, emit)
	}
}

func (e *encoder) emitOTLP(traces []byte, emit func([]byte)) {
	e.buf = append(append(e.buf[:0], header...), sampledOTLP...)
	e.buf = base64.StdEncoding.AppendEncode(e.buf, traces)
	emit(e.buf)
}

// appendGroup appends a message ResourceSpans with encoded spans of one scope.
func appendGroup(b []byte, res *resource.Resource, scope instrumentation.Scope, spans []byte) []byte {
	if len(spans) == 0 {
		return b
	}
	return appendMessage(b, 1, func(b []byte) []byte {
		b = appendMessage(b, 1, func(b []byte) []byte { return resourceMessage(b, res) })
		b = appendMessage(b, 2, func(b []byte) []byte {
			if scope != (instrumentation.Scope{}) {
				b = appendMessage(b, 1, func(b []byte) []byte { return scopeMessage(b, scope) })
			}
			b = append(b, spans...)
			return protoString(b, 3, scope.SchemaURL)
		})
		return protoString(b, 3, res.SchemaURL())
	})
}

func resourceMessage(b []byte, res *resource.Resource) []byte {
	for it := res.Iter(); it.Next(); {
		b = appendKeyValue(b, 1, it.Attribute())
	}
	return b
}

func scopeMessage(b []byte, scope instrumentation.Scope) []byte {
	b = protoString(b, 1, scope.Name)
	b = protoString(b, 2, scope.Version)
	for it := scope.Attributes.Iter(); it.Next(); {
		b = appendKeyValue(b, 3, it.Attribute())
	}
	return b
}

func appendSpan(b []byte, s sdk.ReadOnlySpan, level cut) []byte {
	sc, parent, status := s.SpanContext(), s.Parent(), s.Status()
	traceID, spanID := sc.TraceID(), sc.SpanID()
	b = protoBytes(b, 1, traceID[:])
	b = protoBytes(b, 2, spanID[:])
	b = protoString(b, 3, sc.TraceState().String())
	if id := parent.SpanID(); id.IsValid() {
		b = protoBytes(b, 4, id[:])
	}
	name, message := s.Name(), status.Description
	if level >= noAttributes {
		name, _ = clip(name, maxText)
	}
	if level >= shortMessages {
		message, _ = clip(message, maxText)
	}
	b = protoString(b, 5, name)
	b = protoVarint(b, 6, kindNumber(s.SpanKind()))
	b = protoFixed64(b, 7, max(0, s.StartTime().UnixNano()))
	b = protoFixed64(b, 8, max(0, s.EndTime().UnixNano()))
	droppedAttributes, droppedEvents, droppedLinks := s.DroppedAttributes(), s.DroppedEvents(), s.DroppedLinks()
	if attrs := s.Attributes(); level < noAttributes {
		b = appendKeyValues(b, 9, attrs)
	} else {
		droppedAttributes += len(attrs)
	}
	b = protoVarint(b, 10, count(droppedAttributes))
	if events := s.Events(); level < noEvents {
		for _, e := range events {
			b = appendMessage(b, 11, func(b []byte) []byte {
				b = protoFixed64(b, 1, max(0, e.Time.UnixNano()))
				b = protoString(b, 2, e.Name)
				b = appendKeyValues(b, 3, e.Attributes)
				return protoVarint(b, 4, count(e.DroppedAttributeCount))
			})
		}
	} else {
		droppedEvents += len(events)
	}
	b = protoVarint(b, 12, count(droppedEvents))
	if links := s.Links(); level < noLinks {
		for _, l := range links {
			b = appendMessage(b, 13, func(b []byte) []byte { return appendLink(b, l) })
		}
	} else {
		droppedLinks += len(links)
	}
	b = protoVarint(b, 14, count(droppedLinks))
	b = appendMessage(b, 15, func(b []byte) []byte {
		b = protoString(b, 2, message)
		return protoVarint(b, 3, statusNumber(status.Code))
	})
	return protoFixed32(b, 16, spanFlags(sc.TraceFlags(), parent.IsRemote()))
}

func appendLink(b []byte, l sdk.Link) []byte {
	traceID, spanID := l.SpanContext.TraceID(), l.SpanContext.SpanID()
	b = protoBytes(b, 1, traceID[:])
	b = protoBytes(b, 2, spanID[:])
	b = protoString(b, 3, l.SpanContext.TraceState().String())
	b = appendKeyValues(b, 4, l.Attributes)
	b = protoVarint(b, 5, count(l.DroppedAttributeCount))
	return protoFixed32(b, 6, spanFlags(l.SpanContext.TraceFlags(), l.SpanContext.IsRemote()))
}

// spanFlags gives W3C's flags with those that say whether the context is remote.
func spanFlags(flags trace.TraceFlags, remote bool) uint32 {
	const known, isRemote = 0x100, 0x200
	n := uint32(flags) | known
	if remote {
		n |= isRemote
	}
	return n
}

func kindNumber(k trace.SpanKind) uint64 {
	switch k {
	case trace.SpanKindInternal, trace.SpanKindServer, trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindConsumer:
		return uint64(k) // #nosec G115 -- OTLP's numbers are the API's
	}
	return 0
}

func statusNumber(c codes.Code) uint64 {
	switch c {
	case codes.Ok:
		return 1
	case codes.Error:
		return 2
	}
	return 0
}

func count(n int) uint64 { return uint64(min(max(0, n), math.MaxUint32)) } // #nosec G115 -- it is not negative

// appendKeyValues appends the attributes that are not withheld.
func appendKeyValues(b []byte, field byte, attrs []attribute.KeyValue) []byte {
	for _, kv := range attrs {
		if place(string(kv.Key)) != withheld {
			b = appendKeyValue(b, field, kv)
		}
	}
	return b
}

func appendKeyValue(b []byte, field byte, kv attribute.KeyValue) []byte {
	return appendMessage(b, field, func(b []byte) []byte {
		b = protoString(b, 1, string(kv.Key))
		return appendMessage(b, 2, func(b []byte) []byte { return anyValue(b, public(kv)) })
	})
}

// anyValue appends the fields of a message AnyValue. A set field of a oneof is
// written also when it is zero.
func anyValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return protoText(b, 1, v.AsString())
	case attribute.BOOL:
		n := byte(0)
		if v.AsBool() {
			n = 1
		}
		return append(b, 2<<3, n)
	case attribute.INT64:
		return binary.AppendUvarint(append(b, 3<<3), uint64(v.AsInt64())) // #nosec G115 -- two's complement, as protobuf has it
	case attribute.FLOAT64:
		return binary.LittleEndian.AppendUint64(append(b, 4<<3|1), math.Float64bits(v.AsFloat64()))
	case attribute.BYTESLICE:
		return protoRaw(b, 7, v.AsByteSlice())
	case attribute.MAP:
		return appendMessage(b, 6, func(b []byte) []byte { return appendKeyValues(b, 1, v.AsMap()) })
	case attribute.SLICE:
		return anyArray(b, v.AsSlice(), func(v attribute.Value) attribute.Value { return v })
	case attribute.STRINGSLICE:
		return anyArray(b, v.AsStringSlice(), attribute.StringValue)
	case attribute.BOOLSLICE:
		return anyArray(b, v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		return anyArray(b, v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		return anyArray(b, v.AsFloat64Slice(), attribute.Float64Value)
	}
	return b
}

func anyArray[T any](b []byte, elems []T, value func(T) attribute.Value) []byte {
	return appendMessage(b, 5, func(b []byte) []byte {
		for _, e := range elems {
			b = appendMessage(b, 1, func(b []byte) []byte { return anyValue(b, value(e)) })
		}
		return b
	})
}

// What follows writes protobuf's wire format:
// https://protobuf.dev/programming-guides/encoding/

func protoKey(b []byte, field, wire byte) []byte {
	return binary.AppendUvarint(b, uint64(field)<<3|uint64(wire))
}

// appendMessage appends a message, whose length is known when it is written.
func appendMessage(b []byte, field byte, fill func([]byte) []byte) []byte {
	b = protoKey(b, field, 2)
	start := len(b)
	b = fill(b)
	n := len(b) - start
	var size [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(size[:], uint64(n)) // #nosec G115 -- a length
	b = append(b, size[:k]...)
	copy(b[start+k:], b[start:start+n])
	copy(b[start:], size[:k])
	return b
}

func protoRaw(b []byte, field byte, v []byte) []byte {
	b = binary.AppendUvarint(protoKey(b, field, 2), uint64(len(v)))
	return append(b, v...)
}

func protoBytes(b []byte, field byte, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return protoRaw(b, field, v)
}

// protoText appends a string, which must be UTF-8.
func protoText(b []byte, field byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	b = binary.AppendUvarint(protoKey(b, field, 2), uint64(len(s)))
	return append(b, s...)
}

func protoString(b []byte, field byte, s string) []byte {
	if s == "" {
		return b
	}
	return protoText(b, field, s)
}

func protoVarint(b []byte, field byte, n uint64) []byte {
	if n == 0 {
		return b
	}
	return binary.AppendUvarint(protoKey(b, field, 0), n)
}

func protoFixed64(b []byte, field byte, n int64) []byte {
	if n == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(protoKey(b, field, 1), uint64(n)) // #nosec G115 -- clamped
}

func protoFixed32(b []byte, field byte, n uint32) []byte {
	return binary.LittleEndian.AppendUint32(protoKey(b, field, 5), n)
}
