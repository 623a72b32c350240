// Package dynamodb keeps an outbox in a DynamoDB table, which may be the
// ledger's. All its keys begin with "NOTIFY":
//
//	pk                 sk                             holds
//	NOTIFY             <channel>                      that there may be something for the channel
//	NOTIFY#<channel>   LEASE                          who works for the channel
//	NOTIFY#<channel>   WAITS#message#<time>#<id>      a message
//	NOTIFY#<channel>   WAITS#ready#<time>#<id>        a notice that is to be released
//	NOTIFY#<channel>   WAITS#result#<severity>#<time>#<what>
//	                                                  a result that is in no message
//	NOTIFY#<channel>   TOLD#<what>                    that the channel was told; it expires
//	NOTIFY#<channel>   MADE#<time>#<id>               that a message was made; it expires
//	NOTIFY#<channel>   THREAD#<key>                   a thread, which expires, or an open incident
package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// API is what the store needs of a DynamoDB client; *dynamodb.Client has it.
type API interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store is an [outbox.Store] in a table. It keeps nothing in memory, and is safe
// for concurrent use.
type Store struct {
	client API
	table  string
}

var _ outbox.Store = (*Store)(nil)

// New gives the outbox in a table with the keys pk and sk, whose items expire by
// the attribute "expires", as the ledger's does.
func New(client API, table string) *Store { return &Store{client, table} }

// Add implements [outbox.Store]. Each entry is a transaction of its own.
func (s *Store) Add(ctx context.Context, entries ...outbox.Entry) error {
	for _, e := range entries {
		if err := s.add(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) add(ctx context.Context, e outbox.Entry) error {
	what := e.ID + "#" + e.Outcome
	told := channelKey(e.Channel, toldPrefix+what).item()
	told["told_at"], told["expires"] = nanos(e.At), seconds(e.At.Add(outbox.ToldFor))
	ops := []types.TransactWriteItem{{Put: &types.Put{
		TableName: &s.table, Item: told,
		ConditionExpression:       ptr("attribute_not_exists(pk) OR told_at < :old"),
		ExpressionAttributeValues: item{":old": nanos(e.At.Add(-outbox.ToldFor))},
	}}}
	switch {
	case e.Ready:
		it, err := messageItem(e.Channel, outbox.Message{Key: readyPrefix + order(e.At) + "#" + e.ID, At: e.At, Notice: *e.Notice}, nil)
		if err != nil {
			return err
		}
		ops = append(ops, s.put(it))
	case e.Notice != nil:
		made, err := s.message(e.Channel, *e.Notice, e.At, nil)
		if err != nil {
			return err
		}
		ops = append(ops, made...)
	default:
		body, err := json.Marshal(e.Item)
		if err != nil {
			return err
		}
		it := channelKey(e.Channel, resultPrefix+string(e.Item.Severity)+"#"+order(e.At)+"#"+what).item()
		it["came"], it["body"] = nanos(e.At), str(string(body))
		ops = append(ops, s.put(it))
	}
	// The mark is there before anything that it is to lead to.
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: key{channels, e.Channel}.item()}); err != nil {
		return s.explain(err, "dynamodb:PutItem")
	}
	if err := s.transact(ctx, ops); !errors.Is(err, errCondition) {
		return err
	}
	return nil // it was told already
}

// message gives the writes for a new message; rest are results that it has taken
// and that are still to be removed.
func (s *Store) message(channel string, n notify.Notice, at time.Time, rest []string) ([]types.TransactWriteItem, error) {
	it, err := messageItem(channel, outbox.Message{Key: messagePrefix + order(at) + "#" + n.ID, At: at, Notice: n}, rest)
	if err != nil {
		return nil, err
	}
	made := channelKey(channel, madePrefix+order(at)+"#"+n.ID).item()
	made["expires"] = seconds(at.Add(outbox.MadeFor))
	return []types.TransactWriteItem{s.put(it), s.put(made)}, nil
}

