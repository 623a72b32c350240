package ebsdefaultencryption

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		state State
		keys  []string
		want  []string // rule and part
	}{
		{"on, with AWS's key", State{true, managedKey}, nil, nil},
		{"off", State{false, managedKey}, nil, []string{"encryption-off "}},
		{"any key when none is listed", State{true, other}, nil, nil},
		{"a listed key", State{true, second}, []string{ours, second}, nil},
		{"AWS's key when others are listed", State{true, managedKey}, []string{ours}, []string{"foreign-key " + managedKey}},
		{"off, and another key", State{false, other}, []string{ours}, []string{"encryption-off ", "foreign-key " + other}},
		{"only keys of another region are listed", State{true, other}, []string{elsewhere}, nil},
		{"the same key id in another region", State{true, elsewhere}, []string{ours, elsewhere}, []string{"foreign-key " + elsewhere}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(target, tt.state, Params{Keys: tt.keys}) {
				got = append(got, v.Rule+" "+v.Part)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	known := func(s State) remedy.Baseline[State] { return remedy.Baseline[State]{State: s, Known: true} }
	tests := []struct {
		name string
		live State
		base remedy.Baseline[State]
		keys []string
		want State
	}{
		{"a key chosen since the baseline stays", State{false, other}, known(State{true, ours}), nil, State{true, other}},
		{"the baseline's key", State{false, managedKey}, known(State{true, second}), []string{ours, second}, State{true, second}},
		{"the baseline's key is not allowed any more", State{true, managedKey}, known(State{true, other}), []string{ours, second}, State{true, ours}},
		{"no baseline: the region's first", State{true, managedKey}, remedy.Baseline[State]{}, []string{elsewhere, second, ours}, State{true, second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := repair(target, tt.live, tt.base, Params{Keys: tt.keys}); got != tt.want {
				t.Errorf("repair = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"on", State{false, managedKey}, State{true, managedKey}, []string{`{"api":"ec2:EnableEbsEncryptionByDefault","params":{}}`}},
		{"off last", State{true, ours}, State{false, managedKey}, []string{
			`{"api":"ec2:ResetEbsDefaultKmsKeyId","params":{}}`, `{"api":"ec2:DisableEbsEncryptionByDefault","params":{}}`,
		}},
		{"on first", State{false, managedKey}, State{true, ours}, []string{
			`{"api":"ec2:EnableEbsEncryptionByDefault","params":{}}`, `{"api":"ec2:ModifyEbsDefaultKmsKeyId","params":{"KmsKeyId":"` + ours + `"}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(target, tt.from, tt.to) {
				b, err := json.Marshal(c.Call())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var (
	keys   = rapid.SampledFrom([]string{managedKey, ours, second, other})
	states = rapid.Custom(func(t *rapid.T) State { return State{rapid.Bool().Draw(t, "on"), keys.Draw(t, "key")} })
)

// applied is what AWS makes of a setting.
func applied(s State, changes []Change) State {
	for _, c := range changes {
		switch c.API {
		case enable, disable:
			s.Enabled = c.API == enable
		case modifyKey:
			s.Key = c.Key
		case resetKey:
			s.Key = managedKey
		}
	}
	return s
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{Keys: rapid.SliceOfDistinct(rapid.SampledFrom([]string{ours, second, elsewhere}), rapid.ID[string]).Draw(t, "listed")}
		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		if got := applied(a, diff(target, a, b)); got != b {
			t.Fatalf("the changes from a to b lead to %+v", got)
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil || back != a {
			t.Fatalf("a state changes in its JSON form: %+v, %v", back, err)
		}
		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: rapid.Bool().Draw(t, "known")}, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if keyAllowed(target, a.Key, p) && fixed.Key != a.Key {
			t.Fatalf("the key %s is allowed, and was replaced by %s", a.Key, fixed.Key)
		}
	})
}
