package sharing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/sharing"
)

func TestValidateAccounts(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{"444455556666": true, "44445555666": false, "4444555566667": false, "44445555666a": false, "": false, "*": false} {
		err := sharing.ValidateAccounts("allowed", []string{"111122223333", id})
		if (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "allowed: ") {
			t.Errorf("ValidateAccounts of %q = %v, want ok: %v", id, err, ok)
		}
	}
	if err := sharing.ValidateAccounts("allowed", nil); err != nil {
		t.Errorf("ValidateAccounts of nothing = %v", err)
	}
}

func TestLacking(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list, other []string
		size        int
		want        [][]string
	}{
		"nothing":               {nil, []string{"a"}, 2, nil},
		"the same, in no order": {[]string{"b", "a"}, []string{"a", "b"}, 2, nil},
		"sorted, each once":     {[]string{"c", "a", "c", "b"}, []string{"b"}, 5, [][]string{{"a", "c"}}},
		"in parts":              {[]string{"e", "d", "c", "b", "a"}, nil, 2, [][]string{{"a", "b"}, {"c", "d"}, {"e"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.list)
			got := slices.Collect(sharing.Lacking(c.list, c.other, c.size))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, c.list); diff != "" {
				t.Errorf("the argument changed (-before +after):\n%s", diff)
			}
		})
	}
}
