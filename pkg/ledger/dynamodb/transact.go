package dynamodb

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// refusal is why one write of a transaction was refused, if it was.
type refusal struct {
	condition bool // its condition does not hold
	old       item // the item as it is, where the write asks for it
}

// transact commits the writes together. When it can't because of a condition,
// or of others at work on the same items, it gives a refusal for each write
// and no error; when only others were in the way, no refusal is of a condition.
func (l *Ledger) transact(ctx context.Context, ops []types.TransactWriteItem) ([]refusal, error) {
	_, err := l.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ops})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != len(ops) {
		return nil, err
	}
	var (
		out  = make([]refusal, len(ops))
		soon bool // a retry will mend it
	)
	for i, reason := range cancelled.CancellationReasons {
		if reason.Code == nil {
			continue
		}
		switch *reason.Code {
		case "ConditionalCheckFailed":
			out[i] = refusal{condition: true, old: reason.Item}
			soon = true
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			soon = true
		}
	}
	if !soon {
		return nil, err
	}
	return out, nil
}
