package reporttest

import (
	"context"
	"strconv"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Source is a ledger of N records that are made when they are asked for: none is
// kept in memory.
type Source struct {
	Make
	N       int
	Known   func(function string, r remedy.Ref) remedy.Known // nil means that nothing else is known
	Letters []remedy.DeadLetter
	Older   []remedy.Record // from before all others, the newest first
}

func (s Source) at(i int) remedy.Record {
	if i < s.N {
		return s.Make.Record(i)
	}
	return s.Older[i-s.N]
}

// Records gives a page, as a ledger does.
func (s Source) Records(ctx context.Context, q remedy.Query) (page []remedy.Record, next string, err error) {
	from := 0
	if q.After != "" {
		if from, err = strconv.Atoi(q.After); err != nil {
			return nil, "", remedy.ErrBadCursor
		}
	}
	if q.Limit == 0 {
		q.Limit = remedy.DefaultPage
	}
	for i := from; i < s.N+len(s.Older); i++ {
		r := s.at(i)
		at := r.Times.Received
		if !q.Since.IsZero() && at.Before(q.Since) {
			break
		}
		if !q.Until.IsZero() && !at.Before(q.Until) || q.Outcome != "" && q.Outcome != r.Outcome || q.Function != "" && q.Function != r.Function {
			continue
		}
		if len(page) == q.Limit {
			return page, strconv.Itoa(i), ctx.Err()
		}
		page = append(page, r)
	}
	return page, "", ctx.Err()
}

// Record gives one record.
func (s Source) Record(ctx context.Context, id string) (remedy.Record, error) {
	for i := range s.N + len(s.Older) {
		if r := s.at(i); r.ID == id {
			return r, ctx.Err()
		}
	}
	return remedy.Record{}, remedy.ErrNoRecord
}

// Look gives what Known says.
func (s Source) Look(ctx context.Context, function string, r remedy.Ref, _ string) (remedy.Known, error) {
	if s.Known == nil {
		return remedy.Known{}, ctx.Err()
	}
	return s.Known(function, r), ctx.Err()
}

// DeadLetters gives the letters.
func (s Source) DeadLetters(ctx context.Context) ([]remedy.DeadLetter, error) {
	return s.Letters, ctx.Err()
}
