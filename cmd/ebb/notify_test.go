package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	outboxdb "github.com/ebb-ops/ebb/pkg/notify/outbox/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

const notifyFile = `version: 1
channels:
  ops: {slack: {webhook: OPS_HOOK}}
  slow: {teams: {webhook: SLOW_HOOK}}
  pager: {pagerduty: {routing_key: PAGER_KEY}}
grouping: {window: 1s}
routes: [{channels: [ops, slow]}]
`

func TestNotifyCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, bad := w.file("good.yaml", notifyFile), w.file("bad.yaml", strings.Replace(notifyFile, "OPS_HOOK", "https://hooks.example/s3cret", 1)+"team_tag: 1\n")
	contains(t, "check", w.must("notify", "check", good).stdout, "good.yaml is valid: 3 channels, 1 route.")
	if r := w.run("notify", "check", bad); r.code != exitFailed || strings.Contains(r.stdout+r.stderr, "s3cret") {
		t.Errorf("exit code %d: %s%s", r.code, r.stdout, r.stderr)
	}
	for path, wants := range map[string][]string{
		w.file("one.yaml", strings.Replace(notifyFile, "OPS_HOOK", "https://hooks.example/s3cret", 1)):                                             {"one.yaml:3:26: webhook must be the name of a secret", `1 problem`},
		w.file("two.yaml", strings.Replace(strings.Replace(notifyFile, "OPS_HOOK", "https://hooks.example/s3cret", 1), "ops, slow", "ops, so", 1)): {"two.yaml:3:26", "two.yaml:7:27: there is no channel of this name", "2 problems"},
		"nowhere.yaml": {"no such file"},
	} {
		r := w.run("notify", "check", path)
		if r.code != exitFailed || strings.Contains(r.stdout+r.stderr, "s3cret") {
			t.Errorf("%s: exit code %d: %s%s", path, r.code, r.stdout, r.stderr)
		}
		contains(t, path, r.stdout+r.stderr, wants...)
	}
	contains(t, "JSON", w.run("notify", "check", good, "-o", "json").stdout, `"valid":true`)
	contains(t, "schema", w.must("notify", "schema").stdout, `"title": "Ebb notifications"`)
}

func TestNotifyTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got = append(got, r.URL.Path+" "+string(body)); r.URL.Path == "/gone/s3cret" {
			rw.WriteHeader(http.StatusGone)
		}
	}))
	t.Cleanup(srv.Close)
	path := w.file("notify.yaml", notifyFile)
	w.env["EBB_NOTIFY"], w.env["EBB_PAGERDUTY_URL"] = path, srv.URL
	w.env["OPS_HOOK"], w.env["SLOW_HOOK"], w.env["PAGER_KEY"] = srv.URL+"/ops", srv.URL+"/gone/s3cret", "0123456789abcdef0123456789abcdef"
	contains(t, "test", w.must("notify", "test", "--channel", "ops").stdout, "A sample was sent to ops.")
	w.must("notify", "test", "--channel", "pager")
	if len(got) != 3 {
		t.Fatalf("%d calls", len(got))
	}
	contains(t, "Slack", got[0], "/ops ", "Test: Put back: ec2-security-group")
	contains(t, "PagerDuty", got[1], "/v2/enqueue ", `"trigger"`)
	contains(t, "PagerDuty", got[2], `"resolve"`)
	r := w.run("notify", "test", "--channel", "slow")
	if r.code != exitFailed || strings.Contains(r.stdout+r.stderr, "s3cret") {
		t.Errorf("exit code %d: %s%s", r.code, r.stdout, r.stderr)
	}
	contains(t, "a refusal", r.stderr, "notify slow: 127.0.0.1 answered 410")
	delete(w.env, "OPS_HOOK")
	contains(t, "no secret", w.run("notify", "test", "--channel", "ops").stderr, "notify ops: secret OPS_HOOK is not set")
}

