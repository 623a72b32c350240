package dynamodb

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Intend implements [remedy.Ledger].
//
// While blast caps of different sizes hold for one function and account (in
// two scopes, or within a window of a change), the largest bounds the reverts
// for certain; a smaller one may count too few of them.
func (l *Ledger) Intend(ctx context.Context, in remedy.Intent) error {
	if err := l.intend(ctx, in); err != nil {
		return fmt.Errorf("ledger: intend record %s: %w", in.Record.ID, err)
	}
	return nil
}

func (l *Ledger) intend(ctx context.Context, in remedy.Intent) error {
	if err := stored.CheckCaps(in.Blast, in.Fight); err != nil {
		return err
	}
	record, err := l.recordPut(ctx, in.Record)
	if err != nil {
		return err
	}
	if known := in.Known.Record; known == nil {
		record.ConditionExpression = ptr("attribute_not_exists(pk)")
	} else {
		record.ConditionExpression = ptr("rec_form = :form AND undone_by = :undone")
		record.ExpressionAttributeValues = item{":form": str(stored.Form(*known)), ":undone": str(known.UndoneBy)}
	}

	// A new record has no place in the caps yet: it can be counted without
	// reading them. An earlier attempt's place must be found.
	place := guess(in)
	if in.Known.Record != nil {
		if place, err = l.survey(ctx, in); err != nil {
			return err
		}
	}
	var again backoff
	for {
		ops, err := l.claim(in, record, place)
		if err != nil {
			return err
		}
		failed, err := l.transact(ctx, ops)
		if err != nil || failed == nil {
			return err
		}
		if failed[0].condition {
			return remedy.ErrStale
		}
		if failed[1].condition {
			e, err := decodeEntry(failed[1].old)
			if err != nil {
				return err
			}
			if err := e.refuses(in); err != nil {
				return err
			}
		}
		if err := again.wait(ctx); err != nil {
			return err
		}
		if failed[1].condition || len(failed) > 2 && failed[2].condition {
			// The slot is taken, or the entry's reverts are not in order.
			if place, err = l.survey(ctx, in); err != nil {
				return err
			}
		}
	}
}

// claim gives the transaction's writes: the record, the resource's entry and,
// under a blast cap, a slot.
func (l *Ledger) claim(in remedy.Intent, record *types.Put, p place) ([]types.TransactWriteItem, error) {
	entry, err := l.entryUpdate(in, p)
	if err != nil {
		return nil, err
	}
	ops := []types.TransactWriteItem{{Put: record}, {Update: entry}}
	if in.Blast.Limit > 0 {
		slot, err := l.slotPut(in, p.slot)
		if err != nil {
			return nil, err
		}
		ops = append(ops, types.TransactWriteItem{Put: slot})
	}
	return ops, nil
}

// entryUpdate takes the lease and counts against the fight cap, if the entry
// is as in.Known has it.
func (l *Ledger) entryUpdate(in remedy.Intent, p place) (*types.Update, error) {
	none, err := revertList()
	if err != nil {
		return nil, err
	}
	values := item{
		":next": num(in.Known.Version + 1), ":none": none,
		":record": str(in.Lease.Record), ":owner": str(in.Lease.Owner), ":expires": str(stored.Time(in.Lease.Expires)),
	}
	set := []string{"ver = :next", "lease_record = :record", "lease_owner = :owner", "lease_expires = :expires"}
	condition := []string{"attribute_not_exists(pk)"}
	if in.Known.Version > 0 {
		values[":known"], values[":now"] = num(in.Known.Version), str(stored.Time(in.Now))
		condition = []string{
			"ver = :known",
			"(attribute_not_exists(lease_owner) OR lease_expires <= :now OR (lease_record = :record AND lease_owner = :owner))",
		}
	}
	switch {
	case in.Fight.Limit <= 0:
		set = append(set, "fights = if_not_exists(fights, :none)")
	case p.fights != nil:
		if values[":fights"], err = revertList(p.fights...); err != nil {
			return nil, err
		}
		set = append(set, "fights = :fights")
		delete(values, ":none")
	default:
		if values[":revert"], err = revertList(stored.RevertOf(in)); err != nil {
			return nil, err
		}
		set = append(set, "fights = list_append(:revert, if_not_exists(fights, :none))")
		if in.Known.Version > 0 {
			// The list is newest first: there is room when the one that the new
			// revert pushes past the limit has left the window.
			values[":start"] = str(stored.Time(in.Now.Add(-in.Fight.Window)))
			last := fmt.Sprintf("fights[%d]", in.Fight.Limit-1)
			condition = append(condition, fmt.Sprintf("(attribute_not_exists(%s) OR %s.taken_at <= :start)", last, last))
		}
	}
	return &types.Update{
		TableName: &l.table, Key: entryKey(in.Record.Resource).item(),
		UpdateExpression:                    ptr("SET " + strings.Join(set, ", ")),
		ConditionExpression:                 ptr(strings.Join(condition, " AND ")),
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, nil
}
