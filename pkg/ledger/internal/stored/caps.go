package stored

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// CheckCaps refuses caps that could not be counted exactly.
func CheckCaps(blast, fight remedy.Cap) error {
	if err := checkCap("blast", blast, remedy.MaxBlastLimit); err != nil {
		return err
	}
	return checkCap("fight", fight, remedy.MaxFightLimit)
}

func checkCap(kind string, c remedy.Cap, most int) error {
	switch {
	case c.Limit <= 0:
		return nil
	case c.Limit > most:
		return fmt.Errorf("the %s cap allows %d reverts, but a ledger counts up to %d: set a lower limit in the policy", kind, c.Limit, most)
	case c.Window <= 0 || c.Window > remedy.MaxCapWindow:
		return fmt.Errorf("the %s cap's window is %s, but it must be more than 0 and at most %s: set another in the policy", kind, c.Window, remedy.MaxCapWindow)
	}
	return nil
}

// RevertOf is the revert that an intent counts.
func RevertOf(in remedy.Intent) remedy.Revert {
	return remedy.Revert{
		At: in.Now.UTC(), Record: in.Record.ID, Function: in.Record.Function,
		Resource: in.Record.Resource.ID, Actor: in.Record.Event.Actor,
	}
}

// BlastKey says what a blast cap counts: a function's reverts in an account.
func BlastKey(rec remedy.Record) string { return rec.Function + "|" + rec.Resource.Account }

// Reached counts the reverts that lie in the window which ends now. It gives
// nil when there is room for one of record: also when that is among them,
// because a resumed attempt was let through already.
func Reached(kind string, c remedy.Cap, now time.Time, record string, reverts []remedy.Revert) *remedy.CapReached {
	if c.Limit <= 0 {
		return nil
	}
	start := now.Add(-c.Window)
	var in []remedy.Revert
	for _, r := range reverts {
		if !r.At.After(start) {
			continue
		}
		if r.Record == record {
			return nil
		}
		in = append(in, r)
	}
	if len(in) < c.Limit {
		return nil
	}
	slices.SortFunc(in, func(a, b remedy.Revert) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Record, a.Record))
	})
	return &remedy.CapReached{
		Kind: kind, Limit: c.Limit, Window: c.Window,
		Count: len(in), Recent: in[:min(len(in), remedy.RecentReverts)],
	}
}
