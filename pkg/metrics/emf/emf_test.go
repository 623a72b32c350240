package emf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// recorder makes the instruments of a provider, and measures with them.
type recorder struct {
	t *testing.T
	m metric.Meter
}

func (r recorder) add(name string, n int64, attrs ...attribute.KeyValue) {
	r.t.Helper()
	c, err := r.m.Int64Counter(name)
	if err != nil {
		r.t.Fatal(err)
	}
	c.Add(r.t.Context(), n, metric.WithAttributes(attrs...))
}

func (r recorder) record(name string, v float64, attrs ...attribute.KeyValue) {
	r.t.Helper()
	h, err := r.m.Float64Histogram(name)
	if err != nil {
		r.t.Fatal(err)
	}
	h.Record(r.t.Context(), v, metric.WithAttributes(attrs...))
}

func function(name string) attribute.KeyValue { return attribute.String("ebb.function", name) }

// documents checks what was written against the schema that AWS publishes and
// its limits, and gives it line by line.
func documents(t *testing.T, written string) []map[string]any {
	t.Helper()
	schema := schema(t)
	var docs []map[string]any
	for line := range strings.Lines(written) {
		if len(line) > 1<<20 {
			t.Errorf("a log event has %d bytes, at most %d are allowed", len(line), 1<<20)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		checkTargets(t, doc)
		docs = append(docs, doc)
	}
	return docs
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	src, err := os.ReadFile("testdata/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("emf.json", withoutIDs(value)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("emf.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withoutIDs gives a schema without its $id members: AWS's are pointers, which
// no draft allows there.
func withoutIDs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "$id")
		for _, member := range v {
			withoutIDs(member)
		}
	case []any:
		for _, element := range v {
			withoutIDs(element)
		}
	}
	return v
}

// checkTargets holds a document to what the specification says beside the
// schema: what the directives name is there, and has the right type.
func checkTargets(t *testing.T, doc map[string]any) {
	t.Helper()
	raw, err := json.Marshal(doc["_aws"])
	if err != nil {
		t.Fatal(err)
	}
	var aws struct {
		CloudWatchMetrics []struct {
			Dimensions [][]string
			Metrics    []struct{ Name string }
		}
	}
	if err := json.Unmarshal(raw, &aws); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, d := range aws.CloudWatchMetrics {
		for _, set := range d.Dimensions {
			for _, name := range set {
				if v, ok := doc[name].(string); !ok || v == "" || len(v) > 1024 {
					t.Errorf("dimension %s = %v, want a text", name, doc[name])
				}
			}
		}
		for _, m := range d.Metrics {
			count++
			switch v := doc[m.Name].(type) {
			case float64:
			case []any:
				if len(v) == 0 || len(v) > 100 {
					t.Errorf("metric %s has %d values, want 1 to 100", m.Name, len(v))
				}
			default:
				t.Errorf("metric %s = %v, want a number or several", m.Name, v)
			}
		}
	}
	if count == 0 || count > 100 {
		t.Errorf("%d metrics in a document, want 1 to 100", count)
	}
}

func TestFlush_writes_an_invocation_in_one_line(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := New(&out, "ebb", "ec2-security-group", clock)
	r := recorder{t, p.Meter("test")}
	r.add("ebb.events.received", 1, function("ec2-security-group"), attribute.String("ebb.event.source", "aws.ec2"))
	r.add("ebb.outcomes", 1, function("ec2-security-group"), attribute.String("ebb.outcome", "reverted"), attribute.String("ebb.account", "111122223333"))
	r.record("ebb.remediation.time_to_compliance", 2.25, function("ec2-security-group"))
	r.record("ebb.remediation.delivery.duration", 1, function("ec2-security-group"))
	r.record("ebb.remediation.delivery.duration", 0.000012, function("ec2-security-group"))
	r.add("faas.coldstarts", 1)
	r.add("ebb.unheard.of", 1)
	r.add("ebb.inbox.pending", 1)                        // not of Lambda
	r.add("ebb.remediation.delivery.duration", 1)        // not a counter
	r.record("ebb.remediation.fix.duration", math.NaN()) // no number
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{
		"_aws": map[string]any{"Timestamp": float64(now.UnixMilli()), "CloudWatchMetrics": []any{
			directive([]any{[]any{"service"}, []any{"service", "function_name", "event_source"}}, "EventsReceived", "Count"),
			directive([]any{[]any{"service", "outcome"}, []any{"service", "function_name", "outcome", "account"}}, "Outcomes", "Count"),
			directive([]any{[]any{"service"}, []any{"service", "function_name"}}, "TimeToCompliance", "Seconds", "DeliveryTime", "Seconds"),
			directive([]any{[]any{"service", "function_name"}}, "ColdStart", "Count"),
		}},
		"service": "ebb", "function_name": "ec2-security-group", "event_source": "aws.ec2", "outcome": "reverted", "account": "111122223333",
		"EventsReceived": 1.0, "Outcomes": 1.0, "TimeToCompliance": []any{2.25}, "DeliveryTime": []any{1.0, 0.000012}, "ColdStart": 1.0,
	}}
	if diff := cmp.Diff(want, documents(t, out.String())); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	out.Reset()
	if err := p.Flush(); err != nil || out.Len() > 0 {
		t.Errorf("a second flush wrote %q, %v; want nothing", out.String(), err)
	}
}

