package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

// jaeger is a running Jaeger that keeps traces in memory.
type jaeger struct {
	otlp string // where it takes OTLP over HTTP
	api  string // where it is asked
}

// startJaeger runs the Jaeger in .tools/jaeger on free loopback ports until the
// test, or its process, ends.
func startJaeger(t *testing.T) jaeger {
	t.Helper()
	program, err := filepath.Abs("../../.tools/jaeger/all-in-one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("find Jaeger: %v; run `make tools`", err)
	}
	// The shell ends Jaeger when its own input ends. A context would end the shell.
	cmd := exec.Command("sh", "-c", `"$@" 2>&1 </dev/null & exec >&-; read -r _; kill -9 $!`, "sh", program,
		"--admin.http.host-port=127.0.0.1:0", "--collector.grpc-server.host-port=127.0.0.1:0", "--collector.http-server.host-port=127.0.0.1:0",
		"--collector.otlp.grpc.host-port=127.0.0.1:0", "--collector.otlp.http.host-port=127.0.0.1:0",
		"--query.http-server.host-port=127.0.0.1:0", "--query.grpc-server.host-port=localhost:0") // it wants two addresses that differ
	cmd.Env = append(os.Environ(), "OTEL_TRACES_SAMPLER=always_off") // of itself
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tooLate := time.AfterFunc(patience, func() { _ = stdin.Close() })
	defer tooLate.Stop()

	var (
		j    jaeger
		said strings.Builder
		ends = make(chan struct{})
	)
	t.Cleanup(func() {
		_ = stdin.Close()
		<-ends
		_ = cmd.Wait() // killed: what it ends with says nothing
	})
	lines := bufio.NewScanner(stdout)
	for (j.otlp == "" || j.api == "") && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		var line struct {
			Caller, Msg, Endpoint string
			HTTP                  string `json:"http_addr"`
		}
		_ = json.Unmarshal(lines.Bytes(), &line) // it says some things as text
		switch {
		case line.Msg == "Starting HTTP server" && strings.HasPrefix(line.Caller, "otlpreceiver"):
			j.otlp = "http://" + line.Endpoint
		case line.Msg == "Query server started":
			j.api = "http://" + line.HTTP
		}
	}
	go func() {
		defer close(ends)
		for lines.Scan() { // so that it never waits for a reader
		}
	}()
	if j.otlp == "" || j.api == "" {
		t.Fatalf("Jaeger did not start: %s", &said)
	}
	return j
}

// jaegerTrace is a trace as Jaeger's API gives it, as far as it is looked at.
type jaegerTrace struct {
	Spans []struct {
		TraceID, SpanID, OperationName, ProcessID string
		References                                []struct{ RefType, TraceID, SpanID string }
		Tags                                      []jaegerTag
	}
	Processes map[string]struct {
		ServiceName string
		Tags        []jaegerTag
	}
}

type jaegerTag struct {
	Key   string
	Value any
}

// trace gives a trace that Jaeger has, or an empty one.
func (j jaeger) trace(t *testing.T, id string) jaegerTrace {
	t.Helper()
	var answer struct{ Data []jaegerTrace }
	getJSON(t, j.api+"/api/traces/"+id, &answer)
	if len(answer.Data) == 0 {
		return jaegerTrace{}
	}
	return answer.Data[0]
}

// tag gives a tag's text, and whether there is one.
func tag(tags []jaegerTag, key string) (string, bool) {
	for _, tag := range tags {
		if text, ok := tag.Value.(string); ok && tag.Key == key {
			return text, true
		}
	}
	return "", false
}

// step is a span of a trace, as both ebb show and Jaeger tell it.
type step struct{ Name, Parent, Error string }

