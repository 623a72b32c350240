//go:build linux

package functions_test

import (
	"testing"

	"github.com/ebb-ops/ebb/functions/functionstest"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
)

// stage is a function's stage for a test.
type stage struct {
	event, failed []byte
	learn         []byte // nil where nothing must be known
	spoil         func(*testing.T)
	state         func(*testing.T) []string
	bad, good     []string
	settings      map[string]string
}

// stageFor sets a function's stage.
func stageFor(t *testing.T, function string, account mototest.Account) stage {
	t.Helper()
	s, err := functionstest.Set(t.Context(), "..", function, functionstest.Account{ID: account.ID, Config: account.Config})
	check(t, err)
	t.Cleanup(s.Close)
	return stage{
		event: s.Event, failed: s.Failed, learn: s.Learn, bad: s.Bad, good: s.Good, settings: s.Settings,
		spoil: func(t *testing.T) { check(t, s.Spoil(t.Context())) },
		state: func(t *testing.T) []string {
			state, err := s.State(t.Context())
			check(t, err)
			return state
		},
	}
}
