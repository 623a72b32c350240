package dynamodb

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// A blast cap of n is n slots, of which a revert takes one that nobody has
// taken within the window: so no counter is fought over, and the window slides
// exactly. The fight cap is a list in the resource's entry, which the lease
// lets only one change at a time.

// place is where an intent is counted.
type place struct {
	slot   int             // for the blast cap
	fights []remedy.Revert // the entry's whole list with this revert in it; nil to put this before what is there
}

// guess gives a place for a record that was not counted before, unseen.
func guess(in remedy.Intent) place {
	if in.Blast.Limit <= 0 {
		return place{}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(in.Record.ID))
	return place{slot: int(h.Sum32() % uint32(in.Blast.Limit))} // #nosec G115 -- at most remedy.MaxBlastLimit
}

// survey reads what the caps count and finds a place in it. It fails as Intend
// does when there is none, or when the entries are no longer as in.Known has them.
func (l *Ledger) survey(ctx context.Context, in remedy.Intent) (p place, err error) {
	entryAt, recordAt := entryKey(in.Record.Resource), recordKey(in.Record.ID)
	items, err := l.fetch(ctx, entryAt, recordAt)
	if err != nil {
		return p, err
	}
	e, err := decodeEntry(items[entryAt])
	if err != nil {
		return p, err
	}
	form, undoneBy := "", ""
	if known := in.Known.Record; known != nil {
		form, undoneBy = stored.Form(*known), known.UndoneBy
	}
	if it := items[recordAt]; text(it, "rec_form") != form || text(it, "undone_by") != undoneBy {
		return p, remedy.ErrStale
	}
	if err := e.refuses(in); err != nil {
		return p, err
	}
	p.fights = []remedy.Revert{stored.RevertOf(in)}
	for _, r := range e.fights {
		if r.Record != in.Record.ID && len(p.fights) < remedy.MaxFightLimit && in.Now.Sub(r.At) < remedy.MaxCapWindow {
			p.fights = append(p.fights, r)
		}
	}
	if in.Blast.Limit <= 0 {
		return p, nil
	}
	slots, err := l.slots(ctx, in)
	if err != nil {
		return p, err
	}
	p.slot, err = pick(in, slots)
	return p, err
}

// slot is one that was taken at some time.
type slot struct {
	revert remedy.Revert
	until  time.Time // when it may be taken again, by the cap that it was taken under
}

// slots reads every slot of the function and account.
func (l *Ledger) slots(ctx context.Context, in remedy.Intent) (map[int]slot, error) {
	query := &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: ptr(true),
		KeyConditionExpression:    ptr("pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(slotKey(in, 0).pk)},
	}
	found := map[int]slot{}
	for {
		out, err := l.client.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("read the blast cap's slots: %w", err)
		}
		for _, it := range out.Items {
			n, err := strconv.Atoi(text(it, "sk"))
			if err != nil {
				return nil, fmt.Errorf("read the blast cap's slots: %w", err)
			}
			var s slot
			if s.revert, err = decodeRevert(it); err != nil {
				return nil, err
			}
			if s.until, err = timeOf(it, "slot_until"); err != nil {
				return nil, err
			}
			found[n] = s
		}
		if len(out.LastEvaluatedKey) == 0 {
			return found, nil
		}
		query.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// pick chooses a slot that may be taken: the record's own, else any free one.
func pick(in remedy.Intent, slots map[int]slot) (int, error) {
	var reverts []remedy.Revert
	for n, s := range slots {
		if s.revert.Record == in.Record.ID {
			return n, nil
		}
		reverts = append(reverts, s.revert)
	}
	if reached := stored.Reached("blast", in.Blast, in.Now, in.Record.ID, reverts); reached != nil {
		return 0, reached
	}
	var free []int
	start := in.Now.Add(-in.Blast.Window)
	for n := 0; n < in.Blast.Limit || len(free) == 0; n++ {
		s, taken := slots[n]
		if !taken || (!s.revert.At.After(start) && !s.until.After(in.Now)) {
			free = append(free, n)
		}
	}
	return free[rand.IntN(len(free))], nil
}

func slotKey(in remedy.Intent, n int) key {
	return numberedKey("CAP#"+stored.BlastKey(in.Record), n)
}

// slotPut takes a slot, if it is free or the record's own.
func (l *Ledger) slotPut(in remedy.Intent, n int) (*types.Put, error) {
	it, err := encodeRevert(stored.RevertOf(in))
	if err != nil {
		return nil, err
	}
	k := slotKey(in, n)
	it["pk"], it["sk"] = str(k.pk), str(k.sk)
	it["slot_until"] = str(stored.Time(in.Now.Add(in.Blast.Window)))
	it["expires"] = num(in.Now.Add(remedy.MaxCapWindow).Unix())
	return &types.Put{
		TableName: &l.table, Item: it,
		ConditionExpression: ptr("attribute_not_exists(pk) OR taken_by = :record OR (taken_at <= :start AND slot_until <= :now)"),
		ExpressionAttributeValues: item{
			":record": str(in.Record.ID), ":now": str(stored.Time(in.Now)),
			":start": str(stored.Time(in.Now.Add(-in.Blast.Window))),
		},
	}, nil
}