// TestJaegerHasTheTraceThatShowPrints follows one trace id from the header of a
// webhook to a Jaeger, and compares what came there, span by span, with what
// ebb kept beside the record.
func TestJaegerHasTheTraceThatShowPrints(t *testing.T) {
	t.Parallel()
	const (
		trace  = "4bf92f3577b34da6a3ce929d0e0e4736"
		parent = "00f067aa0ba902b7"
	)
	j := startJaeger(t)
	s := newSite(t)
	p := s.serve("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + j.otlp + "/v1/traces") // Jaeger takes no metrics
	rec := s.publicized(p, "00-"+trace+"-"+parent+"-01")
	p.stop()
	if logs := p.logs.String(); strings.Contains(logs, "\nebb: ") {
		t.Errorf("ebb serve complains: %s", logs)
	}
	if rec.Outcome != remedy.Reverted || rec.TraceID != trace {
		t.Fatalf("outcome %s in trace %s, want reverted in %s", rec.Outcome, rec.TraceID, trace)
	}

	var shown struct{ Trace []waterfall.Span }
	s.json(&shown, "show", rec.ID)
	want := map[string]step{}
	for _, span := range shown.Trace {
		want[span.ID] = step{span.Name, span.Parent, span.Error}
	}

	var read jaegerTrace
	within(t, patience, func() bool { // Jaeger answers before it stores; what is missing in the end, the comparison tells
		read = j.trace(t, trace)
		return len(read.Spans) >= len(want)
	})
	got := map[string]step{}
	var calls []string // that went out over HTTP
	for _, span := range read.Spans {
		is := step{Name: span.OperationName}
		for _, ref := range span.References {
			if ref.RefType == "CHILD_OF" && ref.TraceID == trace {
				is.Parent = ref.SpanID
			}
		}
		is.Error, _ = tag(span.Tags, "otel.status_description")
		got[span.SpanID] = is
		if span.TraceID != trace {
			t.Errorf("span %q is in trace %s", is.Name, span.TraceID)
		}
		if of := read.Processes[span.ProcessID]; of.ServiceName != "ebb" {
			t.Errorf("span %q is of service %q, want ebb", is.Name, of.ServiceName)
		}
		if kind, _ := tag(span.Tags, "span.kind"); kind == "client" {
			method, _ := tag(span.Tags, "http.request.method")
			calls = append(calls, method)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-shown by ebb +in Jaeger):\n%s", diff)
	}

	var roots, steps []string
	for id, is := range got {
		switch _, known := got[is.Parent]; {
		case is.Parent == parent:
			roots = append(roots, is.Name)
		case !known:
			t.Errorf("span %q (%s) is in a span that is not there: %q", is.Name, id, is.Parent)
		}
		if is.Error != "" {
			t.Errorf("span %q has the error %q", is.Name, is.Error)
		}
		steps = append(steps, is.Name)
	}
	if len(roots) != 1 {
		t.Errorf("spans in the webhook's sender's: %q, want one", roots)
	}
	for _, name := range []string{"receive " + rec.Function, "handle " + rec.Function, "apply", "verify"} {
		if !slices.Contains(steps, name) {
			t.Errorf("steps = %q, want one named %q", steps, name)
		}
	}
	var answered []string
	for _, req := range s.hub.Log() {
		answered = append(answered, req.Method)
	}
	slices.Sort(calls)
	slices.Sort(answered)
	if diff := cmp.Diff(answered, calls); diff != "" {
		t.Errorf("calls (-that GitHub answered +traced):\n%s", diff)
	}
}

// TestServeWithoutItsCollector tells that remediation does not depend on where
// the traces go.
func TestServeWithoutItsCollector(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]func(net.Listener){
		"refuses": func(l net.Listener) { _ = l.Close() },
		"hangs":   func(net.Listener) {}, // the kernel takes connections, and nobody reads
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			listen(l)
			s := newSite(t)
			p := s.serve("OTEL_EXPORTER_OTLP_ENDPOINT=http://" + l.Addr().String())
			rec := s.publicized(p, "")
			p.stop()
			if rec.Outcome != remedy.Reverted {
				t.Errorf("outcome %s, want reverted", rec.Outcome)
			}
			if repo, ok := s.hub.Repo("acme", "plans"); !ok || repo.Visibility != "private" {
				t.Errorf("the repository is %+v, want private", repo)
			}
			var shown struct{ Trace []waterfall.Span }
			if s.json(&shown, "show", rec.ID); len(shown.Trace) == 0 {
				t.Error("ebb show has no trace")
			}
		})
	}
}
