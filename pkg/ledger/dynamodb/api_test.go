package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

var t0 = time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC)

// spy is a client that notes its calls; what is set is called instead.
type spy struct {
	API
	mu       sync.Mutex
	calls    []string
	get      func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error)
	transact func() error // an error instead of the call
	put      func() error // likewise
}

func (s *spy) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *spy) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	s.note("BatchGetItem")
	if s.get != nil {
		return s.get(in)
	}
	return s.API.BatchGetItem(ctx, in, opts...)
}

func (s *spy) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	s.note("Query")
	return s.API.Query(ctx, in, opts...)
}

func (s *spy) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	s.note("PutItem")
	if s.put != nil {
		if err := s.put(); err != nil {
			return nil, err
		}
	}
	return s.API.PutItem(ctx, in, opts...)
}

func (s *spy) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	s.note("TransactWriteItems")
	if s.transact != nil {
		if err := s.transact(); err != nil {
			return nil, err
		}
	}
	return s.API.TransactWriteItems(ctx, in, opts...)
}

// times gives err for the first n calls.
func times(n int, err error) func() error {
	return func() error {
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}

func cancelled(codes ...string) error {
	err := &types.TransactionCanceledException{}
	for _, code := range codes {
		err.CancellationReasons = append(err.CancellationReasons, types.CancellationReason{Code: ptr(code)})
	}
	return err
}

func record(id, resource string) remedy.Record {
	return remedy.Record{
		ID: id, Function: "f", Outcome: remedy.Pending, Reason: "The work has begun.", Attempt: 1,
		Resource: remedy.Ref{Type: "T", ID: resource, Account: "1"}, Before: json.RawMessage(`{"a": 1}`),
		Times: remedy.Times{Received: t0},
	}
}

func intent(id, resource string) remedy.Intent {
	return remedy.Intent{
		Record: record(id, resource), Now: t0, Blast: remedy.Cap{Limit: 3, Window: time.Hour}, Fight: remedy.Cap{Limit: 3, Window: time.Hour},
		Lease: remedy.Lease{Record: id, Owner: "owner of " + id, Expires: t0.Add(time.Minute)},
	}
}

func finish(in remedy.Intent) remedy.Finish {
	return remedy.Finish{
		Record: in.Record, Owner: in.Lease.Owner, Now: in.Now, Changed: true,
		Baseline: &remedy.StoredState{State: json.RawMessage(`{}`), At: in.Now},
	}
}

// look is Look, which must work.
func look(t *testing.T, l *Ledger, rec remedy.Record) remedy.Known {
	t.Helper()
	known, err := l.Look(t.Context(), rec.Function, rec.Resource, rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func TestCalls(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	s := &spy{API: client}
	l := New(s, table)
	calls := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.calls); diff != "" {
			t.Errorf("calls of %s (-want +got):\n%s", what, diff)
		}
		s.calls = nil
	}
	in := intent("r1", "resource")
	in.Known = look(t, l, in.Record)
	calls("Look", "BatchGetItem")
	if err := l.Intend(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	calls("Intend", "TransactWriteItems")
	if err := l.Finish(t.Context(), finish(in)); err != nil {
		t.Fatal(err)
	}
	calls("Finish", "TransactWriteItems")
	if err := l.Intend(t.Context(), in); !errors.Is(err, remedy.ErrStale) {
		t.Fatal(err)
	}
	calls("a stale Intend", "TransactWriteItems")

	// A record whose first choice is the slot that r1 took must look for another.
	var other remedy.Intent
	for i := 2; ; i++ {
		if other = intent(fmt.Sprintf("r%d", i), "other resource"); guess(other).slot == guess(in).slot {
			break
		}
	}
	if err := l.Intend(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	calls("Intend with a taken slot", "TransactWriteItems", "BatchGetItem", "Query", "TransactWriteItems")
}

func TestRetries(t *testing.T) {
	t.Parallel()
	open := tables(t)
	conflict := cancelled("None", "TransactionConflict", "None")
	for name, tt := range map[string]struct {
		transact, put func() error
		get           func(API) func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error)
	}{
		"a transaction in conflict":  {transact: times(3, conflict)},
		"a transaction that is slow": {transact: times(2, cancelled("ThrottlingError", "None", "ProvisionedThroughputExceeded"))},
		"a write in conflict":        {put: times(3, &types.TransactionConflictException{})},
		"keys left unprocessed":      {get: oneKeyAtATime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, table := open(t)
			s := &spy{API: client, transact: tt.transact, put: tt.put}
			if tt.get != nil {
				s.get = tt.get(client)
			}
			l := New(s, table)
			base := remedy.StoredState{State: json.RawMessage(`1`), At: t0}
			in := intent("r1", "resource")
			if err := errors.Join(
				l.SaveBaseline(t.Context(), "f", in.Record.Resource, base),
				l.Intend(t.Context(), in),
			); err != nil {
				t.Fatal(err)
			}
			want := remedy.Known{Version: 1, Lease: &in.Lease, Baseline: &base, Record: &in.Record}
			if diff := cmp.Diff(want, look(t, l, in.Record)); diff != "" {
				t.Errorf("known (-want +got):\n%s", diff)
			}
		})
	}
}

// oneKeyAtATime answers the first key of a batch, and gives back the others.
func oneKeyAtATime(client API) func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	return func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
		rest := map[string]types.KeysAndAttributes{}
		for table, batch := range in.RequestItems {
			if len(batch.Keys) > 1 {
				rest[table] = types.KeysAndAttributes{Keys: batch.Keys[1:], ConsistentRead: batch.ConsistentRead}
			}
			batch.Keys = batch.Keys[:1]
			in.RequestItems[table] = batch
		}
		out, err := client.BatchGetItem(context.Background(), in)
		if err == nil {
			out.UnprocessedKeys = rest
		}
		return out, err
	}
}

