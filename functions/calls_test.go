//go:build linux

package functions_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// call is one remote call, as the transport saw it.
type call struct {
	what       string
	start, end time.Time
}

// transport notes the calls that go through it. While it is slow each takes some
// time, so that calls that go out together overlap.
type transport struct {
	mu    sync.Mutex
	slow  bool
	calls []call
}

const latency = 150 * time.Millisecond

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	c := call{what: describe(r), start: time.Now()}
	if tr.slow {
		select {
		case <-time.After(latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	c.end = time.Now()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.calls = append(tr.calls, c)
	return res, err
}

// take gives the calls since the last time, in the order in which they began.
func (tr *transport) take() []call {
	calls := tr.calls
	tr.calls = nil
	slices.SortFunc(calls, func(a, b call) int { return a.start.Compare(b.start) })
	return calls
}

// describe names a request: its target, its action, or its method and path.
func describe(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target
	}
	if r.GetBody != nil {
		if body, err := r.GetBody(); err == nil {
			b, _ := io.ReadAll(body)
			if action, ok := bytes.CutPrefix(b, []byte("Action=")); ok {
				name, _, _ := bytes.Cut(action, []byte("&"))
				return string(name)
			}
		}
	}
	return r.Method + " " + r.URL.Path
}

// TestRemoteCalls holds how many remote calls each function makes for an event,
// the ledger's in DynamoDB included, to the list in testdata; and those of a
// revert to three in a row, the fix included: reads together, intent, apply.
func TestRemoteCalls(t *testing.T) {
	const file = "testdata/calls.golden"
	var (
		mu  sync.Mutex
		got = map[string]string{}
	)
	t.Run("functions", func(t *testing.T) {
		for _, f := range functions.All {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				line := remoteCalls(t, f)
				mu.Lock()
				defer mu.Unlock()
				got[f.Name] = line
			})
		}
	})
	if t.Failed() {
		return
	}
	lines := fmt.Sprintf("%-30s %9s %9s %9s\n", "remote calls", "observed", "reverted", "compliant")
	for _, name := range slices.Sorted(maps.Keys(got)) {
		lines += got[name]
	}
	if *update {
		check(t, os.WriteFile(file, []byte(lines), 0o600))
		return
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(lines, "\n")); diff != "" {
		t.Errorf("remote calls have changed; if that is meant, run `go test ./functions -run TestRemoteCalls -update` (-file +code):\n%s", diff)
	}
}

// remoteCalls gives a function's line of the list.
func remoteCalls(t *testing.T, f remedy.Function) string {
	t.Helper()
	account := mototest.New(t)
	st := stageFor(t, f.Name, account)
	check(t, dynamodb.CreateTable(t.Context(), awsdynamodb.NewFromConfig(account.Config), "ebb"))
	tr := &transport{}
	env := withSettings(account.Env, st.settings)
	env.Transport = tr
	cfg := account.Config.Copy()
	cfg.HTTPClient = &http.Client{Transport: tr}
	h, err := remedy.Open(t.Context(), f, env)
	check(t, err)
	m, err := bus.Decode(st.event)
	check(t, err)
	handle := func(payload []byte, id string, observe bool, want remedy.Outcome) []call {
		e := remedy.New(dynamodb.New(awsdynamodb.NewFromConfig(cfg), "ebb"), enforcing(t), remedy.Options{Observe: observe})
		recs, err := host.Invoker{Engine: e, Handler: h}.Invoke(t.Context(), host.Delivery{
			Payload: bytes.ReplaceAll(payload, []byte(m.Event.ID), []byte(id)),
		})
		check(t, err)
		if len(recs) != 1 || recs[0].Outcome != want {
			t.Errorf("records = %+v, want one %s", recs, want)
		}
		return tr.take()
	}
	if st.learn != nil {
		handle(st.learn, "learned", false, remedy.Compliant)
	}
	st.spoil(t)
	observed := handle(st.event, "observed", true, remedy.Observed)
	tr.slow = true
	reverted := handle(st.event, "reverted", false, remedy.Reverted)
	tr.slow = false
	inARow(t, reverted)
	compliant := handle(st.event, "compliant", false, remedy.Compliant)
	return fmt.Sprintf("%-30s %9d %9d %9d\n", f.Name, len(observed), len(reverted), len(compliant))
}

// inARow wants the calls of a revert to wait for one another no more than they must.
func inARow(t *testing.T, calls []call) {
	t.Helper()
	intent := slices.IndexFunc(calls, func(c call) bool { return strings.HasSuffix(c.what, "TransactWriteItems") })
	if intent < 1 || intent+1 == len(calls) {
		t.Errorf("calls = %v, want reads, an intent and a fix", calls)
		return
	}
	for _, read := range calls[1:intent] {
		if read.start.After(calls[0].end) {
			t.Errorf("%s went out after %s had come back: the reads must go together", read.what, calls[0].what)
		}
	}
	if fix := calls[intent+1]; strings.Contains(fix.what, "DynamoDB") || strings.HasPrefix(fix.what, "GET") || strings.HasPrefix(fix.what, "Describe") {
		t.Errorf("after the intent comes %s, want the fix", fix.what)
	}
}
