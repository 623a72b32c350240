package segment

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// X-Ray's limits, by
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
// and the schema that it names.
const (
	// MaxDocument is how large a document may be, in bytes. X-Ray takes 64 kB; a
	// datagram with its header holds a little less.
	MaxDocument = MaxDatagram - len(header)
	// MaxAnnotations is how many annotations X-Ray indexes for one trace.
	MaxAnnotations = 50
	// maxName is how long a name may be, in characters.
	maxName = 200
	// maxText is how long other fields may be, in characters.
	maxText = 250
	// maxAnnotation is how long an annotation may be, in characters.
	maxAnnotation = 1_000
)

const (
	// keptAnnotations is how many of MaxAnnotations are kept for the spans at
	// which a trace begins or comes in: they end last and say the outcome.
	keptAnnotations = 10
	// maxTables is how many tables' names a document has.
	maxTables = 10
)

// cut is how much a document has lost because it was too large.
type cut int

const (
	whole cut = iota
	noEvents
	noAttributes
	noStacks
	shortMessages
	noLinks
)

// cutNames say in a document what it has lost, in the order in which it goes.
var cutNames = [...]string{"events", "attributes", "stacks", "messages", "links"}

// document is one span's document as it is written.
type document struct {
	b   []byte
	cut cut
	// short names fields, beside those that cut stands for, that are not whole.
	short []string
}

// begin appends a span's document but its end. One that is inside its parent's
// needs neither trace nor parent. The id comes before all other members of that
// name: the daemon looks for it to say which document was refused.
func (d *document) begin(n *node, o Options, inside bool) {
	s := n.span
	sc, parent, status, segment := s.SpanContext(), s.Parent(), s.Status(), n.segment()
	d.b = append(d.b, '{')
	if !inside {
		d.appendTraceID(sc.TraceID())
	}
	d.appendSpanID("id", sc.SpanID())
	if n.hasParent && !inside {
		d.appendSpanID("parent_id", parent.SpanID())
	}
	name := d.name(s, &n.facts, segment)
	d.b = appendText(d.b, "name", name)
	d.appendTimes(s.StartTime(), s.EndTime())
	clientError, throttle, fault := n.verdict(status)
	d.b = appendTrue(d.b, "error", clientError)
	d.b = appendTrue(d.b, "throttle", throttle)
	d.b = appendTrue(d.b, "fault", fault)
	switch {
	case segment:
		d.text("origin", "origin", o.Origin, maxText)
		d.object("service", func() {
			d.text("version", "service", resourceText(s.Resource(), "service.version"), maxText)
		})
	case !inside:
		d.b = appendText(d.b, "type", "subsegment")
	}
	d.appendCalled(n, o, segment)
	if status.Code == codes.Error {
		d.appendCause(s, &n.facts, status)
	}
	if links := s.Links(); len(links) > 0 && d.cut < noLinks {
		d.appendLinks(links)
	}
	if n.indexed {
		d.object("annotations", func() {
			for _, kv := range n.attrs {
				if place(string(kv.Key)) == annotation && indexable(kv.Value) {
					d.b = appendKey(d.b, strings.TrimPrefix(string(kv.Key), "ebb."))
					d.b = appendAnnotation(d.b, kv.Value)
				}
			}
		})
	}
	d.appendMetadata(n, name)
}

// appendCalled writes what a subsegment called, or where a segment ran.
func (d *document) appendCalled(n *node, o Options, segment bool) {
	switch {
	case segment:
	case n.aws:
		d.b = appendText(d.b, "namespace", "aws")
	case n.calls():
		d.b = appendText(d.b, "namespace", "remote")
	}
	if n.http {
		d.appendHTTP(&n.facts)
	}
	switch {
	case segment:
		d.appendOrigin(n.span.Resource(), o)
	case n.aws:
		d.appendAWS(&n.facts)
	}
}

// appendTraceID writes an id in X-Ray's form: 1-58406520-a006649127e371903a2de979.
func (d *document) appendTraceID(id trace.TraceID) {
	d.b = append(appendKey(d.b, "trace_id"), `"1-`...)
	d.b = hex.AppendEncode(d.b, id[:4])
	d.b = append(d.b, '-')
	d.b = hex.AppendEncode(d.b, id[4:])
	d.b = append(d.b, '"')
}

func (d *document) appendSpanID(key string, id trace.SpanID) {
	d.b = append(appendKey(d.b, key), '"')
	d.b = hex.AppendEncode(d.b, id[:])
	d.b = append(d.b, '"')
}

func (d *document) appendTimes(start, end time.Time) {
	from := max(0, start.UnixMicro())
	d.b = appendSeconds(appendKey(d.b, "start_time"), from)
	if end.IsZero() {
		d.b = appendTrue(d.b, "in_progress", true)
		return
	}
	d.b = appendSeconds(appendKey(d.b, "end_time"), max(from, end.UnixMicro()))
}

// appendSeconds writes microseconds as seconds with all six digits: a float64
// would lose none of them today, its usual notation would.
func appendSeconds(b []byte, micro int64) []byte {
	b = strconv.AppendInt(b, micro/1e6, 10)
	fraction := strconv.AppendInt(b, 1e6+micro%1e6, 10) // its first digit is where the point goes
	fraction[len(b)] = '.'
	return fraction
}

