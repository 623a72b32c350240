package emf

import (
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// The format's limits, of one document. The 1 MB that a log event may have are
// out of reach within them.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	maxMetrics = 100
	maxValues  = 100 // of one metric
)

// maxDimension is the most bytes of a dimension's value.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
const maxDimension = 1024

// instrument is an instrument as documents need it.
type instrument struct {
	name       string
	kind       metrics.Kind
	attributes []metrics.Attribute // of all its dimension sets, each once
	directive  string              // the JSON of a MetricDirective, up to its metrics
	definition string              // the JSON of a MetricDefinition
	member     string              // the JSON of the metric's member, up to its value
}

func newInstrument(i metrics.Instrument) *instrument {
	out := &instrument{name: i.EMF.Name, kind: i.Kind}
	b := append([]byte(nil), `{"Namespace":`...)
	b = strconv.AppendQuote(b, metrics.Namespace)
	b = append(b, `,"Dimensions":[`...)
	for n, set := range i.EMF.Dimensions {
		b = separate(b, n)
		b = append(b, '[')
		for n, a := range set {
			b = strconv.AppendQuote(separate(b, n), a.Dimension)
			if !slices.Contains(out.attributes, a) {
				out.attributes = append(out.attributes, a)
			}
		}
		b = append(b, ']')
	}
	out.directive = string(append(b, `],"Metrics":[`...))
	out.member = "," + strconv.Quote(i.EMF.Name) + ":"
	out.definition = `{"Name":` + strconv.Quote(i.EMF.Name) + `,"Unit":` + strconv.Quote(i.EMF.Unit) + `}`
	return out
}

// dimension is a dimension with its value, and the JSON of its member.
type dimension struct{ name, value, member string }

// dimensionsOf gives the values of the instrument's dimensions, sorted by name.
func (i *instrument) dimensionsOf(attrs attribute.Set, service, function string) []dimension {
	out := make([]dimension, len(i.attributes))
	for n, a := range i.attributes {
		v, ok := attrs.Value(attribute.Key(a.Key))
		value := v.String()
		switch {
		case a == metrics.Service:
			value = service
		case a == metrics.Function && !ok:
			value = function
		}
		value = acceptable(value)
		// Of printable ASCII, Go's quotes are JSON's.
		out[n] = dimension{a.Dimension, value, "," + strconv.Quote(a.Dimension) + ":" + strconv.Quote(value)}
	}
	slices.SortFunc(out, func(a, b dimension) int { return strings.Compare(a.name, b.name) })
	return out
}

// acceptable gives a value that CloudWatch takes: printable ASCII with more in
// it than spaces.
func acceptable(value string) string {
	visible := false
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return "invalid"
		}
		visible = visible || c != ' '
	}
	switch {
	case !visible:
		return "unknown"
	case len(value) > maxDimension:
		return "invalid"
	}
	return value
}

// document is one line: metrics whose dimensions don't contradict each other.
type document struct {
	dimensions []dimension // sorted by name
	entries    []entry
}

// entry is a metric of a document.
type entry struct {
	*series
	values []float64 // at most maxValues of the series'
}

// encode appends the documents for what was measured to b.
func (p *Provider) encode(b []byte) []byte {
	var docs []*document
	for _, s := range p.touched {
		if s.kind == metrics.Counter {
			docs = place(docs, entry{series: s})
			continue
		}
		for chunk := range slices.Chunk(s.values, maxValues) {
			docs = place(docs, entry{s, chunk})
		}
	}
	at := p.now().UnixMilli()
	for _, d := range docs {
		b = d.append(b, at)
	}
	return b
}

// place puts an entry into the first document that has room for it, or a new one.
func place(docs []*document, e entry) []*document {
	for _, d := range docs {
		if dims, ok := d.with(e); ok {
			d.dimensions, d.entries = dims, append(d.entries, e)
			return docs
		}
	}
	return append(docs, &document{e.dimensions, []entry{e}})
}

// with gives the document's dimensions together with the entry's; false when
// the entry does not fit in.
func (d *document) with(e entry) ([]dimension, bool) {
	if len(d.entries) >= maxMetrics || slices.ContainsFunc(d.entries, func(o entry) bool { return o.name == e.name }) {
		return nil, false
	}
	out := d.dimensions
	for _, dim := range e.dimensions {
		n, found := slices.BinarySearchFunc(out, dim.name, func(d dimension, name string) int { return strings.Compare(d.name, name) })
		switch {
		case !found:
			out = slices.Insert(slices.Clip(out), n, dim)
		case out[n].value != dim.value:
			return nil, false
		}
	}
	return out, true
}

func (d *document) append(b []byte, at int64) []byte {
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, `,"CloudWatchMetrics":[`...)
	for n, e := range d.entries {
		first := slices.IndexFunc(d.entries, func(o entry) bool { return o.directive == e.directive })
		if first < n {
			continue // it is in that one's directive
		}
		b = append(separate(b, n), e.directive...)
		count := 0
		for _, o := range d.entries[n:] {
			if o.directive == e.directive {
				b = append(separate(b, count), o.definition...)
				count++
			}
		}
		b = append(b, `]}`...)
	}
	b = append(b, `]}`...)
	for _, dim := range d.dimensions {
		b = append(b, dim.member...)
	}
	for _, e := range d.entries {
		b = e.append(append(b, e.member...))
	}
	return append(b, "}\n"...)
}

func (e entry) append(b []byte) []byte {
	if e.kind == metrics.Counter {
		return strconv.AppendInt(b, e.sum, 10)
	}
	b = append(b, '[')
	for n, v := range e.values {
		b = strconv.AppendFloat(separate(b, n), v, 'g', -1, 64)
	}
	return append(b, ']')
}

// separate appends a comma before every element but the first.
func separate(b []byte, n int) []byte {
	if n == 0 {
		return b
	}
	return append(b, ',')
}
