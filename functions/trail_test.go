//go:build linux

package functions_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/moto"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
	"github.com/ebb-ops/ebb/pkg/trail"
)

// ending is how a function leaves what change.py did to it.
type ending struct {
	Event string          // the name of the event of the bad change
	Good  json.RawMessage // the state, as change.py prints it
}

// endings gives those of all of AWS's functions by their names.
func (w *trailWorld) endings(t *testing.T) map[string]ending {
	t.Helper()
	out := map[string]ending{}
	for _, f := range functions.All {
		if strings.HasPrefix(f.Triggers[0].Source, "aws.") {
			out[f.Name] = w.change(t, f.Name).ending
		}
	}
	return out
}

// state gives what change.py finds now.
func (w *trailWorld) state(t *testing.T, function, resource string) string {
	t.Helper()
	return string(w.change(t, function, resource, "state").State)
}

// TestThroughTheTrail lets a program that knows nothing of Ebb change things with
// boto3. The trail makes the events; Ebb, whose own calls go through it too,
// takes the changes back, and its records say who did what, when.
func TestThroughTheTrail(t *testing.T) {
	w := newTrailWorld(t, trail.Chaos{})
	endings := w.endings(t)
	for name, end := range endings {
		t.Run(name, func(t *testing.T) { w.takesBack(t, name, end) })
	}
	w.knowsItself(t, len(endings))
	w.close(t)
}

// TestThroughChaos is the same with events that come late, twice and in another order.
func TestThroughChaos(t *testing.T) {
	w := newTrailWorld(t, trail.Chaos{Duplicate: 0.5, Reorder: 0.3, Max: 100 * time.Millisecond, Burst: 2})
	for name, end := range w.endings(t) {
		t.Run(name, func(t *testing.T) { w.settles(t, name, end) })
	}
	w.close(t)
}

// trailWorld is an emulator with its trail, and a host that has its events.
type trailWorld struct {
	trail  *trail.Trail
	host   *local.Host
	ledger *sqlite.Ledger
	person aws.Credentials
	env    remedy.Env   // with the credentials of Ebb's role
	events chan []byte  // all that were delivered
	own    atomic.Int32 // how many of them were of Ebb's calls

	missing atomic.Int32 // how many were made and not delivered yet

	addr string
	stop func() error

	ask     io.Writer // change.py
	answers *bufio.Reader
}

const (
	trailUser = "arn:aws:iam::123456789012:user/jane"
	trailRole = "arn:aws:iam::123456789012:role/ebb"
)

func newTrailWorld(t *testing.T, chaos trail.Chaos) *trailWorld {
	t.Helper()
	w := &trailWorld{events: make(chan []byte, 1000)}
	open := make(chan string, 1)
	var url string
	var err error
	var seen sync.Map // their ids
	made := func(trail.Note) { w.missing.Add(1) }
	w.trail, err = trail.Start(t.Context(), trail.Options{Chaos: chaos, Seed: 1, Made: made, Deliver: func(ctx context.Context, ev []byte) error {
		arrived := func() {
			if _, twice := seen.LoadOrStore(recorded(ev).EventID, true); !twice {
				w.missing.Add(-1)
			}
		}
		if bytes.Contains(ev, []byte(`:root"`)) {
			arrived()
			return nil // the stage is being set
		}
		if url == "" {
			select {
			case url = <-open:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := trail.Post(ctx, http.DefaultClient, url, ev); err != nil {
			return err
		}
		if bytes.Contains(ev, []byte(":assumed-role/ebb/serve")) {
			w.own.Add(1)
		}
		arrived()
		w.events <- ev
		return nil
	}})
	check(t, err)

	root := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.trail.URL), HTTPClient: cloud.KeepAnswers(nil),
		Credentials: credentials.NewStaticCredentialsProvider("root", "root", ""),
	}
	users := iam.NewFromConfig(root)
	_, err = users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("jane")})
	check(t, err)
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("jane")})
	check(t, err)
	w.person = aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}
	session, err := sts.NewFromConfig(root).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(trailRole), RoleSessionName: aws.String("serve")})
	check(t, err)
	w.startChanges(t)
	settings := map[string]string{
		"AWS_ACCESS_KEY_ID": *session.Credentials.AccessKeyId, "AWS_SECRET_ACCESS_KEY": *session.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN": *session.Credentials.SessionToken, "AWS_REGION": "us-east-1",
	}

	w.env = remedy.Env{AWSEndpoint: w.trail.URL, Getenv: func(name string) string { return settings[name] }}

	keeper := trace.NewKeeper()
	stopTraces, err := trace.Setup(trace.Options{Service: "ebb", Version: "test", RecordAll: true, Processors: []sdk.SpanProcessor{keeper}})
	check(t, err)
	data := t.TempDir()
	w.host, err = local.Open(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Data: data, Policy: enforcing(t), Functions: functions.All, Self: host.Self(trailRole), Keeper: keeper,
		Env: w.env,
	})
	check(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	ready := make(chan string, 1)
	go func() { done <- w.host.Run(ctx, func(a net.Addr) { ready <- "http://" + a.String() }) }()
	w.addr = <-ready
	open <- w.addr
	w.ledger, err = sqlite.Open(t.Context(), filepath.Join(data, local.LedgerFile))
	check(t, err)
	w.stop = func() error {
		cancel()
		if err := <-done; err != nil {
			return err
		}
		return stopTraces(context.Background())
	}
	return w
}

