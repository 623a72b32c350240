package remedytest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

var errFault = errors.New("injected fault")

// faulty is a resource that counts its calls and can let one of them fail.
type faulty[T remedy.Target, S any, C remedy.Change] struct {
	inner remedy.Resource[T, S, C]

	mu      sync.Mutex
	calls   int
	applies int
	at      int  // the call that fails; 0 means none
	after   bool // it has its effect all the same
	hit     bool
}

func (f *faulty[T, S, C]) Read(ctx context.Context, t T) (S, error) {
	if f.count(false) {
		var none S
		return none, errFault
	}
	return f.inner.Read(ctx, t)
}

func (f *faulty[T, S, C]) Apply(ctx context.Context, t T, c C) error {
	if !f.count(true) {
		return f.inner.Apply(ctx, t, c)
	}
	if f.after {
		if err := f.inner.Apply(ctx, t, c); err != nil {
			return err
		}
	}
	return errFault
}

// count counts a call and reports whether it must fail.
func (f *faulty[T, S, C]) count(apply bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if apply {
		f.applies++
	}
	if f.at == 0 || f.calls != f.at {
		return false
	}
	f.hit = true
	return true
}

func (f *faulty[T, S, C]) failAt(call int, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.after = call, after
}

func (f *faulty[T, S, C]) failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit
}

func (f *faulty[T, S, C]) applied() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.applies
}

func (f *faulty[T, S, C]) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.applies = 0, 0
}

// policy says the same of every resource.
type policy struct {
	mode      remedy.Mode
	params    any
	exemption *remedy.Exemption
}

func (p *policy) Decide(string, remedy.Ref) remedy.Decision {
	return remedy.Decision{
		Mode: p.mode, Params: p.params, UndoHold: time.Hour,
		Blast: remedy.Cap{Limit: 100, Window: time.Hour},
		Fight: remedy.Cap{Limit: 100, Window: time.Hour},
	}
}

func (p *policy) Exempt(remedy.ExemptionQuery) *remedy.Exemption { return p.exemption }
