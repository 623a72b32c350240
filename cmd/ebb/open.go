package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// store is the ledger that the flags name.
type store struct {
	remedy.Ledger
	file *sqlite.Ledger // nil for a table
}

// Close gives the ledger back.
func (s store) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// env gives what functions are opened with.
func (a *app) env() remedy.Env {
	env := host.Env(a.Getenv)
	env.AWSEndpoint, env.GitHubURL = a.awsEndpoint, a.githubURL
	return env
}

// lookAt opens the ledger of a folder that is there already.
func (a *app) lookAt(ctx context.Context) (store, error) {
	if a.table == "" {
		file := filepath.Join(a.data, local.LedgerFile)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return store{}, fmt.Errorf("there is no ledger at %s yet: ebb serve or ebb handle makes it; --data names another folder", file)
		}
	}
	return a.openStore(ctx)
}

// openStore opens the ledger, and makes the folder if need be.
func (a *app) openStore(ctx context.Context) (store, error) {
	if a.table != "" {
		cfg, err := cloud.LoadConfig(ctx, a.env())
		if err != nil {
			return store{}, err
		}
		if cfg.Region == "" {
			return store{}, fmt.Errorf("open table %s: no AWS region is known: set AWS_REGION", a.table)
		}
		return store{Ledger: dynamodb.New(awsdynamodb.NewFromConfig(cfg), a.table)}, nil
	}
	if err := os.MkdirAll(a.data, 0o700); err != nil {
		return store{}, fmt.Errorf("make data folder: %w", err)
	}
	l, err := sqlite.Open(ctx, filepath.Join(a.data, local.LedgerFile))
	if err != nil {
		return store{}, err
	}
	return store{l, l}, nil
}

// warn tells a person of a policy's warning.
func (a *app) warn(w string) { a.note("ebb: warning: %s", w) }

// loadPolicy reads the policy file and hands on its warnings. Without a file
// every function observes.
func (a *app) loadPolicy(warn func(string)) (*policy.Policy, error) {
	if a.policy == "" {
		return policy.Default(a.Functions), nil
	}
	p, err := policy.LoadFile(a.policy, a.Functions, a.Now())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("--policy %s: there is no such file", a.policy)
	case err != nil:
		return nil, err
	}
	for _, w := range p.Warnings() {
		warn(w)
	}
	if a.SampleNoops != nil {
		a.SampleNoops(p.TracedNoops())
	}
	return p, nil
}

// session is a ledger, a policy and an engine over them, for one command.
type session struct {
	*app
	store
	engine   *remedy.Engine
	handlers map[string]*remedy.Handler
}

// open makes the engine ready, over the ledger that ledger opens. Functions are
// opened when they are needed.
func (a *app) open(ctx context.Context, ledger func(context.Context) (store, error), opts remedy.Options) (*session, error) {
	p, err := a.loadPolicy(a.warn)
	if err != nil {
		return nil, err
	}
	st, err := ledger(ctx)
	if err != nil {
		return nil, err
	}
	opts.Now = a.Now
	says := policy.NewOverlay(p, a.Now)
	if st.file != nil { // where the console keeps what operators decided
		overrides, err := st.file.Overrides(ctx)
		if err != nil {
			return nil, errors.Join(err, st.Close())
		}
		says.Set(overrides)
	}
	return &session{a, st, remedy.New(st, says, opts), map[string]*remedy.Handler{}}, nil
}

// handler opens a function once.
func (s *session) handler(ctx context.Context, name string) (*remedy.Handler, error) {
	if h := s.handlers[name]; h != nil {
		return h, nil
	}
	f, ok := s.function(name)
	if !ok {
		return nil, fmt.Errorf("there is no function %q in this version of ebb", name)
	}
	h, err := remedy.Open(ctx, f, s.env())
	if err != nil {
		return nil, err
	}
	s.handlers[name] = h
	return h, nil
}

// invoke takes a delivery through a function, and keeps the event and
// the trace of what left a record.
func (s *session) invoke(ctx context.Context, name string, d host.Delivery) ([]remedy.Record, error) {
	h, err := s.handler(ctx, name)
	if err != nil {
		return nil, err
	}
	recs, err := host.Invoker{Engine: s.engine, Handler: h}.Invoke(ctx, d)
	return recs, errors.Join(err, s.keep(ctx, d.Payload, recs))
}

// maxCandidates is how many ids a prefix that is not unique names.
const maxCandidates = 5

// record finds a record by its id, or by the start of it that no other has.
func (s store) record(ctx context.Context, id string) (remedy.Record, error) {
	rec, err := s.Record(ctx, id)
	if !errors.Is(err, remedy.ErrNoRecord) {
		return rec, err
	}
	var found []remedy.Record
	for q := (remedy.Query{Limit: remedy.MaxPage}); ; {
		page, next, err := s.Records(ctx, q)
		if err != nil {
			return remedy.Record{}, err
		}
		for _, r := range page {
			if len(found) <= maxCandidates && startsWith(r.ID, id) {
				found = append(found, r)
			}
		}
		if q.After = next; next == "" || len(found) > maxCandidates {
			break
		}
	}
	i, err := only("record", id, found, func(r remedy.Record) string { return r.ID })
	if err != nil {
		return remedy.Record{}, err
	}
	return found[i], nil
}

// deadLetter finds a dead letter as record finds a record.
func (s store) deadLetter(ctx context.Context, id string) (remedy.DeadLetter, error) {
	d, err := s.DeadLetter(ctx, id)
	if !errors.Is(err, remedy.ErrNoDeadLetter) {
		return d, err
	}
	all, err := s.DeadLetters(ctx)
	if err != nil {
		return remedy.DeadLetter{}, err
	}
	all = slices.DeleteFunc(all, func(d remedy.DeadLetter) bool { return !startsWith(d.ID, id) })
	i, err := only("dead letter", id, all, func(d remedy.DeadLetter) string { return d.ID })
	if err != nil {
		return remedy.DeadLetter{}, err
	}
	return s.DeadLetter(ctx, all[i].ID)
}

// startsWith is strings.HasPrefix, but nothing starts with "".
func startsWith(id, start string) bool { return start != "" && strings.HasPrefix(id, start) }

// only gives the index of the one thing found, or says that there is not one.
func only[T any](what, id string, found []T, idOf func(T) string) (int, error) {
	switch len(found) {
	case 1:
		return 0, nil
	case 0:
		return 0, fmt.Errorf("there is no %s whose id is or starts with %q: ebb %ss lists them", what, id, strings.ReplaceAll(what, " ", "-"))
	}
	var ids []string
	for _, f := range found[:min(len(found), maxCandidates)] {
		ids = append(ids, idOf(f))
	}
	return 0, fmt.Errorf("%q is the start of more than one %s's id: %s", id, what, strings.Join(ids, ", "))
}

// user names the person at the keyboard.
func (a *app) user() string {
	name := cmp.Or(a.Getenv("USER"), a.Getenv("LOGNAME"), "someone")
	if machine, err := os.Hostname(); err == nil {
		name += "@" + machine
	}
	return name
}