func (w *trailWorld) close(t *testing.T) {
	t.Helper()
	check(t, w.stop())
	check(t, w.ledger.Close())
	check(t, w.host.Close())
	check(t, w.trail.Close())
}

// startChanges starts change.py as the person.
func (w *trailWorld) startChanges(t *testing.T) {
	t.Helper()
	python, err := moto.Python()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), python, "-B", "testdata/change.py")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+w.trail.URL, "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+w.person.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+w.person.SecretAccessKey)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	w.ask, w.answers = in, bufio.NewReader(out)
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("change.py: %v", err)
		}
	})
}

// change has change.py do something.
func (w *trailWorld) change(t *testing.T, args ...string) (answer struct {
	ending
	Name, Error string
	State       json.RawMessage
}) {
	t.Helper()
	_, err := fmt.Fprintln(w.ask, strings.Join(args, " "))
	check(t, err)
	line, err := w.answers.ReadBytes('\n')
	check(t, err)
	check(t, json.Unmarshal(line, &answer))
	if answer.Error != "" {
		t.Fatalf("change.py %v: %s", args, answer.Error)
	}
	return answer
}

// spoil makes the function's bad change, and gives the name that the resource
// goes by. Where Ebb must know the good state, it has seen it before.
func (w *trailWorld) spoil(t *testing.T, function string) string {
	t.Helper()
	name := "acme-" + function
	if prepared := w.change(t, function, name, "prepare").Name; prepared != "" {
		name = prepared
		w.handled(t, 0)
	}
	return w.change(t, function, name, "change").Name
}

// reverted waits for the record of what was done to a resource.
func (w *trailWorld) reverted(t *testing.T, function, resource string) (rec remedy.Record) {
	t.Helper()
	until(t, function+" takes "+resource+" back", func() bool {
		recs, _, err := w.ledger.Records(t.Context(), remedy.Query{Function: function})
		check(t, err)
		for _, r := range recs {
			if strings.HasSuffix(r.Resource.ID, resource) && r.Outcome == remedy.Reverted {
				rec = r
				return true
			}
		}
		return false
	})
	return rec
}

// event waits for the last event of a name that the person made.
func (w *trailWorld) event(t *testing.T, id string) (at time.Time) {
	t.Helper()
	for {
		select {
		case raw := <-w.events:
			if ev := recorded(raw); ev.EventID == id {
				return ev.EventTime
			}
		case <-time.After(patience):
			t.Fatalf("the trail delivered no event %s", id)
		}
	}
}

// record is what an event says of itself.
type record struct {
	EventID   string
	EventTime time.Time
}

func recorded(raw []byte) record {
	var ev struct{ Detail record }
	_ = json.Unmarshal(raw, &ev) // one that can't be read has no id, and is missed
	return ev.Detail
}

