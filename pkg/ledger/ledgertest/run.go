// Package ledgertest holds every ledger to the contract of [remedy.Ledger].
package ledgertest

import (
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Run checks a ledger. open gives a new, empty one and closes it with the test;
// it is called at least once for each test, also from tests that run at the
// same time.
func Run(t *testing.T, open func(t *testing.T) remedy.Ledger) {
	tests := []struct {
		name string
		run  func(suite)
	}{
		{"look finds nothing", suite.lookFindsNothing},
		{"intend claims the resource", suite.intendClaims},
		{"intend from an outdated look", suite.intendStale},
		{"intend while another holds the lease", suite.intendBusy},
		{"intend takes over an expired lease", suite.intendTakesOver},
		{"intend resumes a record", suite.intendResumes},
		{"finish writes everything", suite.finishWritesEverything},
		{"finish without a change", suite.finishWithoutChange},
		{"finish after the lease is lost", suite.finishLeaseLost},
		{"finish after expiry without a successor", suite.finishExpired},
		{"finish keeps the later baseline", suite.finishKeepsLaterBaseline},
		{"finish undoes a record", suite.finishUndoes},
		{"finish undoes a record that is not there", suite.finishUndoesNothing},
		{"save a baseline", suite.saveBaseline},
		{"save a record", suite.saveRecord},
		{"save a record over a closed one", suite.saveRecordClosed},
		{"states come back byte for byte", suite.statesRoundTrip},
		{"large states come back byte for byte", suite.largeStates},
		{"record that is not there", suite.noRecord},
		{"records in pages", suite.pages},
		{"records with a bad cursor", suite.badCursor},
		{"records page sizes", suite.pageSizes},
		{"blast cap", suite.blastCap},
		{"fight cap", suite.fightCap},
		{"fight cap before blast cap", suite.fightBeforeBlast},
		{"caps slide", suite.capsSlide},
		{"caps count a resumed record once", suite.capsResumed},
		{"caps that change", suite.capsChange},
		{"caps that cannot be counted", suite.capsRefused},
		{"zero caps count nothing", suite.capsZero},
		{"copies of one event at once", suite.sameAtOnce},
		{"blast cap at once", suite.blastAtOnce},
		{"fight cap at once", suite.fightAtOnce},
		{"dead letters", suite.deadLetters},
		{"cancelled context", suite.cancelled},
		{"random operations", suite.model},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(suite{T: t, Ledger: open(t), open: open})
		})
	}
}
