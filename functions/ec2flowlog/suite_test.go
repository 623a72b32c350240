package ec2flowlog

import (
	"context"
	"encoding/json"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// itself stands for the VPC that is monitored.
const itself = "vpc-itself"

// format is EC2's default.
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
const format = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

func suite() remedytest.Suite[Target, State, Change, struct{}] {
	plain := State{Log: &Log{
		Resource: itself, Traffic: "ALL", DestinationType: "cloud-watch-logs", LogGroup: "flows", DeliveryRole: "arn:aws:iam::111122223333:role/flows",
		Format: format, Interval: 600,
	}}
	tagged := State{Log: &Log{
		Resource: itself, Traffic: "REJECT", DestinationType: "cloud-watch-logs", LogGroup: "rejected", DeliveryRole: "arn:aws:iam::111122223333:role/flows",
		Format: "${version} ${srcaddr}", Interval: 60, Tags: map[string]string{"team": "net", "owner": "security"},
	}}
	one, create := []string{"flow-log-deleted"}, []string{"ec2:CreateFlowLogs"}
	return remedytest.Suite[Target, State, Change, struct{}]{
		Function: Function,
		Rule:     rules,
		Normal:   normal,
		Cases: []remedytest.Case[State, struct{}]{
			{Name: "a flow log", Live: tagged, Baseline: &tagged},
			{Name: "a deleted one", Baseline: &plain, Live: State{}, Rules: one, Calls: create, Want: plain},
			{Name: "a deleted one with settings and tags of its own", Baseline: &tagged, Live: State{}, Rules: one, Calls: create, Want: tagged},
		},
	}
}

// normal leaves out the id, and the tag that names another one.
func normal(s State) State {
	if s.Log == nil {
		return s
	}
	l := *s.Log
	l.ID, l.Tags = "", maps.Clone(l.Tags)
	delete(l.Tags, tagReplaces)
	if len(l.Tags) == 0 {
		l.Tags = nil
	}
	return State{Log: &l}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	full := everything()
	full.Resource = itself
	full.Tags = map[string]string{"team": "net"}
	want := State{Log: &full}
	s.Cases = append(s.Cases, remedytest.Case[State, struct{}]{
		Name: "all that the emulator does not keep", Baseline: &want, Rules: []string{"flow-log-deleted"}, Calls: []string{"ec2:CreateFlowLogs"}, Want: want,
	})
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return (&world{api: f, vpc: f.vpc, account: "111122223333", remove: func(testing.TB) { f.vpc = "" }}).open()
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		vpc, err := api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{api: api, vpc: *vpc.Vpc.VpcId, account: account.ID}
		w.remove = func(t testing.TB) {
			if _, err := api.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: &w.vpc}); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			w.clear(context.WithoutCancel(t.Context()), t)
			_, _ = api.DeleteVpc(context.WithoutCancel(t.Context()), &ec2.DeleteVpcInput{VpcId: &w.vpc})
		})
		return w.open()
	}
	remedytest.RunEmulated(t, s)
}

// world is a VPC in an EC2, real enough, and its flow log.
type world struct {
	api          client
	vpc, account string
	remove       func(testing.TB) // deletes the VPC
	first        string           // the first flow log's id
}

func (w *world) open() remedytest.World[Target, State, Change] {
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return w.api }},
		Seed:     w.seed, State: w.state, Named: w.named,
		Remove: func(t testing.TB) {
			w.clear(t.Context(), t)
			w.remove(t)
		},
	}
}

// logs gives the VPC's flow logs.
func (w *world) logs(ctx context.Context, t testing.TB) []types.FlowLog {
	t.Helper()
	out, err := w.api.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{Filter: []types.Filter{{Name: aws.String("resource-id"), Values: []string{w.vpc}}}})
	if err != nil {
		t.Fatal(err)
	}
	return out.FlowLogs
}

