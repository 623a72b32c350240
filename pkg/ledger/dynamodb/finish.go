package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Finish implements [remedy.Ledger].
func (l *Ledger) Finish(ctx context.Context, f remedy.Finish) error {
	if err := l.finish(ctx, f); err != nil {
		return fmt.Errorf("ledger: finish record %s: %w", f.Record.ID, err)
	}
	return nil
}

func (l *Ledger) finish(ctx context.Context, f remedy.Finish) error {
	record, err := l.recordPut(ctx, f.Record)
	if err != nil {
		return err
	}
	release, err := l.release(f)
	if err != nil {
		return err
	}
	ops := []types.TransactWriteItem{{Update: release}, {Put: record}}
	undone, baseline := -1, -1 // where they are in ops
	if f.Undone != "" {
		undone = len(ops)
		ops = append(ops, types.TransactWriteItem{Update: l.undoneUpdate(f)})
	}
	if f.Baseline != nil {
		put, err := l.baselinePut(ctx, f.Record.Function, f.Record.Resource, *f.Baseline)
		if err != nil {
			return err
		}
		baseline = len(ops)
		ops = append(ops, types.TransactWriteItem{Put: put})
	}
	var again backoff
	for {
		failed, err := l.transact(ctx, ops)
		switch {
		case err != nil:
			return err
		case failed == nil:
			return nil
		case failed[0].condition:
			return remedy.ErrLeaseLost
		case undone >= 0 && failed[undone].condition:
			return fmt.Errorf("mark record %s as undone: %w", f.Undone, remedy.ErrNoRecord)
		case baseline >= 0 && failed[baseline].condition:
			ops, baseline = ops[:baseline], -1 // a later one is kept: it stays
		default:
			if err := again.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// release gives the lease back, if it is still held.
func (l *Ledger) release(f remedy.Finish) (*types.Update, error) {
	names := map[string]string(nil)
	values := item{
		":one": num(1), ":now": str(stored.Time(f.Now)),
		":record": str(f.Record.ID), ":owner": str(f.Owner),
	}
	set := []string{"ver = ver + :one", "released_at = :now"}
	if f.Changed {
		set = append(set, "last_record = :record")
	}
	if f.Hold != nil {
		hold, err := json.Marshal(f.Hold)
		if err != nil {
			return nil, fmt.Errorf("encode hold: %w", err)
		}
		set = append(set, "#hold = :hold")
		names = map[string]string{"#hold": holdName(f.Record.Function)}
		values[":hold"] = str(string(hold))
	}
	remove := []string{"lease_record", "lease_owner", "lease_expires"}
	// Every intent adds at most one revert: what no cap can count any more
	// goes, also after some that were never finished.
	for n := range 3 {
		remove = append(remove, fmt.Sprintf("fights[%d]", remedy.MaxFightLimit+n))
	}
	return &types.Update{
		TableName: &l.table, Key: entryKey(f.Record.Resource).item(),
		UpdateExpression:          ptr("SET " + strings.Join(set, ", ") + " REMOVE " + strings.Join(remove, ", ")),
		ConditionExpression:       ptr("lease_record = :record AND lease_owner = :owner"),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	}, nil
}

func (l *Ledger) undoneUpdate(f remedy.Finish) *types.Update {
	return &types.Update{
		TableName: &l.table, Key: recordKey(f.Undone).item(),
		UpdateExpression:          ptr("SET undone_by = :record"),
		ConditionExpression:       ptr("attribute_exists(pk)"),
		ExpressionAttributeValues: item{":record": str(f.Record.ID)},
	}
}