// A resumed attempt reads before its transaction: what changes in between must
// not be written over.
func TestRecordChangesAfterSurvey(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	plain := New(client, table)
	rec := record("r1", "resource")
	rec.Outcome = remedy.Failed
	if err := plain.SaveRecord(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	in := intent("r1", "resource")
	in.Known = look(t, plain, rec)
	rec.Times.Recorded = t0.Add(1)
	l := New(&spy{API: client, transact: func() error { return plain.SaveRecord(t.Context(), rec) }}, table)
	if err := l.Intend(t.Context(), in); !errors.Is(err, remedy.ErrStale) {
		t.Errorf("got error %v, want %v", err, remedy.ErrStale)
	}
	if diff := cmp.Diff(remedy.Known{Record: &rec}, look(t, plain, rec)); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	t.Parallel()
	always := func() error { return cancelled("TransactionConflict", "None", "None") }
	l := New(&spy{transact: always, put: func() error { return &types.TransactionConflictException{} }}, "table")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for name, err := range map[string]error{
		"Intend":     l.Intend(ctx, intent("r1", "resource")),
		"SaveRecord": l.SaveRecord(ctx, record("r1", "resource")),
	} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got error %v, want %v", name, err, context.DeadlineExceeded)
		}
	}
}

func TestErrorsSayWhatWasDone(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	l := New(&spy{
		get:      func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) { return nil, down },
		transact: func() error { return down }, put: func() error { return down },
	}, "table")
	rec := record("r1", "resource")
	_, lookErr := l.Look(t.Context(), "f", rec.Resource, "r1")
	_, recordErr := l.Record(t.Context(), "r1")
	for want, err := range map[string]error{
		"ledger: look at T|resource: ":                     lookErr,
		"ledger: record r1: ":                              recordErr,
		"ledger: intend record r1: ":                       l.Intend(t.Context(), intent("r1", "resource")),
		"ledger: finish record r1: ":                       l.Finish(t.Context(), finish(intent("r1", "resource"))),
		"ledger: save record r1: ":                         l.SaveRecord(t.Context(), rec),
		"ledger: save the baseline of T|resource: ":        l.SaveBaseline(t.Context(), "f", rec.Resource, remedy.StoredState{}),
		"ledger: save dead letter d1: ":                    l.SaveDeadLetter(t.Context(), remedy.DeadLetter{ID: "d1"}),
		"ledger: save dead letter d2: write part 0 of pay": l.SaveDeadLetter(t.Context(), remedy.DeadLetter{ID: "d2", Payload: []byte("x")}),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, down) {
			t.Errorf("got error %v, want %q and what went wrong", err, want)
		}
	}
}

