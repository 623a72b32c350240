package ec2imageaccessblock

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// noon is when the tests' stories begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// asked is the target of an event: somebody asked for the state so long after noon.
func asked(block string, after time.Duration) Target {
	return Target{place, Write{block, noon.Add(after)}}
}

// TestReadWhileItSettles: EC2 tells of the old state for ten minutes after a call.
func TestReadWhileItSettles(t *testing.T) {
	t.Parallel()
	type own struct {
		block string
		at    time.Duration
	}
	for name, c := range map[string]struct {
		shown  string // what EC2 tells
		own    *own   // a call of the store's own
		target Target
		now    time.Duration // after noon
		want   string
	}{
		"a disable that does not show yet":                {shown: blockNew, target: asked(unblocked, 0), now: time.Minute, want: unblocked},
		"an enable that does not show yet":                {shown: unblocked, target: asked(blockNew, 0), now: time.Minute, want: blockNew},
		"a disable that shows":                            {shown: unblocked, target: asked(unblocked, 0), now: time.Minute, want: unblocked},
		"the last moment":                                 {shown: blockNew, target: asked(unblocked, 0), now: settling - 1, want: unblocked},
		"a disable that was taken back by others since":   {shown: blockNew, target: asked(unblocked, 0), now: settling, want: blockNew},
		"an enable that was undone by others since":       {shown: unblocked, target: asked(blockNew, 0), now: settling, want: unblocked},
		"our enable that does not show yet":               {shown: unblocked, own: &own{blockNew, time.Minute}, target: asked(unblocked, 0), now: 2 * time.Minute, want: blockNew},
		"our enable, long after the event":                {shown: unblocked, own: &own{blockNew, time.Hour}, target: asked(unblocked, 0), now: time.Hour + time.Minute, want: blockNew},
		"our enable never took effect":                    {shown: unblocked, own: &own{blockNew, time.Minute}, target: asked(unblocked, 0), now: time.Minute + settling, want: unblocked},
		"a disable after our enable":                      {shown: blockNew, own: &own{blockNew, time.Minute}, target: asked(unblocked, 2*time.Minute), now: 3 * time.Minute, want: unblocked},
		"an event without a time: what EC2 tells":         {shown: blockNew, target: Target{place, Write{Block: unblocked}}, now: time.Minute, want: blockNew},
		"an event from a clock that is ahead is a recent": {shown: blockNew, target: asked(unblocked, time.Minute), now: 0, want: unblocked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := noon
			f := &fake{shown: c.shown, real: c.shown, lags: true}
			s := newStore(func(remedy.Ref) client { return f }, func() time.Time { return now })
			if c.own != nil {
				now = noon.Add(c.own.at)
				if err := s.Apply(t.Context(), c.target, Change{c.own.block}); err != nil {
					t.Fatal(err)
				}
			}
			now = noon.Add(c.now)
			got, err := s.Read(t.Context(), c.target)
			if err != nil {
				t.Fatal(err)
			}
			if got.Block != c.want {
				t.Errorf("the state is %s, want %s", got.Block, c.want)
			}
		})
	}
}

// TestWhatAPolicyManagesIsWhatEC2Tells: no call changes it.
func TestWhatAPolicyManagesIsWhatEC2Tells(t *testing.T) {
	t.Parallel()
	f := &fake{shown: blockNew, byPolicy: true}
	s := newStore(func(remedy.Ref) client { return f }, func() time.Time { return noon })
	got, err := s.Read(t.Context(), asked(unblocked, 0))
	if err != nil || got != (State{blockNew, true}) {
		t.Errorf("state = %+v, %v", got, err)
	}
}

// TestAFailedCallIsNotBelieved: only what EC2 accepted is.
func TestAFailedCallIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := &fake{shown: unblocked, code: "InternalError"}
	s := newStore(func(remedy.Ref) client { return f }, func() time.Time { return noon })
	if err := s.Apply(t.Context(), asked(unblocked, 0), Change{blockNew}); err == nil || remedy.IsPermanent(err) {
		t.Fatalf("error = %v, want one that a retry may mend", err)
	}
	f.code = ""
	if got, err := s.Read(t.Context(), asked(unblocked, 0)); err != nil || got.Block != unblocked {
		t.Errorf("state = %+v, %v; want it unblocked", got, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fake    *fake
		wantErr string
	}{
		"refused":                   {&fake{shown: blockNew, code: "UnauthorizedOperation"}, "grant ec2:GetImageBlockPublicAccessState "},
		"throttled":                 {&fake{shown: blockNew, code: "RequestLimitExceeded"}, "RequestLimitExceeded"},
		"a state that is not known": {&fake{shown: "block-some-sharing"}, `state "block-some-sharing" is not known`},
		"an empty answer":           {&fake{}, `state "" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(func(remedy.Ref) client { return c.fake }, func() time.Time { return noon })
			got, err := s.Read(t.Context(), asked(blockNew, 0))
			if err == nil || !strings.Contains(err.Error(), c.wantErr) || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q that a retry may mend", err, c.wantErr)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
	for block, action := range map[string]string{unblocked: "ec2:" + disable, blockNew: "ec2:" + enable} {
		s := newStore(func(remedy.Ref) client { return &fake{code: "UnauthorizedOperation"} }, time.Now)
		if err := s.Apply(t.Context(), asked(blockNew, 0), Change{block}); err == nil || !strings.Contains(err.Error(), "grant "+action+" ") {
			t.Errorf("refused: error = %v, want one that names %s", err, action)
		}
	}
}

// TestADisableIsTakenBackBeforeItShows lets the engine handle the event of a
// disable of which EC2 does not tell yet, and then the event of its own enable.
func TestADisableIsTakenBackBeforeItShows(t *testing.T) {
	t.Parallel()
	ledger, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	must(t, err)
	t.Cleanup(func() { must(t, ledger.Close()) })
	f := &fake{shown: blockNew, real: unblocked, lags: true}
	function := Function
	function.New = func(context.Context, remedy.Env) (remedy.Remedy, error) {
		return remedy.Bind(rules, newStore(func(remedy.Ref) client { return f }, time.Now)), nil
	}
	h, err := remedy.Open(t.Context(), function, remedy.Env{})
	must(t, err)
	e := remedy.New(ledger, enforced{}, remedy.Options{})
	handle := func(id, name string) remedy.Record {
		t.Helper()
		recs, err := e.Handle(t.Context(), h, remedy.Event{
			ID: id, Source: "aws.ec2", Name: name, Account: place.Account, Region: place.Region, Time: time.Now(), Detail: []byte(`{}`),
		})
		must(t, err)
		return recs[0]
	}
	if rec := handle("1", disable); rec.Outcome != remedy.Reverted || f.real != blockNew || f.calls != 1 {
		t.Errorf("outcome %s (%s), the state becomes %s after %d calls; want it reverted with one", rec.Outcome, rec.Reason, f.real, f.calls)
	}
	f.shown = unblocked // the disable shows, the enable not yet
	if rec := handle("2", enable); rec.Outcome != remedy.Compliant || f.calls != 1 {
		t.Errorf("the event of its own call: outcome %s (%s), %d calls; want it compliant", rec.Outcome, rec.Reason, f.calls)
	}
}

// enforced enforces everything.
type enforced struct{}

func (enforced) Decide(string, remedy.Ref) remedy.Decision {
	return remedy.Decision{Mode: remedy.Enforce, Blast: remedy.Cap{Limit: 9, Window: time.Hour}, Fight: remedy.Cap{Limit: 9, Window: time.Hour}}
}

func (enforced) Exempt(remedy.ExemptionQuery) *remedy.Exemption { return nil }
