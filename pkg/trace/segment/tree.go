package segment

import (
	"bytes"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Encode gives the segment documents of the sampled spans. A span that has not
// ended is in progress.
//
// A span is a segment of its own where a trace begins or comes in from another
// process, else a subsegment. One that carries [LambdaInvocation] is a subsegment
// of the segment that Lambda writes. A subsegment whose parent is among the spans
// is inside the parent's document, unless that became too large: then it has one
// of its own, as have those whose parent is not there.
//
// Each document is at most [MaxDocument] bytes: a span that is larger alone loses
// its events, then attributes, stacks, long messages and links, and says so in its
// metadata, under otel.truncated.
func Encode(spans []sdk.ReadOnlySpan, o Options) [][]byte {
	var docs [][]byte
	e := encoder{opts: o}
	e.encode(spans, true, func(datagram []byte) { docs = append(docs, bytes.Clone(datagram[len(header):])) })
	return docs
}

// encoder writes the datagrams of a batch of spans. Its memory is used again for
// the next batch.
type encoder struct {
	opts  Options
	buf   []byte
	nodes []node
	byID  map[trace.SpanID]int
	index annotations
}

// node is a span of the batch, with what is read of it once.
type node struct {
	facts
	span    sdk.ReadOnlySpan
	attrs   []attribute.KeyValue
	indexed bool // whether the annotations are written
	inner   bool // whether the span is in its parent's document
	child   int  // the first, or none
	sibling int  // the next, or none
}

const none = -1

// encode gives emit the datagrams of the spans, valid until it returns. Nested
// says whether a document may have those of its children in it.
func (e *encoder) encode(spans []sdk.ReadOnlySpan, nested bool, emit func([]byte)) {
	e.nodes, e.index = e.nodes[:0], e.index[:0]
	for _, s := range spans {
		if !s.SpanContext().IsSampled() {
			continue
		}
		n := node{span: s, attrs: s.Attributes(), child: none, sibling: none}
		n.facts = read(s, n.attrs)
		n.indexed = n.annotations > 0 && e.index.take(s.SpanContext().TraceID(), n.annotations, n.local())
		e.nodes = append(e.nodes, n)
	}
	if nested && len(e.nodes) > 1 {
		e.nest()
	}
	for i := range e.nodes {
		if !e.nodes[i].inner {
			e.send(i, emit)
		}
	}
	clear(e.nodes) // so that no span is held
}

// nest finds the spans whose parents are in the batch.
func (e *encoder) nest() {
	if e.byID == nil {
		e.byID = map[trace.SpanID]int{}
	}
	clear(e.byID)
	for i := range e.nodes {
		e.byID[e.nodes[i].span.SpanContext().SpanID()] = i
	}
	for i := len(e.nodes) - 1; i >= 0; i-- { // backwards, so that siblings keep their order
		n := &e.nodes[i]
		if n.local() {
			continue
		}
		up, ok := e.byID[n.span.Parent().SpanID()]
		if !ok || up == i || e.nodes[up].span.SpanContext().TraceID() != n.span.SpanContext().TraceID() {
			continue
		}
		n.inner, n.sibling, e.nodes[up].child = true, e.nodes[up].child, i
	}
}

// send emits the document of a span with those of its children, in as few as fit.
func (e *encoder) send(i int, emit func([]byte)) {
	n := &e.nodes[i]
	if n.child != none {
		e.buf = e.tree(append(e.buf[:0], header...), i, false)
		if len(e.buf) <= MaxDatagram {
			emit(e.buf)
			return
		}
	}
	for level := whole; ; level++ {
		d := document{b: append(e.buf[:0], header...), cut: level}
		d.begin(n, e.opts, false)
		d.b = append(d.b, '}')
		e.buf = d.b
		if len(e.buf) <= MaxDatagram || level == noLinks {
			break
		}
	}
	emit(e.buf)
	for c := n.child; c != none; c = e.nodes[c].sibling {
		e.send(c, emit)
	}
}

// tree appends the document of a span with those of its children in it.
func (e *encoder) tree(b []byte, i int, inside bool) []byte {
	n := &e.nodes[i]
	d := document{b: b}
	d.begin(n, e.opts, inside)
	if n.child == none {
		return append(d.b, '}')
	}
	b = append(appendKey(d.b, "subsegments"), '[')
	for c := n.child; c != none && len(b) <= MaxDatagram; c = e.nodes[c].sibling {
		b = e.tree(appendComma(b), c, true)
	}
	return append(b, `]}`...)
}
