package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
)

// The parts of keys: see the package's comment.
const (
	channels      = "NOTIFY"
	lease         = "LEASE"
	waitsPrefix   = "WAITS#"
	messagePrefix = waitsPrefix + "message#"
	readyPrefix   = waitsPrefix + "ready#"
	resultPrefix  = waitsPrefix + "result#"
	toldPrefix    = "TOLD#"
	madePrefix    = "MADE#"
	threadPrefix  = "THREAD#"
)

type item = map[string]types.AttributeValue

type key struct{ pk, sk string }

func (k key) item() item { return item{"pk": str(k.pk), "sk": str(k.sk)} }

func channelKey(channel, sk string) key { return key{channels + "#" + channel, sk} }

// order gives a time as a part of a key: keys sort as their times do.
func order(t time.Time) string { return fmt.Sprintf("%020d", t.UnixNano()) }

func ptr[T any](v T) *T { return &v }

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func nanos(t time.Time) types.AttributeValue { return num(t.UnixNano()) }

// seconds is a time as the table's expiry takes it.
func seconds(t time.Time) types.AttributeValue { return num(t.Unix()) }

// text gives a string attribute, or "" when there is none.
func text(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// number gives a number attribute, or 0 when there is none.
func number(it item, name string) int64 {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// messageItem gives a message as it is kept, with the results that it has taken
// and that are still there.
func messageItem(channel string, m outbox.Message, rest []string) (item, error) {
	body, err := json.Marshal(m.Notice)
	if err != nil {
		return nil, err
	}
	it := channelKey(channel, m.Key).item()
	it["came"], it["body"] = nanos(m.At), str(string(body))
	if m.Attempts > 0 {
		it["attempts"], it["due"], it["reason"] = num(int64(m.Attempts)), nanos(m.Due), str(m.Reason)
	}
	if len(rest) > 0 {
		var l types.AttributeValueMemberL
		for _, sk := range rest {
			l.Value = append(l.Value, str(sk))
		}
		it["rest"] = &l
	}
	return it, nil
}

func readMessage(it item) (m outbox.Message, rest []string, err error) {
	m = outbox.Message{Key: text(it, "sk"), At: time.Unix(0, number(it, "came")), Attempts: int(number(it, "attempts")), Reason: text(it, "reason")}
	if due := number(it, "due"); due != 0 {
		m.Due = time.Unix(0, due)
	}
	if l, ok := it["rest"].(*types.AttributeValueMemberL); ok {
		for _, v := range l.Value {
			rest = append(rest, text(item{"sk": v}, "sk"))
		}
	}
	return m, rest, json.Unmarshal([]byte(text(it, "body")), &m.Notice)
}

func (s *Store) put(it item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: it}}
}

func (s *Store) delete(channel, sk string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: channelKey(channel, sk).item()}}
}

// list gives a channel's items whose key begins so, in the order of the key; at
// most most of them unless that is 0.
func (s *Store) list(ctx context.Context, channel, prefix string, most int32) ([]item, error) {
	return s.query(ctx, dynamodb.QueryInput{
		KeyConditionExpression:    ptr("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: item{":pk": str(channelKey(channel, "").pk), ":prefix": str(prefix)},
	}, most)
}

// query reads, strongly consistently, at most most items unless that is 0.
func (s *Store) query(ctx context.Context, in dynamodb.QueryInput, most int32) (out []item, err error) {
	in.TableName, in.ConsistentRead = &s.table, ptr(true)
	for {
		if most > 0 {
			in.Limit = ptr(most - int32(len(out))) // #nosec G115 -- fewer than most
		}
		page, err := s.client.Query(ctx, &in)
		if err != nil {
			return nil, s.explain(err, "dynamodb:Query")
		}
		out = append(out, page.Items...)
		if in.ExclusiveStartKey = page.LastEvaluatedKey; len(page.LastEvaluatedKey) == 0 || most > 0 && int32(len(out)) >= most { // #nosec G115
			return out, nil
		}
	}
}

// errCondition says that the first write's condition does not hold. No other
// write of a transaction has one.
var errCondition = errors.New("the condition does not hold")

// transact commits the writes together. It waits while others are at work on
// the same items.
func (s *Store) transact(ctx context.Context, ops []types.TransactWriteItem) error {
	const first, last = 5 * time.Millisecond, 200 * time.Millisecond
	for most := first; ; most = min(2*most, last) {
		_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ops})
		cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok {
			return s.explain(err, "dynamodb:PutItem, dynamodb:DeleteItem and dynamodb:ConditionCheckItem")
		}
		soon := false
		for _, reason := range cancelled.CancellationReasons {
			if reason.Code == nil {
				continue
			}
			switch *reason.Code {
			case "ConditionalCheckFailed":
				return errCondition
			case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
				soon = true
			}
		}
		if !soon {
			return err
		}
		t := time.NewTimer(rand.N(most))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// busy reports whether a write was refused because of its condition, or of a
// transaction on the same item.
func busy(err error) bool {
	_, condition := errors.AsType[*types.ConditionalCheckFailedException](err)
	_, conflict := errors.AsType[*types.TransactionConflictException](err)
	return condition || conflict
}

// explain says what to do about an error of the API.
func (s *Store) explain(err error, action string) error {
	switch {
	case err == nil:
		return nil
	case cloud.HasCode(err, "ResourceNotFoundException"):
		return fmt.Errorf("there is no table %s in this region: %w", s.table, err)
	case cloud.Denied(err):
		return fmt.Errorf("table %s: %w", s.table, cloud.Explain(err, action))
	}
	return err
}
