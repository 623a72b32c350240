package lambdapermission

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Calls as records name them.
const (
	addCall    = "lambda:AddPermission"
	removeCall = "lambda:RemovePermission"
)

const invoke = "lambda:InvokeFunction"

// Permissions that the emulator can hold too.
var (
	bucket   = Grant{ID: "bucket", Action: invoke, Principal: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::acme-in", SourceAccount: "111122223333"}
	partner  = Grant{ID: "partner", Action: invoke, Principal: "arn:aws:iam::210987654321:root"}
	org      = Grant{ID: "org", Action: invoke, Principal: "*", Organization: "o-a1b2c3d4e5"}
	edge     = Grant{ID: "edge", Action: "lambda:GetFunction", Principal: "replicator.lambda.amazonaws.com"}
	public   = Grant{ID: "public", Action: invoke, Principal: "*"}
	topics   = Grant{ID: "topics", Action: invoke, Principal: "sns.amazonaws.com"}
	reused   = Grant{ID: "bucket", Action: invoke, Principal: "*"}
	anywhere = Grant{ID: "any-bucket", Action: invoke, Principal: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::*"}
)

// Permissions of function URLs, and a token.
var (
	urlPublic = Grant{ID: "FunctionURLAllowPublicAccess", Action: "lambda:InvokeFunctionUrl", Principal: "*", URLAuth: "NONE"}
	urlInvoke = Grant{ID: "FunctionURLInvokeAllowPublicAccess", Action: invoke, Principal: "*", ViaURL: true}
	urlSigned = Grant{ID: "signed", Action: "lambda:InvokeFunctionUrl", Principal: "210987654321", URLAuth: "AWS_IAM"}
	alexa     = Grant{ID: "alexa", Action: invoke, Principal: "alexa-appkit.amazon.com", Token: "amzn1.ask.skill.1"}
)

var web = Target{Function: "web", Account: "111122223333", Region: "eu-central-1"}

func suite() remedytest.Suite[Target, State, Change, Params] {
	of := func(grants ...Grant) State {
		slices.SortFunc(grants, func(a, b Grant) int { return cmp.Compare(a.ID, b.ID) })
		return State{Grants: grants}
	}
	tagged := func(s State) State {
		s.Tags = map[string]string{"team": "web"}
		return s
	}
	state := func(s State) *State { return &s }
	const open, unbound, foreign = string(policydoc.Public), string(policydoc.Unbound), string(policydoc.Foreign)
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules,
		Normal: func(s State) State {
			if len(s.Grants) == 0 {
				return State{}.with(s.Tags)
			}
			return of(slices.Clone(s.Grants)...).with(s.Tags)
		},
		Cases: []remedytest.Case[State, Params]{
			{Name: "no permissions", Live: State{}},
			{Name: "fixed principals and bound services", Live: tagged(of(bucket, partner, org, edge))},
			{Name: "a function that may be open", Live: of(public, topics), Params: &Params{AllowedFunctions: []string{"web*"}, Params: Function.Params.(Params).Params}},
			{Name: "only the public one goes", Live: tagged(of(bucket, partner, public, org)), Rules: []string{open}, Want: tagged(of(bucket, partner, org)), Calls: []string{removeCall}},
			{Name: "the last one", Live: of(public), Rules: []string{open}, Want: State{}, Calls: []string{removeCall}},
			{Name: "a confused deputy", Live: of(bucket, topics), Rules: []string{unbound}, Want: of(bucket), Calls: []string{removeCall}},
			{Name: "a source that is no one's", Live: of(bucket, anywhere), Rules: []string{unbound}, Want: of(bucket), Calls: []string{removeCall}},
			{Name: "two at once", Live: of(public, topics, edge), Rules: []string{open, unbound}, Want: of(edge), Calls: []string{removeCall, removeCall}},
			{
				Name: "an account that is not allowed", Params: &Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012", "111122223333"}}}},
				Live: of(bucket, partner), Rules: []string{foreign}, Want: of(bucket), Calls: []string{removeCall},
			},
			{Name: "a good id reused for a bad one", Baseline: state(of(bucket, partner)), Live: of(reused, partner), Rules: []string{open}, Want: of(partner), Calls: []string{removeCall}},
			{Name: "what was removed before is not put back", Baseline: state(of(bucket, partner)), Live: of(bucket, public), Rules: []string{open}, Want: of(bucket), Calls: []string{removeCall}},
		},
	}
}

// with gives the state with these tags.
func (s State) with(tags map[string]string) State {
	if len(tags) > 0 {
		s.Tags = tags
	}
	return s
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	for _, target := range []Target{web, {Function: "web", Qualifier: "live", Account: web.Account, Region: web.Region}} {
		t.Run(target.String(), func(t *testing.T) {
			t.Parallel()
			s := suite()
			s.Cases = append(s.Cases, remedytest.Case[State, Params]{
				Name: "permissions of function URLs", Live: State{Grants: []Grant{urlPublic, urlInvoke, alexa, urlSigned}},
				Rules: []string{"public-statement", "public-statement"}, Want: State{Grants: []Grant{alexa, urlSigned}}, Calls: []string{removeCall, removeCall},
			})
			s.Open = func(testing.TB) remedytest.World[Target, State, Change] { return faked(target) }
			remedytest.Run(t, s)
		})
	}
}

// faked is a function, or a version or alias of it, beside which there is another
// policy that must stay.
func faked(target Target) remedytest.World[Target, State, Change] {
	f := &fakeLambda{function: target.Function, policies: map[string][]Grant{"other": {public}}}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return f }},
		Seed: func(_ testing.TB, s State) remedy.Event {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.policies[target.Qualifier], f.tags = slices.Clone(s.Grants), s.Tags
			f.revision++
			return addEvent(target)
		},
		State: func(t testing.TB) State {
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.policies["other"]) != 1 {
				t.Error("another qualifier's policy was touched")
			}
			return State{Grants: f.policies[target.Qualifier], Tags: f.tags}
		},
		Remove: func(testing.TB) { f.function = "" },
	}
}