func TestDamagedParts(t *testing.T) {
	t.Parallel()
	open := tables(t)
	for name, tt := range map[string]struct {
		damage func(part item) item // nil removes it
		want   string
	}{
		"changed": {func(part item) item { part["part"] = bin([]byte("something else")); return part }, "their hash is another"},
		"missing": {func(item) item { return nil }, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, table := open(t)
			s := &spy{API: client}
			l := New(s, table)
			rec := record("r1", "resource")
			rec.Outcome = remedy.Held
			rec.Before = random(t, 1<<20)
			if err := l.SaveRecord(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			s.get = func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
				out, err := client.BatchGetItem(t.Context(), in)
				if err != nil {
					return nil, err
				}
				var kept []item
				for _, it := range out.Responses[table] {
					if strings.HasPrefix(text(it, "pk"), "BLOB#") && text(it, "sk") == "0001" {
						it = tt.damage(it)
					}
					if it != nil {
						kept = append(kept, it)
					}
				}
				out.Responses[table] = kept
				return out, nil
			}
			got, err := l.Record(t.Context(), "r1")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want it to say %q", err, tt.want)
			}
			if diff := cmp.Diff(remedy.Record{}, got); diff != "" {
				t.Errorf("a record beside the error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeadLettersLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	l := New(client, table)
	for _, payload := range [][]byte{random(t, 1<<20), []byte("small"), nil, random(t, 400<<10)} {
		if err := l.SaveDeadLetter(t.Context(), remedy.DeadLetter{ID: "d1", Payload: payload, At: t0}); err != nil {
			t.Fatal(err)
		}
		got, err := l.DeadLetter(t.Context(), "d1")
		if err != nil || !bytes.Equal(payload, got.Payload) {
			t.Errorf("got %d bytes and error %v, want the %d that were saved", len(got.Payload), err, len(payload))
		}
	}
	if err := l.RemoveDeadLetter(t.Context(), "d1"); err != nil {
		t.Fatal(err)
	}
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil || len(out.Items) > 0 {
		t.Errorf("got %d items and error %v, want none", len(out.Items), err)
	}
}

func TestOldFightsAreTrimmed(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	l := New(client, table)
	var last remedy.Intent
	for i := range remedy.MaxFightLimit + 3 {
		in := intent(fmt.Sprintf("r%d", i), "resource")
		in.Known = remedy.Known{Version: int64(i)}
		in.Now = t0.Add(time.Duration(i) * time.Hour)
		in.Lease.Expires, in.Blast = in.Now, remedy.Cap{}
		if err := l.Intend(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		last = in
	}
	if err := l.Finish(t.Context(), finish(last)); err != nil {
		t.Fatal(err)
	}
	items, err := l.fetch(t.Context(), entryKey(last.Record.Resource))
	if err != nil {
		t.Fatal(err)
	}
	e, err := decodeEntry(items[entryKey(last.Record.Resource)])
	if err != nil {
		t.Fatal(err)
	}
	if len(e.fights) != remedy.MaxFightLimit || e.fights[0].Record != last.Record.ID {
		t.Errorf("%d reverts are kept, the first of %s; want %d, the first of %s", len(e.fights), e.fights[0].Record, remedy.MaxFightLimit, last.Record.ID)
	}
}

// Reverts out of order, as hosts with different clocks make them, are counted
// all the same.
func TestFightsOutOfOrder(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	l := New(client, table)
	for i, at := range []time.Duration{time.Hour, 0} {
		in := intent(fmt.Sprintf("r%d", i), "resource")
		in.Known, in.Now, in.Lease.Expires = remedy.Known{Version: int64(i)}, t0.Add(at), t0
		if err := l.Intend(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	in := intent("r2", "resource") // the older of two has left the window
	in.Known, in.Now, in.Fight.Limit, in.Blast = remedy.Known{Version: 2}, t0.Add(90*time.Minute), 2, remedy.Cap{}
	if err := l.Intend(t.Context(), in); err != nil {
		t.Error(err)
	}
}

// With caps of two sizes in force, the largest bounds the reverts.
func TestCapsOfTwoSizes(t *testing.T) {
	t.Parallel()
	client, table := tables(t)(t)
	l := New(client, table)
	through := 0
	for i := range 30 {
		in := intent(fmt.Sprintf("r%d", i), fmt.Sprintf("resource %d", i))
		in.Blast.Limit = []int{7, 2}[i%2]
		err := l.Intend(t.Context(), in)
		var reached *remedy.CapReached
		switch {
		case err == nil:
			through++
		case !errors.As(err, &reached) || reached.Count < reached.Limit:
			t.Fatal(err)
		}
	}
	if through != 7 {
		t.Errorf("%d went through, want 7", through)
	}
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.NewChaCha8([32]byte{7}).Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}