// directive gives a MetricDirective; defs are names and units in turn.
func directive(dimensions []any, defs ...string) map[string]any {
	var ms []any
	for i := 0; i < len(defs); i += 2 {
		ms = append(ms, map[string]any{"Name": defs[i], "Unit": defs[i+1]})
	}
	return map[string]any{"Namespace": "Ebb", "Dimensions": dimensions, "Metrics": ms}
}

func TestFlush_splits_what_contradicts_itself_and_adds_up_the_rest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := New(&out, "ebb", "f", clock)
	r := recorder{t, p.Meter("test")}
	outcome := func(o string) attribute.KeyValue { return attribute.String("ebb.outcome", o) }
	account := attribute.String("ebb.account", "1")
	r.add("ebb.outcomes", 1, outcome("reverted"), account)
	r.add("ebb.outcomes", 1, outcome("compliant"), account)
	r.add("ebb.outcomes", 2, outcome("reverted"), account)
	call := []attribute.KeyValue{attribute.String("ebb.remote.service", "EC2"), attribute.String("ebb.remote.access", "read")}
	r.record("ebb.remote.call.duration", 1, call...)
	r.record("ebb.remote.call.duration", 2, append(call, attribute.String("error.type", "404"))...) // no dimension
	r.add("ebb.remote.retries", 1, attribute.String("ebb.remote.service", "S3"), call[1])
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	for _, d := range documents(t, out.String()) {
		delete(d, "_aws")
		got = append(got, d)
	}
	want := []map[string]any{
		{
			"service": "ebb", "function_name": "f", "outcome": "reverted", "account": "1", "Outcomes": 3.0,
			"remote_service": "EC2", "remote_access": "read", "RemoteCallTime": []any{1.0, 2.0},
		},
		{
			"service": "ebb", "function_name": "f", "outcome": "compliant", "account": "1", "Outcomes": 1.0,
			"remote_service": "S3", "remote_access": "read", "RemoteRetries": 1.0,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestFlush_keeps_to_the_limits(t *testing.T) {
	t.Parallel()
	// More metrics than a document takes, some with more values than it takes
	// of one, and a dimension as long as they get.
	var list []metrics.Instrument
	for i := range 130 {
		name := fmt.Sprintf("m%d", i)
		list = append(list, metrics.Instrument{Name: name, Kind: metrics.Histogram, EMF: metrics.EMF{
			Name: strings.Repeat("M", 240) + name, Unit: "Seconds", Dimensions: [][]metrics.Attribute{{metrics.Service, metrics.Account}},
		}})
	}
	var out bytes.Buffer
	p := newProvider(&out, "ebb", "f", clock, list)
	r := recorder{t, p.Meter("test")}
	want := map[string]float64{}
	for i := range 130 {
		values := 1
		if i%50 == 0 {
			values = 250
		}
		for n := range values {
			v := float64(n) + 1e-12*float64(i)
			r.record(list[i].Name, v, attribute.String("ebb.account", strings.Repeat("a", 1024)))
			want[list[i].EMF.Name]++
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	docs := documents(t, out.String())
	for _, d := range docs {
		for name, v := range d {
			if values, ok := v.([]any); ok {
				got[name] += float64(len(values))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if len(docs) != 4 {
		t.Errorf("%d documents, want two for the metrics and two more for the values of three of them", len(docs))
	}
}

func TestRecord_writes_before_it_holds_too_much(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := New(&out, "ebb", "f", clock)
	r := recorder{t, p.Meter("test")}
	for range maxHeld {
		r.record("ebb.remediation.fix.duration", 1)
	}
	if docs := documents(t, out.String()); len(docs) != maxHeld/maxValues {
		t.Errorf("%d documents were written, want %d", len(docs), maxHeld/maxValues)
	}
}

func TestDimensions_are_what_CloudWatch_takes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"111122223333": "111122223333", `a "quoted\" name`: `a "quoted\" name`, "": "unknown", "  ": "unknown",
		"Ünited": "invalid", "a\nb": "invalid", "\xff": "invalid", strings.Repeat("a", 1025): "invalid",
	} {
		var out bytes.Buffer
		p := New(&out, "ebb", "f", clock)
		recorder{t, p.Meter("test")}.add("ebb.outcomes", 1, attribute.String("ebb.outcome", "failed"), attribute.String("ebb.account", given))
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := documents(t, out.String())[0]["account"]; got != want {
			t.Errorf("account %.20q became %v, want %q", given, got, want)
		}
	}
}

type invocation func(context.Context, []byte) ([]byte, error)

func (f invocation) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

func TestWrap_writes_after_each_invocation(t *testing.T) {
	t.Parallel()
	errFailed := errors.New("failed")
	for _, cold := range []bool{true, false} {
		var out bytes.Buffer
		p := New(&out, "ebb", "f", clock)
		r := recorder{t, p.Meter("test")}
		h := p.Wrap(invocation(func(_ context.Context, payload []byte) ([]byte, error) {
			r.add("ebb.dead_letters", int64(len(payload)))
			if len(payload) == 3 {
				panic("out of order")
			}
			return payload, errFailed
		}), cold)
		var got []string
		for _, payload := range []string{"a", "ab", "abc"} {
			func() {
				defer func() { _ = recover() }()
				if answer, err := h.Invoke(t.Context(), []byte(payload)); string(answer) != payload || !errors.Is(err, errFailed) {
					t.Errorf("answer = %q, %v; want the handler's own", answer, err)
				}
			}()
			for _, d := range documents(t, out.String()) {
				got = append(got, fmt.Sprint(d["ColdStart"], " ", d["DeadLetters"]))
			}
			out.Reset()
		}
		want := []string{"<nil> 1", "<nil> 2", "<nil> 3"}
		if cold {
			want[0] = "1 1"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cold %t: cold starts and dead letters (-want +got):\n%s", cold, diff)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is gone") }

func TestWrap_fails_no_invocation_for_its_metrics(t *testing.T) {
	t.Parallel()
	p := New(broken{}, "ebb", "f", clock)
	answer, err := p.Wrap(invocation(func(context.Context, []byte) ([]byte, error) { return []byte("done"), nil }), true).Invoke(t.Context(), nil)
	if string(answer) != "done" || err != nil {
		t.Errorf("answer = %q, %v", answer, err)
	}
	recorder{t, p.Meter("test")}.add("ebb.dead_letters", 1)
	if err := p.Flush(); err == nil || !strings.Contains(err.Error(), "write metrics: the pipe is gone") {
		t.Errorf("error = %v", err)
	}
	if err := p.Flush(); err != nil {
		t.Errorf("what was lost is tried again: %v", err)
	}
	for range maxHeld + 1 { // one write before Flush, and one with it
		recorder{t, p.Meter("test")}.record("ebb.remediation.fix.duration", 1)
	}
	if err := p.Flush(); err == nil || strings.Count(err.Error(), "the pipe is gone") != 2 {
		t.Errorf("error = %v, want both", err)
	}
	if err := p.Flush(); err != nil {
		t.Errorf("an error is told twice: %v", err)
	}
}

func TestProvider_is_safe_for_concurrent_use(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := New(&out, "ebb", "f", clock)
	r := recorder{t, p.Meter("test")}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 100 {
				r.add("ebb.dead_letters", 1, function(fmt.Sprint("f", i)))
				r.record("ebb.remediation.fix.duration", 1)
			}
			if err := p.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	total, values := 0.0, 0
	for _, d := range documents(t, out.String()) {
		if n, ok := d["DeadLetters"].(float64); ok {
			total += n
		}
		if v, ok := d["FixTime"].([]any); ok {
			values += len(v)
		}
	}
	if total != 800 || values != 800 {
		t.Errorf("%v dead letters and %d values were written, want 800 of each", total, values)
	}
}

func FuzzFlush(f *testing.F) {
	f.Add("ec2-security-group", "111122223333", 1.5, int64(1))
	f.Add("", "\x00\"\\\u2028", math.Copysign(0, -1), int64(-1))
	f.Add("a\"b", "ünited", math.Inf(1), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, name, account string, v float64, n int64) {
		var out bytes.Buffer
		p := New(&out, "ebb", name, clock)
		r := recorder{t, p.Meter("test")}
		r.add("ebb.outcomes", n, attribute.String("ebb.outcome", "failed"), attribute.String("ebb.account", account))
		r.record("ebb.remediation.fix.duration", v, function(name))
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if docs := documents(t, out.String()); len(docs) != 1 {
			t.Errorf("%d documents, want 1", len(docs))
		}
	})
}
