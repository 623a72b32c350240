package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestSelf_in_spokes(t *testing.T) {
	t.Parallel()
	self := Self("arn:aws:iam::111122223333:role/hub,arn:aws:iam::*:role/ebb-lamp,arn:aws:iam::*:role/other*,arn:*:iam::*:role/partition,*")
	tests := map[string]struct {
		id   string
		want bool
	}{
		"a spoke":                              {"arn:aws:sts::444455556666:assumed-role/ebb-lamp/4bf92f3577b34da6a3ce929d0e0e4736", true},
		"another spoke":                        {"arn:aws:sts::777788889999:assumed-role/ebb-lamp/lamp", true},
		"another role there":                   {"arn:aws:sts::444455556666:assumed-role/ebb-lamp2/lamp", false},
		"a part of its name":                   {"arn:aws:sts::444455556666:assumed-role/ebb/lamp", false},
		"a session of that name":               {"arn:aws:sts::444455556666:assumed-role/admin/ebb-lamp", false},
		"a user of that name":                  {"arn:aws:iam::444455556666:user/ebb-lamp", false},
		"another partition":                    {"arn:aws-cn:sts::444455556666:assumed-role/ebb-lamp/lamp", false},
		"no account":                           {"arn:aws:sts:::assumed-role/ebb-lamp/lamp", false},
		"the hub's role at home":               {"arn:aws:sts::111122223333:assumed-role/hub/lamp", true},
		"the hub's role elsewhere":             {"arn:aws:sts::444455556666:assumed-role/hub/lamp", false},
		"a star in the name stands for itself": {"arn:aws:sts::444455556666:assumed-role/otherwise/lamp", false},
		"a star in the partition too":          {"arn:aws:sts::444455556666:assumed-role/partition/lamp", false},
		"a star alone too":                     {"arn:aws:iam::444455556666:user/jane", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := self(remedy.Actor{ID: tt.id}); got != tt.want {
				t.Errorf("Self(%s) = %t, want %t", tt.id, got, tt.want)
			}
		})
	}
}

func TestBraces(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"":                                    nil,
		"a":                                   {"a"},
		"a,b":                                 {"a", "b"},
		"a,":                                  {"a"},
		"x-{a,b}":                             {"x-a", "x-b"},
		"x-{a,b}-y,z":                         {"x-a-y", "x-b-y", "z"},
		"z,x-{a},{b,c}":                       {"z", "x-a", "b", "c"},
		"x-{}":                                {"x-"},
		"x{a,b":                               {"x{a", "b"},
		"x}a,b":                               {"x}a", "b"},
		"}x{a,b}":                             {"}x{a", "b}"},
		"arn:aws:iam::*:role/ebb-{lamp,door}": {"arn:aws:iam::*:role/ebb-lamp", "arn:aws:iam::*:role/ebb-door"},
	} {
		if diff := cmp.Diff(want, braces(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}
