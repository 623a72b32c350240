package ec2instancemetadata

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// TestGone: what else can go wrong is tried in pkg/cloud/ec2instance.
func TestGone(t *testing.T) {
	t.Parallel()
	target := Target{InstanceID: "i-0fake", Account: "111122223333", Region: "us-east-1"}
	s := store{func(remedy.Ref) client { return &fake{gone: true} }}
	got, err := s.Read(t.Context(), target)
	if !errors.Is(err, remedy.ErrGone) || !strings.HasPrefix(err.Error(), "read instance i-0fake: ") {
		t.Errorf("read: error = %v, want ErrGone with the instance's id", err)
	}
	if diff := cmp.Diff(State{}, got); diff != "" {
		t.Errorf("a partial state came with the error:\n%s", diff)
	}
	if err := s.Apply(t.Context(), target, Change{Instance: "i-0fake", Tokens: imds.Required}); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("apply: error = %v, want ErrGone", err)
	}
}
