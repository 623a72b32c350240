//go:build linux

package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/host/rie"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace/segment/daemontest"
)

// document is the part of a segment document that these tests read.
type document struct {
	ID          string         `json:"id"`
	Parent      string         `json:"parent_id"`
	Trace       string         `json:"trace_id"`
	Type        string         `json:"type"`
	Name        string         `json:"name"`
	AWS         map[string]any `json:"aws"`
	Annotations map[string]any `json:"annotations"`
	Links       []struct {
		Trace string `json:"trace_id"`
	} `json:"links"`
	Subsegments []document `json:"subsegments"`
}

// flat gives a document and those inside it, each with its trace and parent.
func (d document) flat() []document {
	out := []document{d}
	for _, s := range d.Subsegments {
		s.Trace, s.Parent, s.Type = d.Trace, d.ID, "subsegment"
		out = append(out, s.flat()...)
	}
	return out
}

// documents gives what the daemon receives, up to and with the datagram that
// holds the one that last says is it.
func documents(t *testing.T, d *daemontest.Daemon, last func(document) bool) []document {
	t.Helper()
	var out []document
	for {
		var doc document
		check(t, json.Unmarshal(d.Receive(t, 1)[0], &doc))
		out = append(out, doc.flat()...)
		if slices.ContainsFunc(doc.flat(), last) {
			return out
		}
	}
}

// tracedSettings are a deployed function's, with a policy that exports no trace
// of what led to nothing, and with X-Ray's daemon.
func tracedSettings(t *testing.T, account mototest.Account, d *daemontest.Daemon) map[string]string {
	t.Helper()
	settings := lambdaSettings(t, account)
	file := settings["EBB_POLICY_FILE"]
	rules, err := os.ReadFile(filepath.Clean(file))
	check(t, err)
	check(t, os.WriteFile(file, append(rules, "tracing: {noops: 0}\n"...), 0o600))
	settings["AWS_XRAY_DAEMON_ADDRESS"] = d.Address()
	return settings
}

// TestTraceFollowsAWebhook follows one id from a webhook's header over the bus
// to the function, its calls, and the result that it publishes.
func TestTraceFollowsAWebhook(t *testing.T) {
	const (
		id       = "0af7651916cd43dd8448eb211c80319c"
		xrayID   = "1-0af76519-16cd43dd8448eb211c80319c"
		upstream = "b7ad6b7169203331"
	)
	account, daemon := mototest.New(t), daemontest.Start(t)
	newLedger(t, account)
	newBus(t, account)
	webhooks := subscribe(t, account, "webhooks", `{"source":["github"]}`)
	results := subscribe(t, account, "results", `{"source":["ebb"]}`)
	s := stageFor(t, "github-repository-visibility", account)
	settings := tracedSettings(t, account, daemon)
	settings["EBB_GITHUB_WEBHOOK_SECRET"] = "s3cret"
	for k, v := range s.settings {
		settings[k] = v
	}
	receiver := emulate(t, bootstrap(t, "githubwebhook", hostArch), settings)
	function := emulate(t, bootstrap(t, "githubrepositoryvisibility", hostArch), settings)
	s.spoil(t)

	in := gatewayRequest(t, sample(t, "github-webhook/publicized.json", account), "d1", "s3cret")
	in.Headers["traceparent"] = "00-" + id + "-" + upstream + "-01"
	payload, err := json.Marshal(in)
	check(t, err)
	var answer events.APIGatewayV2HTTPResponse
	receiver.invoke(t, payload, &answer)
	want(t, "status", 202, answer.StatusCode)

	event := webhooks(t, 1)[0]
	want(t, "the trace in the event", id, carried(t, event))
	var out struct{ Records []remedy.Record }
	function.invoke(t, event, &out)
	want(t, "the state", s.good, s.state(t))
	if len(out.Records) != 1 || out.Records[0].TraceID != id {
		t.Fatalf("records = %+v, want one of trace %s", out.Records, id)
	}
	want(t, "the trace in the published result", id, carried(t, results(t, 1)[0]))

	docs := documents(t, daemon, func(d document) bool { return d.Name == "github-repository-visibility" && d.Type == "" })
	parents := map[string]bool{upstream: true}
	for _, d := range docs {
		parents[d.ID] = true
	}
	var names []string
	for _, d := range docs {
		if d.Trace != xrayID || !parents[d.Parent] {
			t.Errorf("document %s of trace %s has the parent %s; want trace %s and a parent that is in it", d.Name, d.Trace, d.Parent, xrayID)
		}
		names = append(names, strings.TrimSpace(d.Name+" "+text(d.AWS["operation"])))
	}
	for _, name := range []string{
		"github-webhook", "EventBridge PutEvents", "github-repository-visibility", "DynamoDB BatchGetItem", "DynamoDB TransactWriteItems",
		"intent", "apply", "verify", "publish",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("no document is named %q; there are %q", name, names)
		}
	}
	i := slices.IndexFunc(docs, func(d document) bool { return d.Annotations["outcome"] != nil })
	if i < 0 {
		t.Fatal("no document has an outcome")
	}
	want(t, "annotations", map[string]any{
		"function": "github-repository-visibility", "outcome": "reverted", "resource": out.Records[0].Resource.ID, "account": out.Records[0].Resource.Account,
	}, docs[i].Annotations)
	want(t, "the record's span", out.Records[0].SpanID, docs[i].ID)
}

