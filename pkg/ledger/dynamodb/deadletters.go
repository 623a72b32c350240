package dynamodb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// payload is always kept in parts, so that a listing does not read it. The
// parts are the letter's own and go with it.
func payload(id string) content { return content{name: "payload", parts: "DEAD#" + id + "#"} }

// SaveDeadLetter implements [remedy.Ledger].
func (l *Ledger) SaveDeadLetter(ctx context.Context, d remedy.DeadLetter) error {
	if err := l.saveDeadLetter(ctx, d); err != nil {
		return fmt.Errorf("ledger: save dead letter %s: %w", d.ID, err)
	}
	return nil
}

func (l *Ledger) saveDeadLetter(ctx context.Context, d remedy.DeadLetter) error {
	it := deadLetterKey(d.ID).item()
	if err := l.pack(ctx, it, payload(d.ID), d.Payload); err != nil {
		return err
	}
	d.Payload = nil
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := l.pack(ctx, it, blob("body"), body); err != nil {
		return err
	}
	old, err := l.put(ctx, &types.Put{TableName: &l.table, Item: it})
	if err != nil || text(old, "payload_hash") == text(it, "payload_hash") {
		return err
	}
	return l.removePayload(ctx, d.ID, old)
}

// removePayload removes the parts that a letter's item named.
func (l *Ledger) removePayload(ctx context.Context, id string, old item) error {
	keys, err := payload(id).partKeys(old)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if _, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &l.table, Key: k.item()}); err != nil {
			return fmt.Errorf("remove the payload: %w", err)
		}
	}
	return nil
}

// DeadLetters implements [remedy.Ledger].
func (l *Ledger) DeadLetters(ctx context.Context) ([]remedy.DeadLetter, error) {
	list, err := l.deadLetters(ctx)
	if err != nil {
		return nil, fmt.Errorf("ledger: list dead letters: %w", err)
	}
	return list, nil
}

func (l *Ledger) deadLetters(ctx context.Context) (list []remedy.DeadLetter, err error) {
	query := &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: ptr(true),
		KeyConditionExpression:    ptr("pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(deadLetterKey("").pk)},
	}
	for {
		out, err := l.client.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			d, err := l.decodeDeadLetter(ctx, it)
			if err != nil {
				return nil, err
			}
			list = append(list, d)
		}
		if query.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			break
		}
	}
	slices.SortFunc(list, func(a, b remedy.DeadLetter) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
	})
	return list, nil
}

// decodeDeadLetter gives a letter without its payload.
func (l *Ledger) decodeDeadLetter(ctx context.Context, it item) (d remedy.DeadLetter, err error) {
	body, err := l.unpack(ctx, it, blob("body"))
	if err == nil {
		err = json.Unmarshal(body, &d)
	}
	if err != nil {
		return d, fmt.Errorf("read dead letter %s: %w", text(it, "sk"), err)
	}
	return d, nil
}

// DeadLetter implements [remedy.Ledger].
func (l *Ledger) DeadLetter(ctx context.Context, id string) (remedy.DeadLetter, error) {
	d, err := l.deadLetter(ctx, id)
	if err != nil {
		return remedy.DeadLetter{}, fmt.Errorf("ledger: dead letter %s: %w", id, err)
	}
	return d, nil
}

func (l *Ledger) deadLetter(ctx context.Context, id string) (d remedy.DeadLetter, err error) {
	items, err := l.fetch(ctx, deadLetterKey(id))
	if err != nil {
		return d, err
	}
	it := items[deadLetterKey(id)]
	if it == nil {
		return d, remedy.ErrNoDeadLetter
	}
	if d, err = l.decodeDeadLetter(ctx, it); err != nil {
		return d, err
	}
	d.Payload, err = l.unpack(ctx, it, payload(id))
	return d, err
}

// RemoveDeadLetter implements [remedy.Ledger].
func (l *Ledger) RemoveDeadLetter(ctx context.Context, id string) error {
	out, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &l.table, Key: deadLetterKey(id).item(), ReturnValues: types.ReturnValueAllOld,
	})
	if err == nil {
		err = l.removePayload(ctx, id, out.Attributes)
	}
	if err != nil {
		return fmt.Errorf("ledger: remove dead letter %s: %w", id, err)
	}
	return nil
}
