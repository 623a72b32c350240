package iamaccesskey

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	all := Params{ForbiddenUsers: []string{"*"}}
	tests := []struct {
		name         string
		user, status string
		params       Params
		want         string // rule; empty means compliant
	}{
		{"anybody", "jane", active, all, "forbidden-user"},
		{"an inactive key", "jane", inactive, all, ""},
		{"an expired key", "jane", "Expired", all, ""},
		{"a listed name", "jane", active, Params{ForbiddenUsers: []string{"bob", "jane"}}, "forbidden-user"},
		{"a name that only begins like a listed one", "jane.doe", active, Params{ForbiddenUsers: []string{"jane"}}, ""},
		{"a pattern at the end", "jane.admin", active, Params{ForbiddenUsers: []string{"*.admin"}}, "forbidden-user"},
		{"other letters", "Jane.ADMIN", active, Params{ForbiddenUsers: []string{"*.Admin"}}, "forbidden-user"},
		{"an allowed name", "ci-deploy", active, Params{ForbiddenUsers: []string{"*"}, AllowedUsers: []string{"CI-*"}}, ""},
		{"allowed without being forbidden", "ci-deploy", active, Params{AllowedUsers: []string{"ci-*"}}, ""},
		{"nobody is forbidden", "jane", active, Params{}, ""},
		{"signs that IAM allows in names", "a+b=c,d.e@f_g-h", active, all, "forbidden-user"},
		{"root", "", active, all, "root-access-key"},
		{"root where nobody is forbidden", "", active, Params{}, "root-access-key"},
		{"root where everybody is allowed", "", active, Params{ForbiddenUsers: []string{"*"}, AllowedUsers: []string{"*"}}, "root-access-key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.params.Validate(); err != nil {
				t.Fatal(err)
			}
			got := check(Target{tt.user, "AKIA1", "111122223333", "us-east-1"}, State{Status: tt.status}, tt.params)
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("check = %v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != tt.want || got[0].Part != "AKIA1" || !strings.Contains(got[0].Message, "AKIA1") {
				t.Errorf("check = %+v, want one %s of AKIA1", got, tt.want)
			}
		})
	}
}

// A root key can't be put right by any role: what stays is the violation, which
// the engine reports with its advice.
func TestRootKeyHasNoRepair(t *testing.T) {
	t.Parallel()
	root := Target{"", "AKIA1", "111122223333", "us-east-1"}
	live := State{Status: active}
	got := repair(root, live, remedy.Baseline[State]{}, Function.Params.(Params))
	if calls := diff(root, live, got); len(calls) != 0 {
		t.Errorf("a root key leads to the changes %v, want none", calls)
	}
	left := check(root, got, Function.Params.(Params))
	if len(left) != 1 || !strings.Contains(left[0].Message, "sign in as root and delete it") {
		t.Errorf("check after repair = %v, want one violation that says what to do", left)
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	want := `{"api":"iam:UpdateAccessKey","params":{"AccessKeyId":"AKIA1","Status":"Inactive","UserName":"jane"}}`
	target := Target{"jane", "AKIA1", "111122223333", "us-east-1"}
	changes := diff(target, State{Status: active, UserARN: "a"}, State{Status: inactive, UserARN: "b"})
	if len(changes) != 1 {
		t.Fatalf("%d changes, want 1", len(changes))
	}
	got, err := json.Marshal(changes[0].Call())
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("call = %s, want %s", got, want)
	}
	other := State{Status: active, UserARN: "b", Created: time.Now(), Tags: map[string]string{"a": "b"}}
	if changes := diff(target, State{Status: active}, other); len(changes) != 0 {
		t.Errorf("what is only read leads to changes %v, want none", changes)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("Validate of the defaults = %v", err)
	}
	for _, bad := range []string{"", "[a-", `x\`} {
		for name, p := range map[string]Params{
			"forbidden_users": {ForbiddenUsers: []string{"ok", bad}}, "allowed_users": {AllowedUsers: []string{bad}},
		} {
			if err := p.Validate(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("Validate with %q in %s = %v, want an error that names it", bad, name, err)
			}
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	states := rapid.Custom(func(t *rapid.T) State {
		return State{
			Status:  rapid.SampledFrom([]string{active, inactive}).Draw(t, "status"),
			Created: time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "created"), 0).UTC(),
			UserARN: "arn:aws:iam::111122223333:user/jane",
			Tags:    rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
		}
	})
	patterns := rapid.SliceOf(rapid.SampledFrom([]string{"*", "jane", "j*", "bob", "JAN?"}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{patterns.Draw(t, "forbidden"), patterns.Draw(t, "allowed")}
		target := Target{"jane", "AKIA1", "111122223333", "us-east-1"}
		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if len(check(target, a, p)) == 0 && len(diff(target, a, fixed)) > 0 {
			t.Fatal("a compliant key is changed")
		}
		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		status := a.Status
		for _, c := range diff(target, a, b) {
			status = c.Status
		}
		if status != b.Status {
			t.Fatalf("the changes from a to b lead to %s, want %s", status, b.Status)
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
	})
}
