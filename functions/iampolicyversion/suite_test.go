package iampolicyversion

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite(t testing.TB) remedytest.Suite[Target, State, Change, Params] {
	with := func(n int, docs ...string) State {
		s := of(t, n, docs...)
		s.Tags = map[string]string{"team": "web"}
		return s
	}
	bad, call := []string{"administrator-version"}, []string{"iam:SetDefaultPolicyVersion"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "one harmless version", Live: with(1, buckets)},
			{Name: "the bad one is not the default", Live: with(1, buckets, everything)},
			{Name: "allowed", Params: &Params{iamevent.Patterns{"team/*"}}, Live: with(1, everything)},
			{Name: "a new default version", Live: with(2, buckets, everything), Rules: bad, Want: with(1, buckets, everything), Calls: call},
			{Name: "the newest harmless one", Live: with(5, buckets, queues, everything, butBuckets, everything), Rules: bad, Want: with(2, buckets, queues, everything, butBuckets, everything), Calls: call},
			{Name: "an old one became the default", Live: with(1, everything, buckets), Rules: bad, Want: with(2, everything, buckets), Calls: call},
			{Name: "the baseline's", Baseline: ptr(with(1, buckets, queues)), Live: with(3, buckets, queues, butBuckets), Rules: bad, Want: with(1, buckets, queues, butBuckets), Calls: call},
		},
	}
}

func setEvent(policy, account string) remedy.Event {
	return remedy.Event{
		Source: "aws.iam", Name: "SetDefaultPolicyVersion", Account: account, Region: mototest.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"policyArn":%q,"versionId":"v2"}}`, policy),
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return remedytest.World[Target, State, Change]{
			Resource: storeOf(f),
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.fallback, f.ids = s.Default, nil
				f.tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
				for _, v := range s.Versions {
					f.ids = append(f.ids, v.ID)
					f.docs[v.ID] = v.Policy.String()
				}
				return setEvent(deploy, "111122223333")
			},
			State: func(t testing.TB) State {
				docs := make([]string, len(f.ids))
				for i := range docs {
					docs[i] = f.docs[fmt.Sprintf("v%d", i+1)]
				}
				s := of(t, number(f.fallback), docs...)
				s.Tags = iamprincipal.Tags(f.tags)
				return s
			},
			Remove: func(testing.TB) { f.arn = "" },
		}
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	account := mototest.New(t)
	s := suite(t)
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] { return motoWorld(t, account) }
	remedytest.RunEmulated(t, s)
}

// motoWorld is a policy that Seed makes, and that is gone again when the test ends.
func motoWorld(t testing.TB, account mototest.Account) remedytest.World[Target, State, Change] {
	api := iam.NewFromConfig(account.Config)
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	arn := strings.Replace(deploy, "111122223333", account.ID, 1)
	made := 0
	drop := func(ctx context.Context, t testing.TB) {
		if made == 0 {
			return
		}
		_, err := api.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v1")})
		must(t, err)
		for ; made > 1; made-- {
			_, err := api.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: aws.String(fmt.Sprintf("v%d", made))})
			must(t, err)
		}
		_, err = api.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
		must(t, err)
		made = 0
	}
	t.Cleanup(func() { drop(context.Background(), t) })
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			for ; made < len(s.Versions); made++ {
				text := aws.String(s.Versions[len(s.Versions)-1-made].Policy.String())
				var err error
				if made == 0 {
					_, err = api.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
						PolicyName: aws.String("deploy"), Path: aws.String("/team/"), PolicyDocument: text,
						Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
					})
				} else {
					_, err = api.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: text})
				}
				must(t, err)
			}
			_, err := api.SetDefaultPolicyVersion(t.Context(), &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: &s.Default})
			must(t, err)
			return setEvent(arn, account.ID)
		},
		State: func(t testing.TB) State {
			list, err := api.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: &arn})
			must(t, err)
			docs := make([]string, len(list.Versions))
			for _, v := range list.Versions {
				out, err := api.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: v.VersionId})
				must(t, err)
				text, err := iamprincipal.Document(out.PolicyVersion.Document)
				must(t, err)
				docs[number(*v.VersionId)-1] = text
			}
			// Moto's list has no default any more once it was set to what it was.
			policy, err := api.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn})
			must(t, err)
			tags, err := api.ListPolicyTags(t.Context(), &iam.ListPolicyTagsInput{PolicyArn: &arn})
			must(t, err)
			s := of(t, number(*policy.Policy.DefaultVersionId), docs...)
			s.Tags = iamprincipal.Tags(tags.Tags)
			return s
		},
		Remove: func(t testing.TB) { drop(t.Context(), t) },
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
