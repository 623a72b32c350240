package segment

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// annotations counts what a batch has X-Ray index, for each trace.
type annotations []struct {
	trace trace.TraceID
	n     int
}

// take reports whether n more of the trace's fit, and counts them if so.
func (a *annotations) take(id trace.TraceID, n int, root bool) bool {
	limit := MaxAnnotations
	if !root {
		limit -= keptAnnotations
	}
	for i := range *a {
		if e := &(*a)[i]; e.trace == id {
			if e.n+n > limit {
				return false
			}
			e.n += n
			return true
		}
	}
	*a = append(*a, struct {
		trace trace.TraceID
		n     int
	}{id, n})
	return n <= limit
}

func appendAnnotation(b []byte, v attribute.Value) []byte {
	if v.Type() == attribute.STRING {
		s, _ := clip(v.AsString(), maxAnnotation)
		return appendString(b, s)
	}
	return appendValue(b, v)
}

// inMetadata reports whether an attribute is in the metadata: all that have no
// place of their own, or did not fit there.
func (n *node) inMetadata(kv attribute.KeyValue) bool {
	switch place(string(kv.Key)) {
	case annotation:
		_, all := clip(kv.Value.AsString(), maxAnnotation)
		return !n.indexed || !indexable(kv.Value) || !all
	case httpBlock:
		return !n.http
	case awsBlock:
		return !n.aws
	case withheld:
		return false
	}
	return true
}

// appendMetadata writes what X-Ray keeps and does not index: attributes under
// "ebb", what else the span has under "otel".
func (d *document) appendMetadata(n *node, name string) {
	d.object("metadata", func() {
		if d.cut < noAttributes {
			d.object("ebb", func() {
				for _, kv := range n.attrs {
					if n.inMetadata(kv) {
						d.b = appendAttribute(d.b, kv)
					}
				}
			})
		}
		d.object("otel", func() { d.appendOTel(n.span, &n.facts, name) })
	})
}

func (d *document) appendOTel(s sdk.ReadOnlySpan, f *facts, name string) {
	if own := s.Name(); own != name {
		d.text("name", "name", own, maxAnnotation)
	}
	if f.kind != trace.SpanKindInternal {
		d.b = appendText(d.b, "kind", f.kind.String())
	}
	d.text("scope", "scope", s.InstrumentationScope().Name, maxText)
	if f.local() && d.cut < noAttributes {
		d.object("resource", func() { d.appendResource(s.Resource()) })
	}
	if d.cut < noEvents {
		d.appendEvents(s)
	}
	d.dropped(s)
	d.appendTruncated()
}

// appendResource writes the resource's attributes but those that segments have
// fields for.
func (d *document) appendResource(res *resource.Resource) {
	for it := res.Iter(); it.Next(); {
		switch kv := it.Attribute(); kv.Key {
		case "service.name", "service.version", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version":
		default:
			d.b = appendAttribute(d.b, kv)
		}
	}
}

// appendEvents writes the span's events but those that the cause tells of.
func (d *document) appendEvents(s sdk.ReadOnlySpan) {
	failed := s.Status().Code == codes.Error
	open := len(d.b)
	for _, e := range s.Events() {
		if failed && e.Name == exceptionEvent {
			continue
		}
		if len(d.b) == open {
			d.b = append(appendKey(d.b, "events"), '[')
		}
		d.b = append(appendComma(d.b), '{')
		d.b = appendString(appendKey(d.b, "name"), e.Name)
		d.b = appendString(appendKey(d.b, "time"), e.Time.UTC().Format(time.RFC3339Nano))
		d.object("attributes", func() { d.b = appendAttributes(d.b, e.Attributes) })
		d.b = append(d.b, '}')
	}
	if len(d.b) > open {
		d.b = append(d.b, ']')
	}
}

// dropped notes what the SDK's own limits took from the span.
func (d *document) dropped(s sdk.ReadOnlySpan) {
	if s.DroppedEvents() > 0 && d.cut < noEvents {
		d.shortened(cutNames[noEvents-1])
	}
	if s.DroppedAttributes() > 0 && d.cut < noAttributes {
		d.shortened(cutNames[noAttributes-1])
	}
	if s.DroppedLinks() > 0 && d.cut < noLinks {
		d.shortened(cutNames[noLinks-1])
	}
}

// appendTruncated names what is missing or not whole.
func (d *document) appendTruncated() {
	if d.cut == whole && len(d.short) == 0 {
		return
	}
	d.b = append(appendKey(d.b, "truncated"), '[')
	for _, name := range cutNames[:d.cut] {
		d.b = appendString(appendComma(d.b), name)
	}
	for _, name := range d.short {
		d.b = appendString(appendComma(d.b), name)
	}
	d.b = append(d.b, ']')
}
