package s3accountaccessblock

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloud/s3account"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Calls as records name them.
const (
	put    = "s3control:PutPublicAccessBlock"
	remove = "s3control:DeletePublicAccessBlock"
)

// with is a block whose flags are as told, in the order of the API.
func with(acls, ignore, policy, restrict bool) State {
	return State{flagged(acls, ignore, policy, restrict)}
}

func flagged(acls, ignore, policy, restrict bool) *Block {
	return &Block{BlockPublicAcls: acls, IgnorePublicAcls: ignore, BlockPublicPolicy: policy, RestrictPublicBuckets: restrict}
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	const on, off = true, false
	all := with(on, on, on, on)
	aclsOnly := &Params{Required: []string{"BlockPublicAcls", "IgnorePublicAcls"}}
	every := []string{"block-public-acls-off", "ignore-public-acls-off", "block-public-policy-off", "restrict-public-buckets-off"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "all on", Live: all},
			{Name: "only the ACL flags are required", Live: with(on, on, off, off), Params: aclsOnly},
			{Name: "all off", Live: with(off, off, off, off), Rules: every, Want: all, Calls: []string{put}},
			{Name: "deleted", Live: State{}, Rules: every, Want: all, Calls: []string{put}},
			{Name: "one off", Live: with(on, on, on, off), Rules: every[3:], Want: all, Calls: []string{put}},
			{
				Name: "a flag of the baseline comes back", Baseline: &all, Live: State{}, Params: aclsOnly,
				Rules: every[:2], Want: all, Calls: []string{put},
			},
			{
				Name: "a flag that is not required is left as it is", Live: with(off, on, off, on), Params: aclsOnly,
				Rules: every[:1], Want: with(on, on, off, on), Calls: []string{put},
			},
		},
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] { return world(newFake(), acme) }
	remedytest.Run(t, s)
}

func TestOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	s := suite()
	// An account has one block, which each test sets first: they come one after the other.
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(s3account.NewClient(account.Config), Target{account.ID, mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

func world(api client, target Target) remedytest.World[Target, State, Change] {
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			file := "put-policy-flags-off.json"
			var err error
			if s.Block == nil {
				file = "delete.json"
				_, err = api.DeletePublicAccessBlock(t.Context(), &s3control.DeletePublicAccessBlockInput{AccountId: &target.Account})
			} else {
				_, err = api.PutPublicAccessBlock(t.Context(), &s3control.PutPublicAccessBlockInput{
					AccountId: &target.Account, PublicAccessBlockConfiguration: configuration(s.Block),
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			ev := sample(t, file)
			ev.Account, ev.Region = target.Account, target.Region
			return ev
		},
		State: func(t testing.TB) State {
			out, err := api.GetPublicAccessBlock(t.Context(), &s3control.GetPublicAccessBlockInput{AccountId: &target.Account})
			if cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration") {
				return State{}
			}
			if err != nil {
				t.Fatal(err)
			}
			return State{flagsOf(out.PublicAccessBlockConfiguration)}
		},
	}
}

func configuration(b *Block) *types.PublicAccessBlockConfiguration {
	return &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(b.BlockPublicAcls), IgnorePublicAcls: aws.Bool(b.IgnorePublicAcls),
		BlockPublicPolicy: aws.Bool(b.BlockPublicPolicy), RestrictPublicBuckets: aws.Bool(b.RestrictPublicBuckets),
	}
}

func flagsOf(c *types.PublicAccessBlockConfiguration) *Block {
	if c == nil {
		return nil
	}
	return flagged(*c.BlockPublicAcls, *c.IgnorePublicAcls, *c.BlockPublicPolicy, *c.RestrictPublicBuckets)
}
