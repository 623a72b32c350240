package lambdapermission

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// fakeLambda is a Lambda with one function, whose versions and aliases have
// policies of their own.
type fakeLambda struct {
	mu       sync.Mutex
	function string             // empty when it was deleted
	policies map[string][]Grant // by qualifier
	revision int
	raw      string // a policy as it is, where the test wants one
	tags     map[string]string
	fail     map[string]error // what an operation answers instead
}

// enter locks the fake and gives what Lambda checks before anything else.
func (f *fakeLambda) enter(op string, name *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.function == "" || aws.ToString(name) != f.function:
		return apiError(codeNotFound)
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

// statement writes a permission as Lambda does.
func statement(g Grant) string {
	principal := fmt.Sprintf(`{"AWS":%q}`, g.Principal)
	switch {
	case g.Principal == "*":
		principal = `"*"`
	case strings.HasSuffix(g.Principal, ".com"):
		principal = fmt.Sprintf(`{"Service":%q}`, g.Principal)
	}
	conditions := map[string]map[string]string{}
	when := func(operator, key, value string) {
		if value == "" {
			return
		}
		if conditions[operator] == nil {
			conditions[operator] = map[string]string{}
		}
		conditions[operator][key] = value
	}
	when("ArnLike", "AWS:SourceArn", g.SourceARN)
	when("StringEquals", "AWS:SourceAccount", g.SourceAccount)
	when("StringEquals", "aws:PrincipalOrgID", g.Organization)
	when("StringEquals", "lambda:EventSourceToken", g.Token)
	when("StringEquals", "lambda:FunctionUrlAuthType", g.URLAuth)
	if g.ViaURL {
		when("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	out := fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Principal":%s,"Action":%q,"Resource":"arn"`, g.ID, principal, g.Action)
	if len(conditions) > 0 {
		b, _ := json.Marshal(conditions) // maps of strings
		out += `,"Condition":` + string(b)
	}
	return out + "}"
}

func (f *fakeLambda) GetPolicy(_ context.Context, in *lambda.GetPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetPolicy", in.FunctionName); err != nil {
		return nil, err
	}
	var list []string
	for _, g := range f.policies[aws.ToString(in.Qualifier)] {
		list = append(list, statement(g))
	}
	policy := `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(list, ",") + `]}`
	if f.raw != "" {
		policy = f.raw
	} else if len(list) == 0 {
		return nil, apiError(codeNotFound)
	}
	return &lambda.GetPolicyOutput{Policy: &policy, RevisionId: aws.String(fmt.Sprint(f.revision))}, nil
}

func (f *fakeLambda) ListTags(_ context.Context, in *lambda.ListTagsInput, _ ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	defer f.mu.Unlock()
	_, name, _ := strings.Cut(*in.Resource, ":function:")
	if err := f.enter("ListTags", &name); err != nil {
		return nil, err
	}
	return &lambda.ListTagsOutput{Tags: f.tags}, nil
}

func (f *fakeLambda) AddPermission(_ context.Context, in *lambda.AddPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("AddPermission", in.FunctionName); err != nil {
		return nil, err
	}
	q := aws.ToString(in.Qualifier)
	if slices.ContainsFunc(f.policies[q], func(g Grant) bool { return g.ID == *in.StatementId }) {
		return nil, apiError("ResourceConflictException")
	}
	f.policies[q] = append(f.policies[q], Grant{
		ID: *in.StatementId, Action: *in.Action, Principal: *in.Principal, SourceARN: aws.ToString(in.SourceArn),
		SourceAccount: aws.ToString(in.SourceAccount), Organization: aws.ToString(in.PrincipalOrgID),
		Token: aws.ToString(in.EventSourceToken), URLAuth: string(in.FunctionUrlAuthType), ViaURL: aws.ToBool(in.InvokedViaFunctionUrl),
	})
	f.revision++
	return &lambda.AddPermissionOutput{}, nil
}

func (f *fakeLambda) RemovePermission(_ context.Context, in *lambda.RemovePermissionInput, _ ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("RemovePermission", in.FunctionName); err != nil {
		return nil, err
	}
	if in.RevisionId != nil && *in.RevisionId != fmt.Sprint(f.revision) {
		return nil, apiError("PreconditionFailedException")
	}
	q := aws.ToString(in.Qualifier)
	i := slices.IndexFunc(f.policies[q], func(g Grant) bool { return g.ID == *in.StatementId })
	if i < 0 {
		return nil, apiError(codeNotFound)
	}
	f.policies[q] = slices.Delete(slices.Clone(f.policies[q]), i, i+1)
	f.revision++
	return &lambda.RemovePermissionOutput{}, nil
}
