package lambdafunctionurl

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/lambdaevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(policytest.Events, Function.Name, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	orders := func(qualifier string) []Target {
		return []Target{{lambdaevent.Target{Function: "acme-orders", Qualifier: qualifier, Account: "111122223333", Region: "us-east-1"}}}
	}
	policytest.Samples(t, Function, decode, map[string][]Target{
		"create-public.json": orders(""),
		"update-public.json": orders("live"),
		"create-dated.json":  orders("live"),
		"create-failed.json": nil,
	})
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	policytest.Inputs(t, decode, updateEvent(web), map[string]policytest.Input[Target]{
		"an alias":          {Event: updateEvent(live), Want: []Target{live}},
		"another account's": {Detail: `{"requestParameters":{"functionName":"210987654321:function:web"}}`},
		"null parameters":   {Detail: `{"requestParameters":null}`, Err: "functionName is missing"},
		"a path":            {Detail: `{"requestParameters":{"functionName":"a/b"}}`, Err: "is no name that a function can have"},
		"truncated":         {Detail: `{"requestParameters":`, Err: "decode CloudTrail record"},
	})
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::Lambda::Url", ID: "arn:aws:lambda:eu-central-1:111122223333:function:web:live", Account: "111122223333", Region: "eu-central-1"}
	if got := live.Ref(); got != want {
		t.Errorf("Ref() = %+v, want %+v", got, want)
	}
	b, err := json.Marshal(live)
	var back Target
	if err != nil || json.Unmarshal(b, &back) != nil || back != live {
		t.Errorf("written as %s, %v; read as %+v", b, err, back)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := (Params{AllowedFunctions: []string{"hook-*"}}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (Params{AllowedFunctions: []string{""}}).Validate(); err == nil || !strings.Contains(err.Error(), "allowed_functions[0] is empty") {
		t.Errorf("Validate() = %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target Target
		state  State
		params Params
		want   string
	}{
		"signed":           {web, State{AuthType: signed}, Params{}, ""},
		"open":             {web, State{AuthType: anybody}, Params{}, "The URL of function web answers anybody: its auth type is NONE."},
		"open, an alias's": {live, State{AuthType: anybody}, Params{}, "The URL of function web:live answers anybody: its auth type is NONE."},
		"open, allowed":    {live, State{AuthType: anybody}, Params{AllowedFunctions: []string{"w?b"}}, ""},
		"another allowed":  {web, State{AuthType: anybody}, Params{AllowedFunctions: []string{"web:live"}}, "The URL of function web answers anybody: its auth type is NONE."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []remedy.Violation
			if c.want != "" {
				want = []remedy.Violation{{Rule: "public-url", Message: c.want}}
			}
			if diff := cmp.Diff(want, check(c.target, c.state, c.params)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheCallNamesOneSetting holds what is sent, so that CORS and invoke mode stay.
func TestTheCallNamesOneSetting(t *testing.T) {
	t.Parallel()
	got := diff(live, State{AuthType: anybody}, State{AuthType: signed})
	want := remedy.Call{API: update, Params: map[string]any{"FunctionName": "web", "Qualifier": "live", "AuthType": "AWS_IAM"}}
	if len(got) != 1 {
		t.Fatalf("%d changes, want 1", len(got))
	}
	if diff := cmp.Diff(want, got[0].Call()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state := func(label string) State {
			return State{AuthType: rapid.SampledFrom([]string{signed, anybody}).Draw(t, label), Tags: map[string]string{"k": label}}
		}
		s, other := state("live"), state("baseline")
		got := repair(web, s, remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}, Params{})
		if len(check(web, got, Params{})) > 0 || got.Tags["k"] != "live" {
			t.Fatalf("repaired to %+v", got)
		}
		if len(diff(web, s, s)) > 0 {
			t.Fatal("Diff of a state with itself is not empty")
		}
		for _, c := range diff(web, s, other) {
			s.AuthType = c.AuthType
		}
		if s.AuthType != other.AuthType {
			t.Fatalf("Diff leads to %s, want %s", s.AuthType, other.AuthType)
		}
	})
}

func newFake() *fakeLambda {
	return &fakeLambda{
		function: "web", urls: map[string]lambda.UpdateFunctionUrlConfigInput{"": {AuthType: anybody}, "live": {AuthType: signed}},
		tags: map[string]string{"team": "web"}, fail: map[string]error{},
	}
}

func over(f *fakeLambda) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	failing := func(op, code string) func(*fakeLambda) {
		return func(f *fakeLambda) { f.fail[op] = apiError(code) }
	}
	tags := map[string]string{"team": "web"}
	for name, c := range map[string]struct {
		change  func(*fakeLambda)
		target  Target
		want    State
		wantErr string
		gone    bool
	}{
		"a function's":      {change: func(*fakeLambda) {}, target: web, want: State{anybody, tags}},
		"an alias's":        {change: func(*fakeLambda) {}, target: live, want: State{signed, tags}},
		"no URL any more":   {change: func(f *fakeLambda) { f.urls = nil }, target: web, wantErr: "ResourceNotFound", gone: true},
		"no function":       {change: func(f *fakeLambda) { f.function = "" }, target: web, wantErr: "ResourceNotFound", gone: true},
		"unreadable":        {change: failing("GetFunctionUrlConfig", "AccessDeniedException"), target: web, wantErr: "grant lambda:GetFunctionUrlConfig"},
		"tags unreadable":   {change: failing("ListTags", "AccessDeniedException"), target: web, wantErr: "grant lambda:ListTags"},
		"throttled":         {change: failing("GetFunctionUrlConfig", "TooManyRequestsException"), target: live, wantErr: "read the URL of function web:live of account 111122223333: "},
		"an auth type new":  {change: func(f *fakeLambda) { f.urls[""] = lambda.UpdateFunctionUrlConfigInput{AuthType: "JWT"} }, target: web, wantErr: `the auth type is "JWT"`},
		"an auth type less": {change: func(f *fakeLambda) { f.urls[""] = lambda.UpdateFunctionUrlConfigInput{} }, target: web, wantErr: `the auth type is ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), c.target)
			policytest.WantError(t, err, c.wantErr, c.gone, false)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code    string
		want    string
		wantErr string
		gone    bool
	}{
		"set":       {"", signed, "", false},
		"gone":      {codeNotFound, anybody, "ResourceNotFound", true},
		"denied":    {"AccessDeniedException", anybody, "grant lambda:UpdateFunctionUrlConfig", false},
		"in use":    {"ResourceConflictException", anybody, "set the auth type of the URL of function web", false},
		"throttled": {"TooManyRequestsException", anybody, "lambda:UpdateFunctionUrlConfig: ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			if c.code != "" {
				f.fail["UpdateFunctionUrlConfig"] = apiError(c.code)
			}
			policytest.WantError(t, over(f).Apply(t.Context(), web, Change{web, signed}), c.wantErr, c.gone, false)
			if got := string(f.urls[""].AuthType); got != c.want {
				t.Errorf("auth type = %s, want %s", got, c.want)
			}
		})
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

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"create-public.json", "update-public.json", "create-failed.json"} {
		f.Add([]byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "UpdateFunctionUrlConfig", Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "create-public.json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, ev.Detail); err != nil {
		b.Fatal(err)
	}
	ev.Detail = compact.Bytes()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{AuthType: anybody}, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
