package lambdapermission

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func newFake() *fakeLambda {
	return &fakeLambda{
		function: web.Function, policies: map[string][]Grant{"": {partner, bucket}}, revision: 3,
		tags: map[string]string{"team": "web"}, fail: map[string]error{},
	}
}

func over(f *fakeLambda) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	failing := func(op, code string) func(*fakeLambda) {
		return func(f *fakeLambda) { f.fail[op] = apiError(code) }
	}
	all := []Grant{urlPublic, urlInvoke, alexa, bucket, edge, org, partner, urlSigned}
	for name, c := range map[string]struct {
		change    func(*fakeLambda)
		qualifier string
		want      State
		wantErr   string
		gone      bool
	}{
		"permissions and tags":     {change: func(*fakeLambda) {}, want: State{Grants: []Grant{bucket, partner}, Revision: "3", Tags: map[string]string{"team": "web"}}},
		"every kind of permission": {change: func(f *fakeLambda) { f.policies[""] = all }, want: State{Grants: all, Revision: "3", Tags: map[string]string{"team": "web"}}},
		"no policy is not gone":    {change: func(f *fakeLambda) { f.policies, f.tags = nil, nil }},
		"an alias without one":     {change: func(*fakeLambda) {}, qualifier: "live", want: State{Tags: map[string]string{"team": "web"}}},
		"gone":                     {change: func(f *fakeLambda) { f.function = "" }, wantErr: "ResourceNotFoundException", gone: true},
		"policy unreadable":        {change: failing("GetPolicy", "AccessDeniedException"), wantErr: "grant lambda:GetPolicy"},
		"tags unreadable":          {change: failing("ListTags", "AccessDeniedException"), wantErr: "grant lambda:ListTags"},
		"throttled":                {change: failing("GetPolicy", "TooManyRequestsException"), wantErr: "read the permissions on function web of account 111122223333: lambda:GetPolicy: "},
		"policy not understood":    {change: func(f *fakeLambda) { f.raw = `{"Statement":[],"New":1}` }, wantErr: "parse policy: New: is no member"},
		"put in another way":       {change: func(f *fakeLambda) { f.raw = `{"Statement":{"Effect":"Deny","Principal":"*","Action":"a"}}` }, wantErr: "lambda:AddPermission can't have made it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			target := web
			target.Qualifier = c.qualifier
			got, err := over(f).Read(t.Context(), target)
			policytest.WantError(t, err, c.wantErr, c.gone, false)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	removal := func(g Grant, revision string) Change {
		return Change{Target: web, Grant: g, Remove: true, Revision: revision}
	}
	addition := func(g Grant) Change { return Change{Target: web, Grant: g} }
	for name, c := range map[string]struct {
		op, code  string
		have      []Grant
		change    Change
		want      []Grant
		wantErr   string
		gone      bool
		permanent bool
	}{
		"remove":                              {have: []Grant{bucket, public}, change: removal(public, "3"), want: []Grant{bucket}},
		"remove, revision looked up":          {have: []Grant{bucket, public}, change: removal(public, ""), want: []Grant{bucket}},
		"remove, an older revision":           {have: []Grant{public}, change: removal(public, "2"), want: []Grant{public}, wantErr: "the policy has changed since it was read"},
		"remove, the id was reused meanwhile": {have: []Grant{reused}, change: removal(bucket, ""), want: []Grant{reused}, wantErr: "it has become another one since it was read"},
		"remove what is not there":            {have: []Grant{bucket}, change: removal(public, "3"), want: []Grant{bucket}},
		"remove what is not there, looked up": {have: []Grant{bucket}, change: removal(public, ""), want: []Grant{bucket}},
		"remove, denied":                      {op: "RemovePermission", code: "AccessDeniedException", have: []Grant{public}, change: removal(public, "3"), want: []Grant{public}, wantErr: "grant lambda:RemovePermission"},
		"remove, throttled":                   {op: "RemovePermission", code: "TooManyRequestsException", have: []Grant{public}, change: removal(public, "3"), want: []Grant{public}, wantErr: "remove permission public on function web"},
		"remove, unreadable":                  {op: "GetPolicy", code: "AccessDeniedException", have: []Grant{public}, change: removal(public, ""), want: []Grant{public}, wantErr: "grant lambda:GetPolicy"},
		"add":                                 {change: addition(bucket), want: []Grant{bucket}},
		"add for a URL":                       {change: addition(urlInvoke), want: []Grant{urlInvoke}},
		"add what is there":                   {have: []Grant{bucket}, change: addition(bucket), want: []Grant{bucket}},
		"add, its id is another's":            {have: []Grant{reused}, change: addition(bucket), want: []Grant{reused}, wantErr: "ResourceConflictException"},
		"add, gone":                           {op: "AddPermission", code: codeNotFound, change: addition(bucket), wantErr: "ResourceNotFound", gone: true},
		"add, denied":                         {op: "AddPermission", code: "AccessDeniedException", change: addition(bucket), wantErr: "grant lambda:AddPermission"},
		"add, throttled":                      {op: "AddPermission", code: "TooManyRequestsException", change: addition(bucket), wantErr: "add permission bucket on function web"},
		"add, a principal is gone":            {op: "AddPermission", code: "InvalidParameterValueException", change: addition(partner), wantErr: "its principal may have been deleted since", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.policies[""] = c.have
			if c.code != "" {
				f.fail[c.op] = apiError(c.code)
			}
			policytest.WantError(t, over(f).Apply(t.Context(), web, c.change), c.wantErr, c.gone, c.permanent)
			if diff := cmp.Diff(c.want, f.policies[""], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReusedSidStays lets somebody put a good permission under the id of the bad one
// between the read and the removal: the revision keeps it.
func TestReusedSidStays(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.policies[""] = []Grant{reused}
	s := over(f)
	live, err := s.Read(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	f.policies[""] = []Grant{bucket}
	f.revision++
	for _, c := range diff(web, live, repair(web, live, remedy.Baseline[State]{}, Params{})) {
		policytest.WantError(t, s.Apply(t.Context(), web, c), "the policy has changed", false, false)
	}
	if got := fmt.Sprint(f.policies[""]); got != fmt.Sprint([]Grant{bucket}) {
		t.Errorf("permissions = %s, want the good one still", got)
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	if _, err := remedy.Open(t.Context(), Function, mototest.New(t).Env); err != nil {
		t.Fatal(err)
	}
}
