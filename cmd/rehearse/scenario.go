package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/functions/functionstest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// rehearsal is all that runs.
type rehearsal struct {
	out      printer
	root     string // the repository
	dist     string // where the bootstraps were built
	emulator string // the AWS emulator's URL
	inSpoke  func(remedy.Function) bool

	roles  map[string]*role  // in spokes, by ARN
	owners map[string]string // of buckets
	table  []result
}

// deployment is one stack and what it is tried on.
type deployment struct {
	where     string // what it is, for the table
	org       string // the organization that its accounts are in, or none
	stack     *stack
	functions map[string]*function
	results   string  // the queue of Ebb's own events
	account   account // where changes are made
	spoke     *stack  // of that account, or nil when it is the stack's own
	stages    map[string]functionstest.Stage
}

// deploy creates a stack, reads what it made, and wires its rules to queues.
func (r *rehearsal) deploy(ctx context.Context, where string, hub account, parameters map[string]string) (*deployment, error) {
	templates, err := transform(ctx, r.root, r.root, "template.yaml")
	if err != nil {
		return nil, err
	}
	const name = "ebb"
	left, err := reduce(templates, func(id string, res *resource) (string, error) {
		if res.Type == "AWS::SecretsManager::Secret" {
			return hub.secret(ctx, id, res, map[string]string{"Stack": name})
		}
		return "not-in-the-rehearsal", nil
	})
	if err != nil {
		return nil, err
	}
	r.out.left(left)
	d := &deployment{where: where, org: parameters["OrganizationId"], account: hub, stages: map[string]functionstest.Stage{}}
	if d.stack, err = create(ctx, hub, name, "template.yaml", templates, parameters); err != nil {
		return nil, err
	}
	r.out.line("  %d resources, %d functions, %d roles", len(d.stack.resources), len(d.stack.of("AWS::Lambda::Function")), len(d.stack.of("AWS::IAM::Role")))
	if err := d.stack.attach(ctx); err != nil {
		return nil, err
	}
	if d.functions, err = d.stack.functions(ctx); err != nil {
		return nil, err
	}
	if err := d.stack.wire(ctx, d.functions); err != nil {
		return nil, err
	}
	d.results, err = d.stack.results(ctx)
	return d, err
}

// set sets the stages of the functions that a deployment is tried with.
func (r *rehearsal) set(ctx context.Context, d *deployment, which func(remedy.Function) bool) error {
	for _, f := range functions.All {
		if !which(f) {
			continue
		}
		if d.functions[f.Name] == nil || d.functions[f.Name].queue == "" {
			return fmt.Errorf("the stack has no function %s, or no rule for it", f.Name)
		}
		s, err := functionstest.Set(ctx, r.root, f.Name, functionstest.Account{ID: d.account.id, Config: d.account.cfg})
		if err != nil {
			return err
		}
		d.stages[f.Name] = s
	}
	out, err := s3.NewFromConfig(d.account.cfg).ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return fmt.Errorf("list the buckets of account %s: %w", d.account.id, err)
	}
	for _, b := range out.Buckets {
		r.owners[*b.Name] = d.account.id
	}
	return nil
}

func (d *deployment) close() {
	for _, s := range d.stages {
		s.Close()
	}
}

func ofAWS(f remedy.Function) bool { return strings.HasPrefix(f.Triggers[0].Source, "aws.") }

// play makes every change, has the rules deliver the events, and the functions
// put the changes back.
func (r *rehearsal) play(ctx context.Context, d *deployment) error {
	r.out.step(d.where + ": events go onto the bus, and over the rules' patterns to queues")
	for name, s := range d.stages {
		if s.Learn == nil {
			continue
		}
		if err := r.learn(ctx, d, d.functions[name], s); err != nil {
			return fmt.Errorf("let %s see the good state: %w", name, err)
		}
	}
	for name, s := range d.stages {
		if err := s.Spoil(ctx); err != nil {
			return fmt.Errorf("make the change for %s: %w", name, err)
		}
		if err := expect(ctx, s, s.Bad); err != nil {
			return fmt.Errorf("%s: after the change: %w", name, err)
		}
		for _, event := range [][]byte{s.Event, s.Failed} {
			if event == nil || s.Failed == nil { // that of a webhook comes from its receiver
				continue
			}
			if err := d.account.put(ctx, "default", event); err != nil {
				return err
			}
		}
	}
	for _, f := range forges() {
		if _, ok := d.stages[f.function()]; ok {
			res := result{where: d.where, function: f.receiver()}
			res.err = r.receive(ctx, f, d, &res)
			r.report(res)
		}
	}
	for _, f := range functions.All {
		s, ok := d.stages[f.Name]
		if !ok {
			continue
		}
		res := result{where: d.where, function: f.Name}
		res.err = r.remediate(ctx, d, d.functions[f.Name], s, &res)
		r.report(res)
	}
	if d.spoke == nil {
		res := result{where: d.where, function: reporter}
		res.err = r.write(ctx, d, &res)
		r.report(res)
	}
	return nil
}

func (r *rehearsal) report(res result) {
	r.out.outcome(res)
	r.table = append(r.table, res)
}

