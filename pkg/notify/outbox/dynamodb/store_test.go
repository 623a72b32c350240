package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	ledger "github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/dynamodb"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/outboxtest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestStore(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, func(t *testing.T) outboxtest.Open {
		client, table := newTable(t)
		return func() outbox.Store { return dynamodb.New(client, table) }
	})
}

// newTable gives a new table of a ledger, and its client.
func newTable(t *testing.T) (*awsdynamodb.Client, string) {
	t.Helper()
	cfg := mototest.New(t).Config
	cfg.HTTPClient = &oneByOne{}
	client := awsdynamodb.NewFromConfig(cfg)
	if err := ledger.CreateTable(t.Context(), client, "ebb"); err != nil {
		t.Fatal(err)
	}
	return client, "ebb"
}

// oneByOne sends one request at a time. DynamoDB takes every transaction in one
// piece; the emulator lets those of several threads run into each other.
type oneByOne struct{ mu sync.Mutex }

func (c *oneByOne) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return http.DefaultClient.Do(r)
}

// dying is a client of a process that dies after some transactions.
type dying struct {
	*awsdynamodb.Client
	left int
}

var errDead = errors.New("the process is dead")

func (d *dying) TransactWriteItems(ctx context.Context, in *awsdynamodb.TransactWriteItemsInput, opts ...func(*awsdynamodb.Options)) (*awsdynamodb.TransactWriteItemsOutput, error) {
	if d.left--; d.left < 0 {
		return nil, errDead
	}
	return d.Client.TransactWriteItems(ctx, in, opts...)
}

// TestCommit_that_a_process_dies_in has a message take more results than a
// transaction holds, and the process die before the first, then after it.
func TestCommit_that_a_process_dies_in(t *testing.T) {
	t.Parallel()
	const results = 100
	client, table := newTable(t)
	s, now := dynamodb.New(client, table), time.Unix(1_790_000_000, 0)
	for n := range results {
		item := notify.Item{Record: fmt.Sprint(n), Severity: remedy.High}
		if err := s.Add(t.Context(), outbox.Entry{Channel: "ops", ID: item.Record, Outcome: "failed", At: now.Add(time.Duration(n)), Item: &item}); err != nil {
			t.Fatal(err)
		}
	}
	l := outbox.Lease{Channel: "ops", Owner: "me", Until: now.Add(time.Minute)}
	if held, err := s.Take(t.Context(), l, now); err != nil || !held {
		t.Fatal(held, err)
	}
	waiting := func() []outbox.Result {
		t.Helper()
		out, err := s.Waiting(t.Context(), "ops", []remedy.Severity{remedy.High})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	change := outbox.Change{At: now, Made: &notify.Notice{ID: "msg_1"}, Dropped: waiting()}
	for _, tt := range []struct{ survived, left, messages int }{{0, results, 0}, {1, 0, 1}} {
		if err := dynamodb.New(&dying{client, tt.survived}, table).Commit(t.Context(), l, change); !errors.Is(err, errDead) {
			t.Fatalf("got %v", err)
		}
		m, err := s.Next(t.Context(), "ops") // which completes what was begun
		if err != nil || (m != nil) != (tt.messages == 1) {
			t.Errorf("after %d transactions: the next message is %+v, %v", tt.survived, m, err)
		}
		made, err := s.Made(t.Context(), "ops", now.Add(-time.Second))
		if err != nil || made != tt.messages || len(waiting()) != tt.left {
			t.Errorf("after %d transactions: %d made, %d wait; want %d and %d; %v", tt.survived, made, len(waiting()), tt.messages, tt.left, err)
		}
	}
}

func TestErrors_say_what_to_do(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(mototest.New(t).Config)
	_, err := dynamodb.New(client, "nowhere").Channels(t.Context())
	if want := "there is no table nowhere in this region"; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
