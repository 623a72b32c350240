package sqsqueuepolicy

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func newFake() *fakeSQS {
	return &fakeSQS{url: queue.URL, policy: " {\"Statement\":[]}\n", tags: map[string]string{"team": "web"}, fail: map[string]error{}}
}

func over(f *fakeSQS) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	failing := func(op, code string) func(*fakeSQS) {
		return func(f *fakeSQS) { f.fail[op] = apiError(code) }
	}
	for name, c := range map[string]struct {
		change  func(*fakeSQS)
		want    State
		wantErr string
		gone    bool
	}{
		"policy and tags":             {change: func(*fakeSQS) {}, want: State{Policy: policytest.Parsed(t, " {\"Statement\":[]}\n"), Tags: map[string]string{"team": "web"}}},
		"neither":                     {change: func(f *fakeSQS) { f.policy, f.tags = "", nil }},
		"gone":                        {change: func(f *fakeSQS) { f.url = "" }, wantErr: "NonExistentQueue", gone: true},
		"gone, in the newer protocol": {change: failing("ListQueueTags", "QueueDoesNotExist"), wantErr: "sqs:ListQueueTags: the resource no longer exists", gone: true},
		"policy unreadable":           {change: failing("GetQueueAttributes", "AccessDenied"), wantErr: "grant sqs:GetQueueAttributes"},
		"tags unreadable":             {change: failing("ListQueueTags", "AccessDenied"), wantErr: "grant sqs:ListQueueTags"},
		"throttled":                   {change: failing("GetQueueAttributes", "RequestThrottled"), wantErr: "read queue jobs of account 111122223333: sqs:GetQueueAttributes: "},
		"policy not understood":       {change: func(f *fakeSQS) { f.policy = `{"Statement":[],"New":1}` }, wantErr: "parse policy: New: is no member"},
		"policy of white space":       {change: func(f *fakeSQS) { f.policy = " " }, wantErr: "parse policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), queue)
			policytest.WantError(t, err, c.wantErr, c.gone, false)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	text := policytest.Doc(t, kit.Texts.Partner)
	for name, c := range map[string]struct {
		code      string
		change    Change
		want      string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"a policy":            {change: Change{Policy: text}, want: text.String()},
		"none":                {change: Change{}, want: ""},
		"gone":                {code: "QueueDoesNotExist", want: "old", wantErr: "QueueDoesNotExist", gone: true},
		"denied":              {code: "AccessDenied", want: "old", wantErr: "grant sqs:SetQueueAttributes"},
		"throttled":           {code: "RequestThrottled", want: "old", wantErr: "set the policy of queue jobs"},
		"a principal is gone": {code: "InvalidAttributeValue", want: "old", wantErr: "a principal that it names may have been deleted", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.policy = "old"
			if c.code != "" {
				f.fail["SetQueueAttributes"] = apiError(c.code)
			}
			policytest.WantError(t, over(f).Apply(t.Context(), queue, c.change), c.wantErr, c.gone, c.permanent)
			if f.policy != c.want {
				t.Errorf("policy = %q, want %q", f.policy, c.want)
			}
		})
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials. The queue's URL has AWS's host, which must not be called.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	api := sqs.NewFromConfig(account.Config)
	name := "jobs"
	if _, err := api.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name}); err != nil {
		t.Fatal(err)
	}
	s := store{func(remedy.Ref) client { return api }}
	target := Target{name, "https://sqs.us-east-1.amazonaws.com/" + account.ID + "/" + name, account.ID, mototest.Region}
	want := policytest.Of(t, kit.Texts.TLSOnly)
	if err := s.Apply(t.Context(), target, Change{Policy: want.Policy}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policytest.Compact(want), policytest.Compact(got)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	target.URL += "-missing"
	if _, err := s.Read(t.Context(), target); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("a missing queue gives %v, want ErrGone", err)
	}
}
