package ebssnapshotaccessblock

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*fake)
		wantErr string
	}{
		"refused":                   {func(f *fake) { f.code = "UnauthorizedOperation" }, "grant ec2:GetSnapshotBlockPublicAccessState "},
		"throttled":                 {func(f *fake) { f.code = "RequestLimitExceeded" }, "RequestLimitExceeded"},
		"a state that is not known": {func(f *fake) { f.state = "block-some-sharing" }, `state "block-some-sharing" is not known`},
		"an empty answer":           {func(f *fake) { f.state = "" }, `state "" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), c.wantErr) || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q that a retry may mend", err, c.wantErr)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	for block, action := range map[string]string{
		unblocked: "ec2:DisableSnapshotBlockPublicAccess", blockNew: "ec2:EnableSnapshotBlockPublicAccess", blockAll: "ec2:EnableSnapshotBlockPublicAccess",
	} {
		f := newFake()
		for range 2 {
			if err := storeOf(f).Apply(t.Context(), target, Change{block}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := storeOf(f).Read(t.Context(), target); err != nil || got.Block != block {
			t.Errorf("state = %+v, %v; want %s", got, err, block)
		}
		f.code = "UnauthorizedOperation"
		if err := storeOf(f).Apply(t.Context(), target, Change{block}); err == nil || !strings.Contains(err.Error(), "grant "+action+" ") || remedy.IsPermanent(err) {
			t.Errorf("refused: error = %v, want one that names %s", err, action)
		}
	}
}