func (w *trailWorld) takesBack(t *testing.T, function string, end ending) {
	began := time.Now().Truncate(time.Second)
	resource := w.spoil(t, function)
	rec := w.reverted(t, function, resource)
	if got := w.state(t, function, resource); got != string(end.Good) {
		t.Errorf("the state is %s, want %s", got, end.Good)
	}
	if diff := cmp.Diff([]string{end.Event, trailUser}, []string{rec.Event.Name, rec.Event.Actor.ID}); diff != "" {
		t.Errorf("the record's event and actor (-want +got):\n%s", diff)
	}
	changed := w.event(t, rec.Event.ID) // by the id that the trail gave it
	if !rec.Times.Changed.Equal(changed) || changed.Before(began) {
		t.Errorf("the record says %s changed it, the event %s, after %s", rec.Times.Changed, changed, began)
	}
	if rec.TraceID == "" || len(rec.Changes) == 0 || rec.Reason == "" {
		t.Errorf("the record has trace %q, changes %v and reason %q", rec.TraceID, rec.Changes, rec.Reason)
	}
	last := rec.Times.Changed
	for _, s := range rec.Times.Steps() {
		if s.To.Before(last) {
			t.Errorf("%s ended at %s, before what came ahead of it", s.Name, s.To)
		}
		last = s.To
	}
	if rec.Times.Verified.IsZero() {
		t.Error("the record does not say when it was verified")
	}
}

// settles is what must come of a change, however its events come.
func (w *trailWorld) settles(t *testing.T, function string, end ending) {
	resource := w.spoil(t, function)
	w.reverted(t, function, resource)
	until(t, "it stays so", func() bool { return w.state(t, function, resource) == string(end.Good) })
}

// knowsItself waits until Ebb has handled the events of its own calls: none of
// them made it change anything. Then a revert is undone, which makes the bad state
// anew: the event of that call is Ebb's own too, and nothing is to be done.
func (w *trailWorld) knowsItself(t *testing.T, changes int) {
	t.Helper()
	w.handled(t, changes)
	recs, _, err := w.ledger.Records(t.Context(), remedy.Query{})
	check(t, err)
	for _, r := range recs {
		if r.Event.Actor.ID != trailUser {
			t.Errorf("a record of %s is about a change of %s", r.Function, r.Event.Actor.ID)
		}
	}
	if len(recs) != changes {
		t.Errorf("there are %d records, want one for each of %d changes", len(recs), changes)
	}

	const name = "ec2-security-group"
	i := slices.IndexFunc(functions.All, func(f remedy.Function) bool { return f.Name == name })
	h, err := remedy.Open(t.Context(), functions.All[i], w.env)
	check(t, err)
	group := w.reverted(t, name, "")
	before := int(w.own.Load())
	_, err = remedy.New(w.ledger, enforcing(t), remedy.Options{}).Undo(t.Context(), h, group.ID, remedy.Actor{Name: "jane"}, "it was meant")
	check(t, err)
	w.handled(t, before+1)
	_, id, _ := strings.Cut(group.Resource.ID, "security-group/")
	if got, want := w.state(t, name, id), `["22 from 0.0.0.0/0", "443 from 0.0.0.0/0"]`; got != want {
		t.Errorf("after the undo the state is %s, want %s", got, want)
	}
	recs, _, err = w.ledger.Records(t.Context(), remedy.Query{})
	check(t, err)
	if len(recs) != changes+1 {
		t.Errorf("there are %d records, want one more, of the undo", len(recs))
	}
}

// handled waits until all events that were made have come, and so many of Ebb's
// own calls among them, and nothing waits in the inbox.
func (w *trailWorld) handled(t *testing.T, own int) {
	t.Helper()
	until(t, "the events come, and are handled", func() bool {
		res, err := http.Get(w.addr + "/readyz")
		check(t, err)
		defer func() { _ = res.Body.Close() }()
		var ready struct{ Pending int }
		check(t, json.NewDecoder(res.Body).Decode(&ready))
		return w.missing.Load() <= 0 && int(w.own.Load()) >= own && ready.Pending == 0
	})
}
