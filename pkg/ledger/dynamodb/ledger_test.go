package dynamodb

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/ledgertest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestLedger(t *testing.T) {
	open := tables(t)
	ledgertest.Run(t, func(t *testing.T) remedy.Ledger {
		client, table := open(t)
		return New(client, table)
	})
}

// tables gives an account's client and, for each call, a new table in it.
func tables(t testing.TB) func(testing.TB) (*dynamodb.Client, string) {
	t.Helper()
	cfg := mototest.New(t).Config
	var n atomic.Int64
	return func(t testing.TB) (*dynamodb.Client, string) {
		t.Helper()
		cfg := cfg.Copy()
		cfg.HTTPClient = &oneByOne{next: http.DefaultClient}
		client := dynamodb.NewFromConfig(cfg)
		table := fmt.Sprintf("ledger-%d", n.Add(1))
		if err := CreateTable(t.Context(), client, table); err != nil {
			t.Fatal(err)
		}
		return client, table
	}
}

// oneByOne sends one request at a time. DynamoDB takes every transaction in
// one piece, as the ledger relies on; the emulator lets those of several
// threads run into each other.
type oneByOne struct {
	mu   sync.Mutex
	next *http.Client
}

func (c *oneByOne) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next.Do(r)
}