// learn lets a function see a good state, which it can bring back only then.
func (r *rehearsal) learn(ctx context.Context, d *deployment, f *function, s functionstest.Stage) (err error) {
	if err := d.account.put(ctx, "default", s.Learn); err != nil {
		return err
	}
	events, err := d.stack.account.received(ctx, f.queue)
	if err != nil {
		return err
	}
	if len(events) != 1 {
		return fmt.Errorf("its rule delivered %d events, want one", len(events))
	}
	event, err := belong(events[0], d.account.id)
	if err != nil {
		return err
	}
	g, err := r.gate(d)
	if err != nil {
		return err
	}
	defer g.server.Close()
	process, err := f.start(ctx, r.root, r.dist, g, nil)
	if err != nil {
		return err
	}
	defer func() { err = r.finish(process, &result{}, err) }()
	var answer struct{ Records []remedy.Record }
	if err := process.Invoke(ctx, event, &answer); err != nil {
		return err
	}
	if len(answer.Records) != 1 || answer.Records[0].Outcome != remedy.Compliant {
		return fmt.Errorf("its records are %+v, want one that is compliant", answer.Records)
	}
	return nil
}

// remediate hands a function what its queue holds, and tells whether it did what
// it must and could do no more.
func (r *rehearsal) remediate(ctx context.Context, d *deployment, f *function, s functionstest.Stage, res *result) (err error) {
	events, err := d.stack.account.received(ctx, f.queue)
	if err != nil {
		return err
	}
	if len(events) != 1 {
		return fmt.Errorf("its rule delivered %d events, want one: that of the change, and neither failed calls nor others' events", len(events))
	}
	event, err := belong(events[0], d.account.id)
	if err != nil {
		return err
	}
	if d.spoke != nil {
		if err := r.refusedBySpoke(ctx, d, f, s, event); err != nil {
			return err
		}
	}
	g, err := r.gate(d)
	if err != nil {
		return err
	}
	defer g.server.Close()
	over := map[string]string{}
	for _, forge := range forges() {
		name := "EBB_" + forge.setting() + "_URL"
		if url := s.Settings[name]; url != "" {
			over[name] = url
		}
	}
	process, err := f.start(ctx, r.root, r.dist, g, over)
	if err != nil {
		return err
	}
	defer func() { err = r.finish(process, res, err) }()
	var answer struct{ Records []remedy.Record }
	if err := process.Invoke(ctx, event, &answer); err != nil {
		return err
	}
	if len(answer.Records) != 1 || answer.Records[0].Outcome != remedy.Reverted {
		return fmt.Errorf("its records are %+v, want one that is reverted", answer.Records)
	}
	if err := expect(ctx, s, s.Good); err != nil {
		return fmt.Errorf("after the function: %w", err)
	}
	if err := d.kept(ctx, answer.Records[0]); err != nil {
		return err
	}
	return r.confined(ctx, d, f, g, res)
}

// confined holds that nothing that a function did was refused, and that what its
// role does not allow is.
func (r *rehearsal) confined(ctx context.Context, d *deployment, f *function, g *gate, res *result) error {
	requests, used, refused, unknown := g.seen()
	if len(refused)+len(unknown) > 0 {
		return fmt.Errorf("calls were refused: %v %w", refused, errors.Join(unknown...))
	}
	res.calls, res.used, res.unused = requests, used, unused(used, r.rolesOf(d, f))
	return outside(ctx, f, g, r.emulator, d)
}

// finish ends a function's process and reads its times.
func (r *rehearsal) finish(process *running, res *result, err error) error {
	err = errors.Join(err, process.close())
	res.start, res.invoke = process.times()
	if err != nil {
		r.out.log(process.Log())
	}
	return err
}

// rolesOf gives a function's role and that which it has in a spoke.
func (r *rehearsal) rolesOf(d *deployment, f *function) []*role {
	roles := []*role{f.role}
	if in := r.roles[spokeRole(d.account.id, f)]; d.spoke != nil && in != nil {
		roles = append(roles, in)
	}
	return roles
}

// spokeRole gives the ARN of the role that infra/spoke.yaml makes for a function.
func spokeRole(account string, f *function) string {
	return "arn:aws:iam::" + account + ":role/ebb-" + f.name
}

// gate opens a gate for a deployment.
func (r *rehearsal) gate(d *deployment) (*gate, error) {
	return openGate(r.emulator, d.org, func(arn string) *role { return r.roles[arn] }, func(bucket string) string { return r.owners[bucket] })
}

// expect compares a stage's state.
func expect(ctx context.Context, s functionstest.Stage, want []string) error {
	got, err := s.State(ctx)
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the state is not what it must be (-want +got):\n%s", diff)
	}
	return nil
}

// kept holds that a record is in the stack's table, and its event on the bus.
func (d *deployment) kept(ctx context.Context, rec remedy.Record) error {
	ledger := dynamodb.New(awsdynamodb.NewFromConfig(d.stack.account.cfg), d.stack.outputs["LedgerTable"])
	recs, _, err := ledger.Records(ctx, remedy.Query{Function: rec.Function})
	if err != nil {
		return fmt.Errorf("read the records: %w", err)
	}
	if !slices.ContainsFunc(recs, func(r remedy.Record) bool { return r.ID == rec.ID && r.Outcome == remedy.Reverted && len(r.Before) > 0 }) {
		return fmt.Errorf("the table does not have the record %s with what was there before", rec.ID)
	}
	results, err := d.stack.account.received(ctx, d.results)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(results, func(e string) bool { return strings.Contains(e, "remediation.reverted") && strings.Contains(e, rec.ID) }) {
		return fmt.Errorf("the bus did not get the result of record %s", rec.ID)
	}
	return nil
}
