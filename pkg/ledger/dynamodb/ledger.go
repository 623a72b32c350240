// Package dynamodb is the ledger in one DynamoDB table.
//
// A look is one sequential call and so is an intent: every condition of an
// intent is a condition of its one transaction. The table's items are
//
//	pk                          sk                holds
//	RES#<resource>              ENTRY             version, lease, last change, holds, reverts for the fight cap
//	RES#<resource>              BASE#<function>   a baseline
//	REC#<record>                REC               a record, listed by the index
//	CAP#<function>|<account>    <slot>            one revert for the blast cap
//	DEAD                        <dead letter>     a dead letter without its payload
//	DEAD#<dead letter>#<hash>   <part>            its payload
//	BLOB#<hash>                 <part>            what is too large for the item that names it
package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// API is what the ledger needs of a DynamoDB client; *dynamodb.Client has it.
type API interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Ledger is a [remedy.Ledger] in one DynamoDB table. It keeps nothing in
// memory and is safe for concurrent use.
type Ledger struct {
	client API
	table  string
}

var _ remedy.Ledger = (*Ledger)(nil)

// New gives the ledger in a table like the one [CreateTable] makes.
func New(client API, table string) *Ledger { return &Ledger{explained{client, table}, table} }

// Look implements [remedy.Ledger].
func (l *Ledger) Look(ctx context.Context, function string, r remedy.Ref, recordID string) (remedy.Known, error) {
	known, err := l.look(ctx, function, r, recordID)
	if err != nil {
		return remedy.Known{}, fmt.Errorf("ledger: look at %s: %w", r.Key(), err)
	}
	return known, nil
}

func (l *Ledger) look(ctx context.Context, function string, r remedy.Ref, recordID string) (known remedy.Known, err error) {
	entryAt, baseAt, recordAt := entryKey(r), baselineKey(r, function), recordKey(recordID)
	items, err := l.fetch(ctx, entryAt, baseAt, recordAt)
	if err != nil {
		return known, err
	}
	if it := items[entryAt]; it != nil {
		e, err := decodeEntry(it)
		if err != nil {
			return known, err
		}
		known.Version, known.Lease, known.Released, known.Last = e.version, e.lease, e.released, e.last
		if hold := it[holdName(function)]; hold != nil {
			known.Hold = new(remedy.Hold)
			if err := json.Unmarshal([]byte(text(it, holdName(function))), known.Hold); err != nil {
				return known, fmt.Errorf("decode hold: %w", err)
			}
		}
	}
	if it := items[baseAt]; it != nil {
		if known.Baseline, err = l.decodeBaseline(ctx, it); err != nil {
			return known, err
		}
	}
	if it := items[recordAt]; it != nil {
		rec, err := l.decodeRecord(ctx, it)
		if err != nil {
			return known, err
		}
		known.Record = &rec
	}
	return known, nil
}

// SaveBaseline implements [remedy.Ledger].
func (l *Ledger) SaveBaseline(ctx context.Context, function string, r remedy.Ref, state remedy.StoredState) error {
	put, err := l.baselinePut(ctx, function, r, state)
	if err == nil {
		_, err = l.put(ctx, put)
	}
	var later *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &later) {
		return fmt.Errorf("ledger: save the baseline of %s: %w", r.Key(), err)
	}
	return nil
}

// baselinePut writes a baseline unless a later one is kept.
func (l *Ledger) baselinePut(ctx context.Context, function string, r remedy.Ref, s remedy.StoredState) (*types.Put, error) {
	it := baselineKey(r, function).item()
	it["read_at"], it["event"] = str(stored.Time(s.At)), str(s.Event)
	if err := l.pack(ctx, it, blob("state"), s.State); err != nil {
		return nil, err
	}
	return &types.Put{
		TableName: &l.table, Item: it,
		ConditionExpression:       ptr("attribute_not_exists(pk) OR read_at <= :at"),
		ExpressionAttributeValues: item{":at": it["read_at"]},
	}, nil
}

func (l *Ledger) decodeBaseline(ctx context.Context, it item) (*remedy.StoredState, error) {
	at, err := timeOf(it, "read_at")
	if err != nil {
		return nil, err
	}
	state, err := l.unpack(ctx, it, blob("state"))
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	return &remedy.StoredState{State: state, At: at, Event: text(it, "event")}, nil
}

// fetch reads items by key, strongly consistently; those that are not there
// are missing from the answer.
func (l *Ledger) fetch(ctx context.Context, keys ...key) (map[key]item, error) {
	const most = 100 // keys in one BatchGetItem
	found := make(map[key]item, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), most)
		batch := types.KeysAndAttributes{ConsistentRead: ptr(true)}
		for _, k := range keys[:n] {
			batch.Keys = append(batch.Keys, k.item())
		}
		keys = keys[n:]
		var again backoff
		for len(batch.Keys) > 0 {
			out, err := l.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{l.table: batch},
			})
			if err != nil {
				return nil, err
			}
			for _, it := range out.Responses[l.table] {
				found[keyOf(it)] = it
			}
			if batch.Keys = out.UnprocessedKeys[l.table].Keys; len(batch.Keys) > 0 {
				if err := again.wait(ctx); err != nil {
					return nil, err
				}
			}
		}
	}
	return found, nil
}

// put writes one item and gives the one that it replaced. It waits while a
// transaction is at work on the item.
func (l *Ledger) put(ctx context.Context, p *types.Put) (old item, err error) {
	var again backoff
	for {
		out, err := l.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: p.TableName, Item: p.Item,
			ConditionExpression: p.ConditionExpression, ExpressionAttributeValues: p.ExpressionAttributeValues,
			ReturnValues: types.ReturnValueAllOld,
		})
		if err == nil {
			return out.Attributes, nil
		}
		var conflict *types.TransactionConflictException
		if !errors.As(err, &conflict) {
			return nil, err
		}
		if err := again.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// backoff waits longer each time, by chance, so that those who collided do not
// collide again. The zero value is ready.
type backoff struct{ most time.Duration }

func (b *backoff) wait(ctx context.Context) error {
	const first, last = 5 * time.Millisecond, 200 * time.Millisecond
	b.most = min(max(first, 2*b.most), last)
	t := time.NewTimer(rand.N(b.most))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