// TestServeTellsOfResults has one channel that hangs, and one that refuses what
// it gets at first: the remediation knows nothing of it.
func TestServeTellsOfResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hang, got := make(chan struct{}), make(chan string, 10)
	var takes atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/slow":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		case takes.Load():
			got <- string(body)
		default:
			rw.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) })
	w.env["EBB_DATA"] = w.dir + "/data"
	w.env["OPS_HOOK"], w.env["SLOW_HOOK"] = srv.URL+"/ops/s3cret", srv.URL+"/slow"
	s := w.serve("--policy", w.enforcing(), "--notify", w.file("notify.yaml", notifyFile))
	post := func(event string) {
		t.Helper()
		res, err := http.Post(s.url+"/events", "application/json", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	post(w.event("e1", "shelf.put", "a"))
	w.await("e1", remedy.Reverted)
	var id string
	for deadline := time.Now().Add(20 * time.Second); id == ""; time.Sleep(20 * time.Millisecond) {
		list := w.must("dead-letters").stdout
		if i := strings.Index(list, "msg_"); i >= 0 {
			contains(t, "dead letters", list, "notify/ops")
			id = strings.Fields(list[i:])[0]
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no dead letter")
		}
	}
	shown := w.must("dead-letters", "show", id).stdout
	contains(t, "the dead letter", shown, "notify ops: 127.0.0.1 answered 404")
	if strings.Contains(shown, "s3cret") {
		t.Errorf("the dead letter holds a secret: %s", shown)
	}
	takes.Store(true)
	contains(t, "replay", w.must("dead-letters", "replay", id).stdout, "(notify/ops): back in the outbox")
	select {
	case body := <-got:
		contains(t, "the message", body, "Put back: shelf-labels (high severity)", "shelf/a (acme)", "Item y is bad.", "Changed by bob with shelf.put")
	case <-time.After(20 * time.Second):
		t.Fatal("the replayed message did not come")
	}
	w.mu.Lock()
	w.shelves["b"] = map[string]string{"z": "bad"}
	w.mu.Unlock()
	post(w.event("e2", "shelf.put", "b"))
	w.await("e2", remedy.Reverted)
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func TestNotifyUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("notify.yaml", notifyFile)
	for want, args := range map[string][]string{
		"--notify is missing":                              {"notify", "test", "--channel", "ops"},
		`--channel "opps": want one of ops, pager, slow`:   {"notify", "test", "--notify", path, "--channel", "opps"},
		"--notify nope.yaml: there is no such file":        {"serve", "--notify", "nope.yaml"},
		`a command is missing after "ebb notify": check, `: {"notify"},
	} {
		if r := w.run(args...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: exit code %d: %s", args, r.code, r.stderr)
		}
	}
}

// TestReplayOfADeploymentsNotification puts it back where the notifier looks.
func TestReplayOfADeploymentsNotification(t *testing.T) {
	t.Parallel()
	w, account := onMoto(t)
	client := awsdynamodb.NewFromConfig(account.Config)
	if err := dynamodb.CreateTable(t.Context(), client, "ledger"); err != nil {
		t.Fatal(err)
	}
	letters := dynamodb.New(client, "ledger")
	if err := letters.SaveDeadLetter(t.Context(), remedy.DeadLetter{
		ID: "msg_1", Function: "notify/ops", Reason: "refused", Attempts: 1, At: time.Now(), Payload: []byte(`{"id":"msg_1","items":[{"record":"r1"}],"total":1}`),
	}); err != nil {
		t.Fatal(err)
	}
	contains(t, "replay", w.must("dead-letters", "replay", "msg_1", "--table", "ledger", "--now").stdout, "(notify/ops): back in the outbox: the deployment sends it")
	m, err := outboxdb.New(client, "ledger").Next(t.Context(), "ops")
	if err != nil || m == nil || m.Notice.ID != "msg_1" {
		t.Errorf("the outbox has %+v, %v", m, err)
	}
	if left, err := letters.DeadLetters(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%d dead letters are left, %v", len(left), err)
	}
}
