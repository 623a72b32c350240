package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// enforcing is the policy of all tests: the default caps allow as many as they switch.
const enforcing = "version: 1\ndefaults:\n  mode: enforce\n"

const secret = "a webhook secret"

// lamp is the tests' resource: it must not be on.
type lamp struct {
	Name string `json:"name"`
}

func (l lamp) Ref() remedy.Ref { return remedy.Ref{Type: "Test::Lamp", ID: "lamp/" + l.Name} }

type light struct {
	On bool `json:"on"`
}

type turn struct{ On bool }

func (c turn) Call() remedy.Call { return remedy.Call{API: "lamp:Switch", Params: c} }

// house holds lamps. It outlives a host, so that a second one finds it.
type house struct {
	mu      sync.Mutex
	on      map[string]bool
	applied map[string]int
	hold    chan struct{} // when set, Apply waits until it is closed
	holding atomic.Int64
	err     error // of Read
}

func newHouse(on ...string) *house {
	h := &house{on: map[string]bool{}, applied: map[string]int{}}
	for _, name := range on {
		h.on[name] = true
	}
	return h
}

func (h *house) Read(_ context.Context, l lamp) (light, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return light{h.on[l.Name]}, h.err
}

func (h *house) Apply(_ context.Context, l lamp, c turn) error {
	if h.hold != nil {
		h.holding.Add(1)
		<-h.hold
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.on[l.Name] = c.On
	h.applied[l.Name]++
	return nil
}

// wantSwitched checks that each lamp was switched once.
func (h *house) wantSwitched(t *testing.T, names ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	want := map[string]int{}
	for _, n := range names {
		want[n] = 1
	}
	if diff := cmp.Diff(want, h.applied); diff != "" {
		t.Errorf("how often each lamp was switched (-want +got):\n%s", diff)
	}
}

// function puts lamps out, whatever told of them.
func (h *house) function() remedy.Function {
	rule := remedy.Rule[lamp, light, turn, struct{}]{
		Decode: func(ev remedy.Event) ([]lamp, error) {
			var d struct {
				Lamp       string
				Repository struct{ Name string }
			}
			if err := json.Unmarshal(ev.Detail, &d); err != nil {
				return nil, err
			}
			if d.Lamp == "" {
				d.Lamp = d.Repository.Name
			}
			if d.Lamp == "poison" {
				return nil, errors.New("this lamp is poison")
			}
			return []lamp{{d.Lamp}}, nil
		},
		Check: func(_ lamp, s light, _ struct{}) []remedy.Violation {
			if !s.On {
				return nil
			}
			return []remedy.Violation{{Rule: "lamp-on", Message: "The lamp is on."}}
		},
		Repair: func(lamp, light, remedy.Baseline[light], struct{}) light { return light{} },
		Diff: func(_ lamp, from, to light) []turn {
			if from == to {
				return nil
			}
			return []turn{{to.On}}
		},
	}
	return remedy.Function{
		Name: "lamps", Title: "Puts lamps out",
		Triggers: []remedy.Trigger{
			{Source: "test", Names: []string{"On"}},
			{Source: "github", Names: []string{"repository.publicized"}},
		},
		New: func(context.Context, remedy.Env) (remedy.Remedy, error) { return remedy.Bind(rule, h), nil },
	}
}

// event is an EventBridge event about a lamp.
func event(id, name string) string {
	return fmt.Sprintf(`{"version":"0","id":%q,"detail-type":"On","source":"test","account":"1","region":"",`+
		`"time":"2026-11-21T09:00:00Z","resources":[],"detail":{"lamp":%q}}`, id, name)
}

// config gives a host's configuration over a fresh data folder.
func config(t testing.TB, functions ...remedy.Function) local.Config {
	t.Helper()
	p, err := policy.Load([]byte(enforcing), "policy.yaml", functions, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return local.Config{
		Listen: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "data"), Policy: p, Functions: functions, Secrets: []string{secret},
		Inbox: inbox.Options{MinBackoff: 20 * time.Millisecond, MaxBackoff: 20 * time.Millisecond, MaxAttempts: 3, Poll: 20 * time.Millisecond},
	}
}

// running is a host that serves.
type running struct {
	t    *testing.T
	url  string
	stop func() error
}

func serve(t *testing.T, cfg local.Config) *running {
	t.Helper()
	h, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, h)
}

// run has an open host serve until the test ends.
func run(t *testing.T, h *local.Host) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- h.Run(ctx, func(a net.Addr) { addr <- a }) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, h.Close())
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	select {
	case a := <-addr:
		return &running{t, "http://" + a.String(), stop}
	case err := <-done:
		done <- err
		t.Fatal(err)
		return nil
	}
}

// do sends a request; headers are names and values in turn.
func (r *running) do(method, path, body string, headers ...string) (status int, answer string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.send(req)
}

func (r *running) send(req *http.Request) (status int, answer string) {
	r.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// outcomes gives event id → outcome of all records, through the paged API.
func (r *running) outcomes() map[string]remedy.Outcome {
	r.t.Helper()
	out := map[string]remedy.Outcome{}
	for after := ""; ; {
		status, body := r.do(http.MethodGet, "/api/records?limit=7&after="+after, "")
		var page struct {
			Records []remedy.Record
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			r.t.Fatalf("records: %d %s", status, body)
		}
		for _, rec := range page.Records {
			out[rec.Event.ID] = rec.Outcome
		}
		if after = page.Next; after == "" {
			return out
		}
	}
}

// await polls until the records are as wanted.
func (r *running) await(want map[string]remedy.Outcome) {
	r.t.Helper()
	waitFor(r.t, func() string { return cmp.Diff(want, r.outcomes()) })
}

// waitFor polls until ask has nothing to object.
func waitFor(t *testing.T, ask func() string) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		objection := ask()
		if objection == "" {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("gave up waiting: %s", objection)
		case <-tick.C:
		}
	}
}