// name gives what X-Ray shows: of a segment the service, of a call whom it went
// to, of other work the span's own name.
func (d *document) name(s sdk.ReadOnlySpan, f *facts, segment bool) string {
	name := s.Name()
	switch {
	case segment:
		if service := resourceText(s.Resource(), "service.name"); service != "" {
			name = service
		}
	case f.aws && f.service != "":
		name = f.service
	case f.kind == trace.SpanKindClient && f.host != "":
		name = f.host
	}
	return cleanName(name)
}

// cleanName gives name without the characters that X-Ray takes in no name.
func cleanName(name string) string {
	if !clean(name) {
		name = strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf && !inName[r] || r == utf8.RuneError || r >= utf8.RuneSelf && !unicode.In(r, unicode.L, unicode.N, unicode.Z) {
				return -1
			}
			return r
		}, name)
	}
	if name, _ = clip(name, maxName); name == "" {
		return "span"
	}
	return name
}

// clean reports whether name is of plain characters that X-Ray takes, as most are.
func clean(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= utf8.RuneSelf || !inName[c] {
			return false
		}
	}
	return true
}

// inName holds the ASCII characters of a name. The documentation has a backslash
// too, which the schema refuses.
var inName = func() (in [utf8.RuneSelf]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/%&#=+-@ " {
		in[c] = true
	}
	return in
}()

func (d *document) appendHTTP(f *facts) {
	d.object("http", func() {
		d.object("request", func() {
			d.text("method", "http", f.method, maxText)
			d.text("url", "http", f.fullURL(), maxText)
			d.text("user_agent", "http", f.userAgent, maxText)
		})
		d.object("response", func() {
			if f.status != 0 {
				d.b = appendInt(d.b, "status", f.status)
			}
			if f.hasLength {
				d.b = appendInt(d.b, "content_length", f.length)
			}
		})
	})
}

// appendOrigin writes a segment's aws block: where it ran and what recorded it.
func (d *document) appendOrigin(res *resource.Resource, o Options) {
	account := o.Account
	if account == "" {
		account = resourceText(res, "cloud.account.id")
	}
	d.object("aws", func() {
		d.text("account_id", "aws", account, maxText)
		d.object("xray", func() {
			if name := resourceText(res, "telemetry.sdk.name"); name != "" {
				d.text("sdk", "aws", name+" for "+resourceText(res, "telemetry.sdk.language"), maxText)
			}
			d.text("sdk_version", "aws", resourceText(res, "telemetry.sdk.version"), maxText)
		})
	})
}

// appendAWS writes a subsegment's aws block: what was called.
func (d *document) appendAWS(f *facts) {
	d.object("aws", func() {
		d.text("operation", "aws", f.operation, maxText)
		d.text("region", "aws", f.region, maxText)
		d.text("account_id", "aws", f.account, maxText)
		d.text("request_id", "aws", f.requestID, maxText)
		if f.attempts > 0 {
			d.b = appendInt(d.b, "retries", f.attempts-1)
		}
		switch {
		case len(f.tables) == 1:
			d.text("table_name", "aws", f.tables[0], maxText)
		case len(f.tables) > 1:
			tables := f.tables
			if len(tables) > maxTables {
				tables = tables[:maxTables]
				d.shortened("aws")
			}
			d.b = append(appendKey(d.b, "table_names"), '[')
			for _, t := range tables {
				t = d.clip("aws", t, maxText)
				d.b = appendString(appendComma(d.b), t)
			}
			d.b = append(d.b, ']')
		}
		d.text("queue_url", "aws", f.queueURL, maxText)
		d.text("bucket_name", "aws", f.bucket, maxText)
	})
}

// appendLinks writes the links in the form of OpenTelemetry's collector, which
// AWS maintains; the segment's documentation has no such field.
// https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/internal/aws/xray/tracesegment.go
func (d *document) appendLinks(links []sdk.Link) {
	d.b = append(appendKey(d.b, "links"), '[')
	for _, l := range links {
		d.b = append(appendComma(d.b), '{')
		d.appendTraceID(l.SpanContext.TraceID())
		d.appendSpanID("id", l.SpanContext.SpanID())
		d.object("attributes", func() { d.b = appendAttributes(d.b, l.Attributes) })
		d.b = append(d.b, '}')
	}
	d.b = append(d.b, ']')
}

// object appends a member that is an object, or nothing when fill adds nothing.
func (d *document) object(key string, fill func()) {
	before := len(d.b)
	d.b = append(appendKey(d.b, key), '{')
	empty := len(d.b)
	if fill(); len(d.b) == empty {
		d.b = d.b[:before]
		return
	}
	d.b = append(d.b, '}')
}

// text appends a field of at most limit characters; nothing for "".
func (d *document) text(key, block, s string, limit int) {
	d.b = appendText(d.b, key, d.clip(block, s, limit))
}

func (d *document) clip(block, s string, limit int) string {
	s, all := clip(s, limit)
	if !all {
		d.shortened(block)
	}
	return s
}

// shortened notes that a block is not whole.
func (d *document) shortened(block string) {
	if n := len(d.short); n == 0 || d.short[n-1] != block {
		d.short = append(d.short, block)
	}
}

func resourceText(res *resource.Resource, key attribute.Key) string {
	v, _ := res.Set().Value(key)
	return v.AsString()
}
