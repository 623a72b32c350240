package ledgertest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// atOnce calls do n times at the same time and gives the errors.
func atOnce(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func (s suite) sameAtOnce() {
	known := s.look(ref(1), "r1")
	var ins []remedy.Intent
	for i := range 100 {
		in := intent(pending("r1", ref(1)), known, t0)
		in.Lease.Owner = fmt.Sprintf("owner %d", i)
		in.Blast, in.Fight = limit(10), limit(10)
		ins = append(ins, in)
	}
	winner := -1
	for i, err := range atOnce(len(ins), func(i int) error { return s.Intend(s.Context(), ins[i]) }) {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			s.Errorf("both %d and %d claimed the resource", winner, i)
		case !errors.Is(err, remedy.ErrStale) && !errors.Is(err, remedy.ErrBusy):
			s.Errorf("copy %d: %v", i, err)
		}
	}
	if winner < 0 {
		s.Fatal("no copy claimed the resource")
	}
	got := s.look(ref(1), "r1")
	s.equal("known", remedy.Known{Version: got.Version, Lease: &ins[winner].Lease, Record: &ins[winner].Record}, got)
	s.equal("records", []remedy.Record{ins[winner].Record}, s.list(remedy.Query{Limit: 10}))
}

func (s suite) blastAtOnce() {
	const tries, allowed = 40, 8
	s.allowAtOnce(tries, allowed, limit(allowed), limit(1), ref)
}

func (s suite) fightAtOnce() {
	const tries, allowed = 12, 3
	s.allowAtOnce(tries, allowed, limit(100), limit(allowed), func(int) remedy.Ref { return ref(1) })
}

// allowAtOnce takes many records from look to finish at the same time, each as
// often as it takes, and checks that the caps let exactly so many through.
func (s suite) allowAtOnce(tries, allowed int, blast, fight remedy.Cap, resource func(int) remedy.Ref) {
	through := 0
	for i, err := range atOnce(tries, func(i int) error {
		for {
			err := s.tryRevert(fmt.Sprintf("r%d", i), resource(i), blast, fight)
			if !errors.Is(err, remedy.ErrStale) && !errors.Is(err, remedy.ErrBusy) {
				return err
			}
		}
	}) {
		var reached *remedy.CapReached
		switch {
		case err == nil:
			through++
		case !errors.As(err, &reached):
			s.Errorf("record %d: %v", i, err)
		case reached.Count != allowed:
			s.Errorf("record %d: the cap counts %d, want %d", i, reached.Count, allowed)
		}
	}
	if through != allowed {
		s.Errorf("%d reverts went through, want %d", through, allowed)
	}
	if got := s.list(remedy.Query{Limit: 100, Outcome: remedy.Reverted}); len(got) != allowed {
		s.Errorf("%d records are kept, want %d", len(got), allowed)
	}
}

// tryRevert is revert for use in a goroutine.
func (s suite) tryRevert(id string, r remedy.Ref, blast, fight remedy.Cap) error {
	known, err := s.Look(s.Context(), function, r, id)
	if err != nil {
		return err
	}
	in := intent(pending(id, r), known, t0.Add(time.Second))
	in.Blast, in.Fight = blast, fight
	if err := s.Intend(s.Context(), in); err != nil {
		return err
	}
	return s.Finish(s.Context(), remedy.Finish{Record: done(in.Record), Owner: in.Lease.Owner, Now: in.Now, Changed: true})
}
