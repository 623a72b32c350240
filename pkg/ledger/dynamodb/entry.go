package dynamodb

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// entry is a resource's item, but for the holds.
type entry struct {
	version  int64
	lease    *remedy.Lease
	released time.Time
	last     string
	fights   []remedy.Revert // what the fight cap counts, newest first
}

// decodeEntry gives the entry in an item; nil gives the zero entry.
func decodeEntry(it item) (e entry, err error) {
	if e.version, err = number(it, "ver"); err != nil {
		return e, err
	}
	if it["lease_owner"] != nil {
		e.lease = &remedy.Lease{Record: text(it, "lease_record"), Owner: text(it, "lease_owner")}
		if e.lease.Expires, err = timeOf(it, "lease_expires"); err != nil {
			return e, err
		}
	}
	if e.released, err = timeOf(it, "released_at"); err != nil {
		return e, err
	}
	e.last = text(it, "last_record")
	if list, ok := it["fights"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			m, ok := v.(*types.AttributeValueMemberM)
			if !ok {
				return e, fmt.Errorf("decode revert: it is a %T, not a map", v)
			}
			r, err := decodeRevert(m.Value)
			if err != nil {
				return e, err
			}
			e.fights = append(e.fights, r)
		}
	}
	return e, nil
}

// refuses says why an intent can't go ahead, or nil.
func (e entry) refuses(in remedy.Intent) error {
	if e.version != in.Known.Version {
		return remedy.ErrStale
	}
	if l := e.lease; l != nil && (l.Record != in.Lease.Record || l.Owner != in.Lease.Owner) && in.Now.Before(l.Expires) {
		return remedy.ErrBusy
	}
	if reached := stored.Reached("fight", in.Fight, in.Now, in.Record.ID, e.fights); reached != nil {
		return reached
	}
	return nil
}

// encodeRevert gives a revert as a slot and the list of an entry have it:
// what conditions look at, and all of it as JSON.
func encodeRevert(r remedy.Revert) (item, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode revert: %w", err)
	}
	return item{"taken_at": str(stored.Time(r.At)), "taken_by": str(r.Record), "revert": str(string(body))}, nil
}

func decodeRevert(it item) (r remedy.Revert, err error) {
	if err := json.Unmarshal([]byte(text(it, "revert")), &r); err != nil {
		return r, fmt.Errorf("decode revert: %w", err)
	}
	return r, nil
}

// revertList gives reverts as an entry's list attribute.
func revertList(rs ...remedy.Revert) (types.AttributeValue, error) {
	list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, r := range rs {
		it, err := encodeRevert(r)
		if err != nil {
			return nil, err
		}
		list.Value = append(list.Value, &types.AttributeValueMemberM{Value: it})
	}
	return list, nil
}
