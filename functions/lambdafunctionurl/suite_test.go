package lambdafunctionurl

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/lambdaevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const update = "lambda:UpdateFunctionUrlConfig" // as records name it

var (
	web  = Target{lambdaevent.Target{Function: "web", Account: "111122223333", Region: "eu-central-1"}}
	live = Target{lambdaevent.Target{Function: "web", Qualifier: "live", Account: "111122223333", Region: "eu-central-1"}}
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	tags := map[string]string{"team": "web"}
	rule := []string{"public-url"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules,
		Normal: func(s State) State { // an emulator has no tags or an empty list of them
			if len(s.Tags) == 0 {
				s.Tags = nil
			}
			return s
		},
		Cases: []remedytest.Case[State, Params]{
			{Name: "a signed one", Live: State{signed, tags}},
			{Name: "a function that may answer anybody", Live: State{anybody, nil}, Params: &Params{AllowedFunctions: []string{"web*"}}},
			{Name: "an open one", Live: State{anybody, tags}, Rules: rule, Want: State{signed, tags}, Calls: []string{update}},
			{Name: "opened after it was signed", Baseline: &State{signed, nil}, Live: State{anybody, nil}, Rules: rule, Want: State{signed, nil}, Calls: []string{update}},
		},
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	for _, target := range []Target{web, live} {
		t.Run(target.String(), func(t *testing.T) {
			t.Parallel()
			s := suite()
			s.Open = func(testing.TB) remedytest.World[Target, State, Change] { return faked(target) }
			remedytest.Run(t, s)
		})
	}
}

// faked is a URL with settings of its own, beside another's that must stay.
func faked(target Target) remedytest.World[Target, State, Change] {
	f := &fakeLambda{function: target.Function, urls: map[string]lambda.UpdateFunctionUrlConfigInput{
		"other": {AuthType: anybody}, target.Qualifier: {Cors: cors(), InvokeMode: types.InvokeModeResponseStream},
	}}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return f }},
		Seed: func(_ testing.TB, s State) remedy.Event {
			f.mu.Lock()
			defer f.mu.Unlock()
			url := f.urls[target.Qualifier]
			url.AuthType = types.FunctionUrlAuthType(s.AuthType)
			f.urls[target.Qualifier], f.tags = url, s.Tags
			return updateEvent(target)
		},
		State: func(t testing.TB) State {
			f.mu.Lock()
			defer f.mu.Unlock()
			url := f.urls[target.Qualifier]
			if f.urls["other"].AuthType != anybody || url.Cors == nil || url.InvokeMode != types.InvokeModeResponseStream {
				t.Errorf("more than the auth type was touched: %+v", f.urls)
			}
			return State{string(url.AuthType), f.tags}
		},
		Remove: func(testing.TB) { delete(f.urls, target.Qualifier) },
	}
}

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
	var code bytes.Buffer
	if err := zip.NewWriter(&code).Close(); err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	s := suite()
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		target := Target{lambdaevent.Target{Function: fmt.Sprintf("web-%d", made.Add(1)), Account: account.ID, Region: mototest.Region}}
		_, err := api.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &target.Function, Role: role.Role.Arn, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
			Code: &types.FunctionCode{ZipFile: code.Bytes()},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = api.CreateFunctionUrlConfig(t.Context(), &lambda.CreateFunctionUrlConfigInput{
			FunctionName: &target.Function, AuthType: signed, Cors: cors(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return emulated(api, target)
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a function's URL on an emulator.
func emulated(api *lambda.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.UpdateFunctionUrlConfig(t.Context(), &lambda.UpdateFunctionUrlConfigInput{
				FunctionName: &target.Function, AuthType: types.FunctionUrlAuthType(s.AuthType),
			})
			check(t, err)
			if len(s.Tags) > 0 {
				_, err = api.TagResource(t.Context(), &lambda.TagResourceInput{Resource: aws.String(target.ARN()), Tags: s.Tags})
				check(t, err)
			}
			return updateEvent(target)
		},
		State: func(t testing.TB) State {
			out, err := api.GetFunctionUrlConfig(t.Context(), &lambda.GetFunctionUrlConfigInput{FunctionName: &target.Function})
			check(t, err)
			if out.Cors == nil || len(out.Cors.AllowOrigins) != 1 {
				t.Errorf("CORS settings were touched: %+v", out.Cors)
			}
			tags, err := api.ListTags(t.Context(), &lambda.ListTagsInput{Resource: aws.String(target.ARN())})
			check(t, err)
			return State{string(out.AuthType), tags.Tags}
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteFunctionUrlConfig(t.Context(), &lambda.DeleteFunctionUrlConfigInput{FunctionName: &target.Function})
			check(t, err)
		},
	}
}

// updateEvent is the event that changing a function's URL causes.
func updateEvent(target Target) remedy.Event {
	detail, _ := json.Marshal(map[string]any{"requestParameters": map[string]any{ // strings
		"functionName": target.Function, "qualifier": target.Qualifier, "authType": anybody,
	}})
	return remedy.Event{
		ID: "e1", Source: "aws.lambda", Name: "UpdateFunctionUrlConfig", Account: target.Account, Region: target.Region, Detail: detail,
	}
}
