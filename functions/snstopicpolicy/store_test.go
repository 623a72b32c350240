package snstopicpolicy

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func newFake() *fakeSNS {
	return &fakeSNS{arn: topic.ARN, policy: " {\"Statement\":[]}\n", tags: map[string]string{"team": "web"}, fail: map[string]error{}}
}

func over(f *fakeSNS) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	failing := func(op, code string) func(*fakeSNS) {
		return func(f *fakeSNS) { f.fail[op] = apiError(code) }
	}
	for name, c := range map[string]struct {
		change  func(*fakeSNS)
		want    State
		wantErr string
		gone    bool
	}{
		"policy and tags":            {change: func(*fakeSNS) {}, want: State{Policy: policytest.Parsed(t, " {\"Statement\":[]}\n"), Tags: map[string]string{"team": "web"}}},
		"no tags":                    {change: func(f *fakeSNS) { f.tags = nil }, want: State{Policy: policytest.Parsed(t, " {\"Statement\":[]}\n")}},
		"an answer without a policy": {change: func(f *fakeSNS) { f.policy = "" }, wantErr: "the answer holds no policy"},
		"gone":                       {change: func(f *fakeSNS) { f.arn = "" }, wantErr: "NotFound", gone: true},
		"gone, as tags say it":       {change: failing("ListTagsForResource", "ResourceNotFound"), wantErr: "sns:ListTagsForResource: the resource no longer exists", gone: true},
		"policy unreadable":          {change: failing("GetTopicAttributes", "AuthorizationError"), wantErr: "grant sns:GetTopicAttributes"},
		"tags unreadable":            {change: failing("ListTagsForResource", "AuthorizationError"), wantErr: "grant sns:ListTagsForResource"},
		"throttled":                  {change: failing("GetTopicAttributes", "Throttled"), wantErr: "read topic alerts of account 111122223333: sns:GetTopicAttributes: "},
		"policy not understood":      {change: func(f *fakeSNS) { f.policy = `{"Statement":[],"New":1}` }, wantErr: "parse policy: New: is no member"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), topic)
			policytest.WantError(t, err, c.wantErr, c.gone, false)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	text := policytest.Doc(t, kit(topic).Texts.Partner)
	for name, c := range map[string]struct {
		code      string
		want      string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"a policy":            {want: text.String()},
		"gone":                {code: "NotFound", want: "old", wantErr: "NotFound", gone: true},
		"denied":              {code: "AuthorizationError", want: "old", wantErr: "grant sns:SetTopicAttributes"},
		"throttled":           {code: "Throttled", want: "old", wantErr: "set the policy of topic alerts"},
		"a principal is gone": {code: "InvalidParameter", want: "old", wantErr: "a principal that it names may have been deleted", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.policy = "old"
			if c.code != "" {
				f.fail["SetTopicAttributes"] = apiError(c.code)
			}
			policytest.WantError(t, over(f).Apply(t.Context(), topic, Change{Policy: text}), c.wantErr, c.gone, c.permanent)
			if f.policy != c.want {
				t.Errorf("policy = %q, want %q", f.policy, c.want)
			}
		})
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials. The emulator's default policy is the one that is put.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	api := sns.NewFromConfig(account.Config)
	name := "alerts"
	out, err := api.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	s := store{func(remedy.Ref) client { return api }}
	target := Target{*out.TopicArn, name, account.ID, mototest.Region}
	got, err := s.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Policy.Equivalent(initial(target)) {
		t.Errorf("a new topic's policy is %s, want %s", got.Policy, initial(target))
	}
	target.ARN += "-missing"
	if _, err := s.Read(t.Context(), target); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("a missing topic gives %v, want ErrGone", err)
	}
}