// Channels implements [outbox.Store].
func (s *Store) Channels(ctx context.Context) (out []string, err error) {
	marks, err := s.query(ctx, dynamodb.QueryInput{
		KeyConditionExpression: ptr("pk = :pk"), ExpressionAttributeValues: item{":pk": str(channels)},
	}, 0)
	if err != nil {
		return nil, err
	}
	for _, m := range marks {
		channel := text(m, "sk")
		found, err := s.list(ctx, channel, waitsPrefix, 1)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			out = append(out, channel)
		}
	}
	return out, nil
}

// Pending implements [outbox.Store].
func (s *Store) Pending(ctx context.Context) (n int64, err error) {
	channels, err := s.Channels(ctx)
	if err != nil {
		return 0, err
	}
	for _, ch := range channels {
		found, err := s.list(ctx, ch, waitsPrefix, 0)
		if err != nil {
			return 0, err
		}
		n += int64(len(found))
	}
	return n, nil
}

// Take implements [outbox.Store].
func (s *Store) Take(ctx context.Context, l outbox.Lease, now time.Time) (bool, error) {
	it := channelKey(l.Channel, lease).item()
	it["lease_owner"], it["lease_until"] = str(l.Owner), nanos(l.Until)
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: it,
		ConditionExpression:       ptr("attribute_not_exists(pk) OR lease_owner = :owner OR lease_until <= :now"),
		ExpressionAttributeValues: item{":owner": str(l.Owner), ":now": nanos(now)},
	})
	if busy(err) {
		return false, nil
	}
	return err == nil, s.explain(err, "dynamodb:PutItem")
}

// Release implements [outbox.Store].
func (s *Store) Release(ctx context.Context, l outbox.Lease) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: channelKey(l.Channel, lease).item(),
		ConditionExpression: ptr("lease_owner = :owner"), ExpressionAttributeValues: item{":owner": str(l.Owner)},
	})
	if busy(err) {
		return nil
	}
	return s.explain(err, "dynamodb:DeleteItem")
}

