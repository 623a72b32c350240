package s3bucketversioning

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Rules, as violations name them.
const (
	ruleSuspended = "versioning-suspended"
	ruleMFA       = "mfa-delete-off"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	vault := Params{MFADelete: []string{"x", "acme-*"}}
	for name, c := range map[string]struct {
		state  State
		params Params
		want   []remedy.Violation
	}{
		"enabled":                         {state: State{Status: enabled}},
		"never had versioning":            {state: State{}},
		"never had it, MFA delete wanted": {state: State{}, params: vault},
		"suspended": {state: State{Status: suspended}, want: []remedy.Violation{
			{Rule: ruleSuspended, Message: "Versioning of bucket acme-invoices is suspended, so an object that is overwritten or deleted is lost."},
		}},
		"suspended with MFA delete": {state: State{Status: suspended, MFADelete: true}, want: []remedy.Violation{
			{Rule: ruleSuspended, Message: "Versioning of bucket acme-invoices is suspended, and because of its MFA delete only the root user with its MFA device can enable it."},
		}},
		"may be suspended":              {state: State{Status: suspended}, params: Params{AllowedBuckets: []string{"acme-*"}}},
		"another may be suspended":      {state: State{Status: suspended}, params: Params{AllowedBuckets: []string{"acme"}}, want: check(invoices, State{Status: suspended}, Params{})},
		"MFA delete is on, and must be": {state: State{Status: enabled, MFADelete: true}, params: vault},
		"MFA delete of bucket acme-invoices is off, and need not be on": {state: State{Status: enabled}, params: Params{MFADelete: []string{"acme"}}},
		"MFA delete is off": {state: State{Status: enabled}, params: vault, want: []remedy.Violation{
			{Rule: ruleMFA, Message: "MFA delete of bucket acme-invoices is off, and only the root user with its MFA device can turn it on."},
		}},
		"both": {state: State{Status: suspended}, params: vault, want: []remedy.Violation{
			{Rule: ruleSuspended, Message: "Versioning of bucket acme-invoices is suspended, so an object that is overwritten or deleted is lost."},
			{Rule: ruleMFA, Message: "MFA delete of bucket acme-invoices is off, and only the root user with its MFA device can turn it on."},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, check(invoices, c.state, c.params)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	setting := func(status string) []remedy.Call {
		return []remedy.Call{{API: put, Params: call{"acme-invoices", "111122223333", configuration{status}}}}
	}
	for name, c := range map[string]struct {
		from, to State
		want     []remedy.Call
	}{
		"the same":                                {State{Status: enabled}, State{Status: enabled}, nil},
		"tags are only read":                      {State{}, State{Tags: map[string]string{"a": "b"}}, nil},
		"MFA delete is only read":                 {State{Status: enabled}, State{Status: enabled, MFADelete: true}, nil},
		"enabled":                                 {State{Status: suspended}, State{Status: enabled}, setting(enabled)},
		"suspended, as an undo may":               {State{Status: enabled}, State{Status: suspended}, setting(suspended)},
		"there is no way back, which S3 must say": {State{Status: enabled}, State{}, setting("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []remedy.Call
			for _, ch := range diff(invoices, c.from, c.to) {
				got = append(got, ch.Call())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	s := State{
		Status: rapid.SampledFrom([]string{"", enabled, suspended}).Draw(t, "status"),
		Tags:   rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
	}
	s.MFADelete = s.Status != "" && rapid.Bool().Draw(t, "MFA delete")
	return s
})

func TestProperties(t *testing.T) {
	t.Parallel()
	lists := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"acme-*", "other"}), rapid.ID[string])
	rapid.Check(t, func(t *rapid.T) {
		live, other := states.Draw(t, "live"), states.Draw(t, "other")
		params := Params{AllowedBuckets: lists.Draw(t, "allowed"), MFADelete: lists.Draw(t, "MFA delete")}
		base := remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}

		image, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(live, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}

		got := repair(invoices, live, base, params)
		for _, left := range check(invoices, got, params) {
			if left.Rule == ruleSuspended && !live.MFADelete {
				t.Fatalf("Check(Repair(s)) = %v", left)
			}
		}
		want := live
		if len(diff(invoices, live, got)) > 0 {
			want.Status = enabled
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("more than the status was repaired (-want +got):\n%s", diff)
		}
		if len(check(invoices, live, params)) == 0 && len(diff(invoices, live, got)) > 0 {
			t.Fatalf("a compliant state was repaired: %+v", got)
		}
		model := live
		for _, c := range diff(invoices, live, other) {
			model.Status = c.Status
		}
		if model.Status != other.Status || len(diff(invoices, live, live)) > 0 {
			t.Fatalf("Diff leads from %+v to %+v, want the status of %+v", live, model, other)
		}
	})
}