func (w *world) clear(ctx context.Context, t testing.TB) {
	t.Helper()
	for _, l := range w.logs(ctx, t) {
		if _, err := w.api.DeleteFlowLogs(ctx, &ec2.DeleteFlowLogsInput{FlowLogIds: []string{*l.FlowLogId}}); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) seed(t testing.TB, s State) remedy.Event {
	t.Helper()
	if s.Log != nil && w.first != "" && len(w.logs(t.Context(), t)) == 1 {
		return w.event(t, "DeleteFlowLogs") // it is there already
	}
	w.clear(t.Context(), t)
	if s.Log != nil {
		l := *s.Log
		l.Resource = w.vpc
		in := input(l)
		if len(l.Tags) == 0 {
			in.TagSpecifications = nil
		}
		out, err := w.api.CreateFlowLogs(t.Context(), in)
		if err != nil || len(out.FlowLogIds) != 1 {
			t.Fatalf("create a flow log: %+v, %v", out, err)
		}
		w.first = out.FlowLogIds[0]
	}
	return w.event(t, "DeleteFlowLogs")
}

func (w *world) event(t testing.TB, name string, ids ...string) remedy.Event {
	t.Helper()
	if len(ids) == 0 {
		ids = []string{w.first}
	}
	detail, err := json.Marshal(map[string]any{"requestParameters": map[string]any{"DeleteFlowLogsRequest": map[string]any{"FlowLogId": ids}}})
	if err != nil {
		t.Fatal(err)
	}
	return remedy.Event{Source: "aws.ec2", Name: name, Account: w.account, Region: mototest.Region, Detail: detail}
}

func (w *world) state(t testing.TB) State {
	t.Helper()
	found := w.logs(t.Context(), t)
	if len(found) > 1 {
		t.Fatalf("there are %d flow logs, want one at most", len(found))
	}
	if len(found) == 0 {
		return State{}
	}
	l, err := fromAWS(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return w.named(State{Log: &l})
}

func (w *world) named(s State) State {
	s = normal(s)
	if s.Log != nil && s.Log.Resource == w.vpc {
		s.Log.Resource = itself
	}
	return s
}

// lab is the function with an engine and a ledger of its own, over a fake.
type lab struct {
	*testing.T
	*world
	fake    *fake
	engine  *remedy.Engine
	handler *remedy.Handler
}

type enforce struct{}

func (enforce) Decide(string, remedy.Ref) remedy.Decision {
	return remedy.Decision{
		Mode: remedy.Enforce, UndoHold: time.Hour,
		Blast: remedy.Cap{Limit: 100, Window: time.Hour}, Fight: remedy.Cap{Limit: 100, Window: time.Hour},
	}
}

func (enforce) Exempt(remedy.ExemptionQuery) *remedy.Exemption { return nil }

var ebb = remedy.Actor{ID: "ebb"}

func newLab(t *testing.T) *lab {
	t.Helper()
	ledger, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	f := newFake()
	function := Function
	function.New = func(context.Context, remedy.Env) (remedy.Remedy, error) { return remedy.Bind(rules, storeOf(f)), nil }
	h, err := remedy.Open(t.Context(), function, remedy.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{
		T: t, world: &world{api: f, vpc: f.vpc, account: "111122223333"}, fake: f, handler: h,
		engine: remedy.New(ledger, enforce{}, remedy.Options{VerifyFor: time.Second, Self: func(a remedy.Actor) bool { return a == ebb }}),
	}
}

// handle takes the event of a flow log to its record.
func (l *lab) handle(id, log string, by remedy.Actor, want remedy.Outcome) remedy.Record {
	l.Helper()
	ev := l.event(l, "DeleteFlowLogs", log)
	ev.ID, ev.Actor = id, by
	recs, err := l.engine.Handle(l.Context(), l.handler, ev)
	if len(recs) != 1 || recs[0].Outcome != want {
		l.Fatalf("event %s: records = %+v, %v; want one %s", id, recs, err, want)
	}
	return recs[0]
}

// TestEachSuccessorIsKeptUnderTheFirst deletes a flow log, and what Ebb makes of
// it, again and again: EC2 names another id each time.
func TestEachSuccessorIsKeptUnderTheFirst(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	person := remedy.Actor{ID: "jane"}
	full := everything()
	full.Tags = nil
	l.seed(t, State{Log: &full})
	first, gone := l.first, l.first
	l.handle("made", first, person, remedy.Compliant)
	for _, round := range []string{"1", "2", "3"} {
		delete(l.fake.logs, gone)
		rec := l.handle("deleted "+round, gone, person, remedy.Reverted)
		if want := (Target{first, "111122223333", mototest.Region}).Ref(); rec.Resource != want {
			t.Errorf("round %s: the record is of %s, want %s", round, rec.Resource.ID, want.ID)
		}
		if diff := cmp.Diff(normal(State{Log: &full}).Log.settings(), normalLog(l)); diff != "" {
			t.Errorf("round %s: the flow log (-want +got):\n%s", round, diff)
		}
		for id := range l.fake.logs {
			if id == gone {
				t.Fatalf("round %s: %s is there again", round, id)
			}
			gone = id
		}
		l.handle("made again "+round, gone, ebb, remedy.Compliant)
	}
}

func normalLog(l *lab) Log {
	s := l.state(l)
	s.Log.Resource = l.vpc
	return s.Log.settings()
}

// TestEbbDoesNotFightItsOwnUndo has the event of the deletion that an undo makes:
// it names the successor, by an id that no record is of.
func TestEbbDoesNotFightItsOwnUndo(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	full := everything()
	full.Tags = nil
	l.seed(t, State{Log: &full})
	l.handle("made", l.first, remedy.Actor{ID: "jane"}, remedy.Compliant)
	delete(l.fake.logs, l.first)
	rec := l.handle("deleted", l.first, remedy.Actor{ID: "jane"}, remedy.Reverted)
	l.handle("made again", "fl-00000000000000002", ebb, remedy.Compliant)
	if _, err := l.engine.Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "jane"}, "it was meant"); err != nil {
		t.Fatal(err)
	}
	l.handle("undone", "fl-00000000000000002", ebb, remedy.Ignored)
	l.handle("undone, by its first name", l.first, remedy.Actor{ID: "jane"}, remedy.Exempt)
	if len(l.fake.logs) != 0 {
		t.Errorf("the flow logs are %v, want none", l.fake.logs)
	}
}

// TestWhatWasNeverSeenIsAPersonsToMake has a flow log that was deleted before
// Ebb read it: its settings are nowhere.
func TestWhatWasNeverSeenIsAPersonsToMake(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ev := l.event(t, "DeleteFlowLogs", "fl-unknown")
	ev.ID = "deleted"
	recs, err := l.engine.Handle(t.Context(), l.handler, ev)
	if len(recs) != 1 || recs[0].Outcome != remedy.Failed || !remedy.IsPermanent(err) {
		t.Fatalf("records = %+v, %v; want one that failed for good", recs, err)
	}
	const want = "No repair is known: this can't be put back by Ebb, so a person must: Flow log fl-unknown was deleted. No retry will mend that."
	if recs[0].Reason != want {
		t.Errorf("reason = %q, want %q", recs[0].Reason, want)
	}
}