// TestOnEmulator has one policy a function: the emulator keeps none for aliases.
func TestOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := lambda.NewFromConfig(account.Config)
	role, err := iam.NewFromConfig(account.Config).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("lambda"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	s := suite()
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		target := Target{Function: fmt.Sprintf("web-%d", made.Add(1)), Account: account.ID, Region: mototest.Region}
		_, err := api.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &target.Function, Role: role.Role.Arn, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
			Code: &types.FunctionCode{ZipFile: archive(t)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return emulated(api, target)
	}
	remedytest.RunEmulated(t, s)
}

// archive is the code of a function.
func archive(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// emulated is a function on an emulator.
func emulated(api *lambda.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error, but string) {
		t.Helper()
		if err != nil && !cloud.HasCode(err, but) {
			t.Fatal(err)
		}
	}
	sids := func(t testing.TB) []policydoc.Statement {
		out, err := api.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: &target.Function})
		check(t, err, codeNotFound)
		if err != nil {
			return nil
		}
		d, err := policydoc.Parse(*out.Policy)
		check(t, err, "")
		return d.Statements
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			for _, st := range sids(t) {
				_, err := api.RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: &target.Function, StatementId: &st.Sid})
				check(t, err, "")
			}
			for _, g := range s.Grants {
				_, err := api.AddPermission(t.Context(), &lambda.AddPermissionInput{
					FunctionName: &target.Function, StatementId: &g.ID, Action: &g.Action, Principal: &g.Principal,
					SourceArn: optional(g.SourceARN), SourceAccount: optional(g.SourceAccount), PrincipalOrgID: optional(g.Organization),
				})
				check(t, err, "")
			}
			if len(s.Tags) > 0 {
				_, err := api.TagResource(t.Context(), &lambda.TagResourceInput{Resource: aws.String(target.ARN()), Tags: s.Tags})
				check(t, err, "")
			}
			return addEvent(target)
		},
		State: func(t testing.TB) State {
			var s State
			for _, st := range sids(t) {
				g, err := grant(st)
				check(t, err, "")
				s.Grants = append(s.Grants, g)
			}
			tags, err := api.ListTags(t.Context(), &lambda.ListTagsInput{Resource: aws.String(target.ARN())})
			check(t, err, "")
			return s.with(tags.Tags)
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &target.Function})
			check(t, err, "")
		},
	}
}

// addEvent is the event that adding a permission causes.
func addEvent(target Target) remedy.Event {
	detail, _ := json.Marshal(map[string]any{"requestParameters": map[string]any{ // strings
		"functionName": target.Function, "qualifier": target.Qualifier, "statementId": "x",
	}})
	return remedy.Event{
		ID: "e1", Source: "aws.lambda", Name: "AddPermission20150331v2", Account: target.Account, Region: target.Region, Detail: detail,
	}
}
