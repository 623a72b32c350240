package s3bucketacl

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	reads := remedy.Violation{Rule: "public-grant", Part: "AllUsers READ", Message: "The ACL of bucket acme-invoices grants READ to the group AllUsers, which is everybody."}
	for name, c := range map[string]struct {
		state  State
		params Params
		want   []remedy.Violation
	}{
		"private":                    {state: acl()},
		"no grants at all":           {state: State{Owner: owner}},
		"log delivery is not public": {state: acl(logsWrite)},
		"an account is not public":   {state: acl(partnerReads)},
		"everybody":                  {state: acl(everyoneReads), want: []remedy.Violation{reads}},
		"everybody may read the ACL": {state: acl(Grant{URI: everyoneReads.URI, Permission: "READ_ACP"}), want: []remedy.Violation{{Rule: "public-grant", Part: "AllUsers READ_ACP", Message: "The ACL of bucket acme-invoices grants READ_ACP to the group AllUsers, which is everybody."}}},
		"everybody with an account is the public, too": {state: acl(usersRead), want: []remedy.Violation{
			{Rule: "public-grant", Part: "AuthenticatedUsers READ", Message: "The ACL of bucket acme-invoices grants READ to the group AuthenticatedUsers, which is everybody with any AWS account."},
		}},
		"may be public": {state: acl(everyoneReads), params: Params{AllowedBuckets: []string{"acme-*"}}},
		"another may":   {state: acl(everyoneReads), params: Params{AllowedBuckets: []string{"acme"}}, want: []remedy.Violation{reads}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, check(invoices, c.state, c.params)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	known := func(s State) remedy.Baseline[State] { return remedy.Baseline[State]{State: s, Known: true} }
	for name, c := range map[string]struct {
		live State
		base remedy.Baseline[State]
		want State
	}{
		"no baseline":                             {acl(partnerReads, everyoneReads), remedy.Baseline[State]{}, acl(partnerReads)},
		"a baseline that is not known":            {acl(everyoneReads), remedy.Baseline[State]{State: acl(partnerReads)}, acl()},
		"nothing of the baseline is missing":      {acl(partnerReads, logsWrite, everyoneReads), known(acl(partnerReads)), acl(partnerReads, logsWrite)},
		"the baseline was overwritten":            {acl(everyoneReads), known(acl(partnerReads)), acl(partnerReads)},
		"what is public in it does not come back": {acl(usersRead), known(acl(everyoneReads, partnerReads)), acl(partnerReads)},
		"the owner's own grant comes back":        {State{Owner: owner, Grants: []Grant{everyoneReads}}, known(acl()), acl()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, repair(invoices, c.live, c.base, Params{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to State
		want     string
	}{
		"order, owner and tags do not count": {acl(partnerReads, logsWrite), State{Grants: []Grant{logsWrite, partnerReads, full}, Tags: map[string]string{"a": "b"}}, `null`},
		"the whole ACL is put": {acl(everyoneReads), acl(logsWrite), `[{"api":"s3:PutBucketAcl","params":{"Bucket":"acme-invoices","ExpectedBucketOwner":"111122223333","AccessControlPolicy":{"Owner":{"ID":"` + owner + `"},"Grants":[` +
			`{"Grantee":{"Type":"CanonicalUser","ID":"` + owner + `"},"Permission":"FULL_CONTROL"},{"Grantee":{"Type":"Group","URI":"http://acs.amazonaws.com/groups/s3/LogDelivery"},"Permission":"WRITE"}]}}}]`},
		"no grants": {acl(), State{Owner: owner}, `[{"api":"s3:PutBucketAcl","params":{"Bucket":"acme-invoices","ExpectedBucketOwner":"111122223333","AccessControlPolicy":{"Owner":{"ID":"` + owner + `"},"Grants":[]}}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []remedy.Call
			for _, ch := range diff(invoices, c.from, c.to) {
				calls = append(calls, ch.Call())
			}
			got, err := json.Marshal(calls)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	grant := rapid.SampledFrom([]Grant{full, partnerReads, everyoneReads, everyoneWrite, usersRead, logsWrite})
	return State{Owner: owner, Grants: rapid.SliceOfDistinct(grant, rapid.ID[Grant]).Draw(t, "grants")}
})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, other := states.Draw(t, "live"), states.Draw(t, "other")
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
		got := repair(invoices, live, remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}, Params{})
		if left := check(invoices, got, Params{}); len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		alone := repair(invoices, live, remedy.Baseline[State]{}, Params{})
		for _, g := range live.Grants {
			if _, _, public := g.public(); public == slices.Contains(alone.Grants, g) {
				t.Fatalf("repair of %v gives %v", live.Grants, alone.Grants)
			}
		}
		if after, _ := json.Marshal(live); string(after) != string(image) {
			t.Fatalf("repair changed its argument to %s", after)
		}
		model := live
		for _, c := range diff(invoices, live, other) {
			model.Grants = c.Grants
		}
		if len(diff(invoices, model, other)) > 0 || len(diff(invoices, live, live)) > 0 {
			t.Fatalf("Diff leads from %v to %v, want %v", live, model, other)
		}
	})
}