// Next implements [outbox.Store].
func (s *Store) Next(ctx context.Context, channel string) (*outbox.Message, error) {
	found, err := s.list(ctx, channel, messagePrefix, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	m, rest, err := readMessage(found[0])
	if err != nil {
		return nil, fmt.Errorf("read message %s: %w", m.Key, err)
	}
	return &m, s.settle(ctx, channel, m, rest)
}

// Ready implements [outbox.Store].
func (s *Store) Ready(ctx context.Context, channel string) (out []outbox.Message, err error) {
	found, err := s.list(ctx, channel, readyPrefix, 0)
	if err != nil {
		return nil, err
	}
	for _, it := range found {
		m, _, err := readMessage(it)
		if err != nil {
			return nil, fmt.Errorf("read notice %s: %w", m.Key, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// Waiting implements [outbox.Store]. Severities that are held back are not read.
func (s *Store) Waiting(ctx context.Context, channel string, of []remedy.Severity) (out []outbox.Result, err error) {
	for _, severity := range of {
		found, err := s.list(ctx, channel, resultPrefix+string(severity)+"#", outbox.MaxGathered)
		if err != nil {
			return nil, err
		}
		for _, it := range found {
			r := outbox.Result{Key: text(it, "sk"), At: time.Unix(0, number(it, "came"))}
			if err := json.Unmarshal([]byte(text(it, "body")), &r.Item); err != nil {
				return nil, fmt.Errorf("read result %s: %w", r.Key, err)
			}
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b outbox.Result) int { return a.At.Compare(b.At) })
	return out[:min(len(out), outbox.MaxGathered)], nil
}

// Made implements [outbox.Store].
func (s *Store) Made(ctx context.Context, channel string, since time.Time) (int, error) {
	found, err := s.query(ctx, dynamodb.QueryInput{
		KeyConditionExpression: ptr("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk": str(channelKey(channel, "").pk), ":from": str(madePrefix + order(since.Add(1))), ":to": str(madePrefix + "~"),
		},
	}, 0)
	return len(found), err
}

// Thread implements [outbox.Store].
func (s *Store) Thread(ctx context.Context, channel, key string) (outbox.Thread, error) {
	found, err := s.query(ctx, dynamodb.QueryInput{
		KeyConditionExpression:    ptr("pk = :pk AND sk = :sk"),
		ExpressionAttributeValues: item{":pk": str(channelKey(channel, "").pk), ":sk": str(threadPrefix + key)},
	}, 1)
	if err != nil || len(found) == 0 {
		return outbox.Thread{}, err
	}
	return outbox.Thread{Key: key, Value: text(found[0], "thread"), At: time.Unix(0, number(found[0], "answered"))}, nil
}

// Commit implements [outbox.Store]. What one transaction does not hold is listed
// in the message, for [Store.Next] to complete.
func (s *Store) Commit(ctx context.Context, l outbox.Lease, c outbox.Change) error {
	var dropped []string
	for _, r := range c.Dropped {
		dropped = append(dropped, r.Key)
	}
	const most = 90 // of a transaction's 100 writes
	now, rest := dropped[:min(len(dropped), most)], dropped[min(len(dropped), most):]
	ops := []types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{
		TableName: &s.table, Key: channelKey(l.Channel, lease).item(),
		ConditionExpression: ptr("lease_owner = :owner"), ExpressionAttributeValues: item{":owner": str(l.Owner)},
	}}}
	for _, sk := range now {
		ops = append(ops, s.delete(l.Channel, sk))
	}
	if c.Made != nil {
		made, err := s.message(l.Channel, *c.Made, c.At, rest)
		if err != nil {
			return err
		}
		ops = append(ops, made...)
	}
	if c.Released != nil {
		ops = append(ops, s.delete(l.Channel, c.Released.Key))
	}
	if c.Ended != nil {
		ops = append(ops, s.delete(l.Channel, c.Ended.Key))
	}
	if c.Delayed != nil {
		it, err := messageItem(l.Channel, *c.Delayed, nil)
		if err != nil {
			return err
		}
		ops = append(ops, s.put(it))
	}
	switch t := c.Thread; {
	case t.Value != "":
		it := channelKey(l.Channel, threadPrefix+t.Key).item()
		it["thread"], it["answered"] = str(t.Value), nanos(t.At)
		if t.Value != outbox.Open {
			it["expires"] = seconds(t.At.Add(outbox.ThreadFor))
		}
		ops = append(ops, s.put(it))
	case t.Key != "":
		ops = append(ops, s.delete(l.Channel, threadPrefix+t.Key))
	}
	err := s.transact(ctx, ops)
	switch {
	case errors.Is(err, errCondition):
		return outbox.ErrLost
	case err != nil:
		return err
	case c.Made != nil:
		return s.settle(ctx, l.Channel, outbox.Message{Key: messagePrefix + order(c.At) + "#" + c.Made.ID, At: c.At, Notice: *c.Made}, rest)
	}
	return s.remove(ctx, l.Channel, rest)
}

// settle removes the results that a message has taken and that its transaction
// did not hold. It may be repeated, and done by anybody: the message is there.
func (s *Store) settle(ctx context.Context, channel string, m outbox.Message, rest []string) error {
	if len(rest) == 0 {
		return nil
	}
	if err := s.remove(ctx, channel, rest); err != nil {
		return err
	}
	it, err := messageItem(channel, m, nil)
	if err != nil {
		return err
	}
	return s.transact(ctx, []types.TransactWriteItem{s.put(it)})
}

func (s *Store) remove(ctx context.Context, channel string, sks []string) error {
	for chunk := range slices.Chunk(sks, 100) {
		var ops []types.TransactWriteItem
		for _, sk := range chunk {
			ops = append(ops, s.delete(channel, sk))
		}
		if err := s.transact(ctx, ops); err != nil {
			return err
		}
	}
	return nil
}