// carried gives the trace id that an event on the bus carries inside.
func carried(t *testing.T, event []byte) string {
	t.Helper()
	m, err := bus.Decode(event)
	check(t, err)
	parts := strings.Split(m.Carrier["traceparent"], "-")
	if len(parts) != 4 {
		t.Fatalf("the event carries %v", m.Carrier)
	}
	return parts[1]
}

func text(v any) string { s, _ := v.(string); return s }

// TestTraceOfAnInvocation shows which invocations X-Ray is told of, and how its
// documents hang on those that Lambda writes itself. The runtime emulator hands
// no trace header on, so Lambda's side of the runtime interface is the test's.
func TestTraceOfAnInvocation(t *testing.T) {
	account, daemon := mototest.New(t), daemontest.Start(t)
	newLedger(t, account)
	newBus(t, account)
	s := stageFor(t, "ec2-security-group", account)
	invoke := invoker(t, bootstrap(t, "ec2securitygroup", hostArch), tracedSettings(t, account, daemon))
	header := func(n, sampled string) string {
		return "Root=1-5759e988-bd862e3fe1be46a99427279" + n + ";Parent=53995c3f42cd8ad" + n + ";Sampled=" + sampled
	}
	handle := func(event []byte, header string) remedy.Record {
		t.Helper()
		var out struct{ Records []remedy.Record }
		check(t, json.Unmarshal(invoke(event, header), &out))
		if len(out.Records) != 1 {
			t.Fatalf("%d records", len(out.Records))
		}
		return out.Records[0]
	}
	id := eventID(t, s.event)
	again := func(name string) []byte { return []byte(strings.ReplaceAll(string(s.event), id, name)) }

	s.spoil(t)
	unsampled := handle(s.event, header("0", "0"))
	want(t, "outcome", remedy.Reverted, unsampled.Outcome)
	want(t, "the trace of what was not sampled", "5759e988bd862e3fe1be46a994272790", unsampled.TraceID)
	noop := handle(again("second"), header("1", "1"))
	want(t, "outcome", remedy.Compliant, noop.Outcome)
	s.spoil(t)
	sampled := handle(again("third"), header("2", "1"))
	want(t, "outcome", remedy.Reverted, sampled.Outcome)

	docs := documents(t, daemon, func(d document) bool { return d.Name == "receive ec2-security-group" })
	for _, d := range docs {
		if d.Trace != "1-5759e988-bd862e3fe1be46a994272792" || d.Type != "subsegment" {
			t.Errorf("document %s is a %q of trace %s; want only subsegments of the sampled revert", d.Name, d.Type, d.Trace)
		}
	}
	i := slices.IndexFunc(docs, func(d document) bool { return d.Name == "receive ec2-security-group" })
	want(t, "the parent of the first span", "53995c3f42cd8ad2", docs[i].Parent)
	if !slices.ContainsFunc(docs, func(d document) bool { return d.AWS["operation"] == "RevokeSecurityGroupIngress" }) {
		t.Error("the call that put it back is not there")
	}

	// A message has a trace of its own: a segment, linked to the invocation.
	s.spoil(t)
	invoke(sqsBatch(t, string(again("fourth"))), header("9", "1"))
	docs = documents(t, daemon, func(d document) bool { return d.Name == "ec2-security-group" })
	root := docs[slices.IndexFunc(docs, func(d document) bool { return d.Type == "" })]
	want(t, "the message's trace", "1-5759e988-bd862e3fe1be46a994272793", root.Trace)
	want(t, "its parent", "53995c3f42cd8ad8", root.Parent)
	if root.Type != "" || len(root.Links) != 1 || root.Links[0].Trace != "1-5759e988-bd862e3fe1be46a994272799" {
		t.Errorf("the message's document is a %q with links %v; want a segment with a link to the invocation", root.Type, root.Links)
	}
}

// invoker starts a bootstrap against Lambda's runtime interface and gives what
// invokes it with a payload and a trace header.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func invoker(t *testing.T, bootstrap string, settings map[string]string) func(payload []byte, header string) []byte {
	t.Helper()
	type invocation struct {
		payload []byte
		header  string
	}
	invocations, answers := make(chan invocation), make(chan []byte)
	const base = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case in := <-invocations:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Trace-Id", in.header)
			_, _ = w.Write(in.payload)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST "+base+"request/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.PathValue("what") != "response" {
			t.Errorf("the function answered %s: %s %v", r.PathValue("what"), body, err)
		}
		w.WriteHeader(http.StatusAccepted)
		answers <- body
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	settings["AWS_LAMBDA_RUNTIME_API"] = strings.TrimPrefix(server.URL, "http://")
	cmd := exec.Command(bootstrap)
	var log bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = rie.Environ(settings), &log, &log
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the function's output:\n%s", &log)
		}
	})
	return func(payload []byte, header string) []byte {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		select {
		case invocations <- invocation{payload, header}:
		case <-ctx.Done():
			t.Fatal("the function did not poll")
		}
		select {
		case answer := <-answers:
			return answer
		case <-ctx.Done():
			t.Fatal("the function did not answer")
		}
		return nil
	}
}
