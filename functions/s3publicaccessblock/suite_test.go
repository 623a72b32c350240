package s3publicaccessblock

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Calls as records name them.
const (
	put    = "s3:PutPublicAccessBlock"
	remove = "s3:DeletePublicAccessBlock"
)

// Rules, in the order of the flags.
const (
	aclsOff     = "block-public-acls-off"
	ignoreOff   = "ignore-public-acls-off"
	policyOff   = "block-public-policy-off"
	restrictOff = "restrict-public-buckets-off"
)

// with is a block whose flags are as told, in the order of the API.
func with(acls, ignore, policy, restrict bool) State {
	return State{Block: flagged(acls, ignore, policy, restrict)}
}

func flagged(acls, ignore, policy, restrict bool) *Block {
	return &Block{BlockPublicAcls: acls, IgnorePublicAcls: ignore, BlockPublicPolicy: policy, RestrictPublicBuckets: restrict}
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	const on, off = true, false
	all, none, nothing := with(on, on, on, on), with(off, off, off, off), State{}
	tagged := func(s State) State {
		s.Tags = map[string]string{"team": "billing", "stage": "prod"}
		return s
	}
	aclsOnly := &Params{Required: []string{"BlockPublicAcls", "IgnorePublicAcls"}}
	aclsOn := with(on, on, off, off)
	every := []string{aclsOff, ignoreOff, policyOff, restrictOff}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "all on", Live: tagged(all)},
			{Name: "a bucket that may do without", Live: nothing, Params: &Params{AllowedBuckets: []string{"ebb-*"}}},
			{Name: "only the ACL flags are required", Live: with(on, on, off, off), Params: aclsOnly},
			{Name: "all off", Live: tagged(none), Rules: every, Want: tagged(all), Calls: []string{put}},
			{Name: "deleted", Live: tagged(nothing), Rules: every, Want: tagged(all), Calls: []string{put}},
			{Name: "one off", Live: with(on, on, on, off), Rules: []string{restrictOff}, Want: all, Calls: []string{put}},
			{
				Name: "a flag that is not required is left as it is", Live: with(off, on, off, on), Params: aclsOnly,
				Rules: []string{aclsOff}, Want: with(on, on, off, on), Calls: []string{put},
			},
			{
				Name: "a flag of the baseline comes back", Baseline: &all, Live: none, Params: aclsOnly,
				Rules: []string{aclsOff, ignoreOff}, Want: all, Calls: []string{put},
			},
			{
				Name: "a flag that the baseline lacks stays on", Baseline: &aclsOn, Live: with(off, on, on, off), Params: aclsOnly,
				Rules: []string{aclsOff}, Want: with(on, on, on, off), Calls: []string{put},
			},
			{
				Name: "deleted after the baseline", Baseline: &all, Live: nothing,
				Rules: every, Want: all, Calls: []string{put},
			},
		},
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		target := Target{Bucket: "ebb-bucket", Account: "111122223333", Region: "eu-central-1"}
		f := &fakeS3{bucket: target.Bucket, owner: target.Account}
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Seed: func(t testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.block, f.tags = configuration(s.Block), s.Tags
				return blockEvent(t, target, s.Block)
			},
			State: func(testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				return State{Block: flagsOf(f.block), Tags: f.tags}
			},
			Remove: func(testing.TB) { f.bucket = "" },
		}
	}
	remedytest.Run(t, s)
}

func TestOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := s3.NewFromConfig(account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	var buckets atomic.Int64
	s := suite()
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		bucket := fmt.Sprintf("ebb-%s-%d", account.ID, buckets.Add(1))
		if _, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
		return emulated(api, Target{Bucket: bucket, Account: account.ID, Region: mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a bucket on an emulator.
func emulated(api *s3.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error, but string) {
		t.Helper()
		if err != nil && !cloud.HasCode(err, but) {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			var err error
			if s.Block == nil {
				_, err = api.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: &target.Bucket})
			} else {
				_, err = api.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
					Bucket: &target.Bucket, PublicAccessBlockConfiguration: configuration(s.Block),
				})
			}
			check(t, err, "")
			if len(s.Tags) == 0 {
				_, err = api.DeleteBucketTagging(t.Context(), &s3.DeleteBucketTaggingInput{Bucket: &target.Bucket})
			} else {
				var tags types.Tagging
				for k, v := range s.Tags {
					tags.TagSet = append(tags.TagSet, types.Tag{Key: &k, Value: &v})
				}
				_, err = api.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &target.Bucket, Tagging: &tags})
			}
			check(t, err, "")
			return blockEvent(t, target, s.Block)
		},
		State: func(t testing.TB) State {
			var s State
			block, err := api.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: &target.Bucket})
			check(t, err, "NoSuchPublicAccessBlockConfiguration")
			if err == nil {
				s.Block = flagsOf(block.PublicAccessBlockConfiguration)
			}
			tags, err := api.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &target.Bucket})
			check(t, err, "NoSuchTagSet")
			if err == nil {
				s.Tags = map[string]string{}
				for _, tag := range tags.TagSet {
					s.Tags[*tag.Key] = *tag.Value
				}
			}
			return s
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &target.Bucket})
			check(t, err, "")
		},
	}
}

func configuration(b *Block) *types.PublicAccessBlockConfiguration {
	if b == nil {
		return nil
	}
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

// blockEvent is the event that putting or deleting the block causes, as
// CloudTrail words it.
func blockEvent(t testing.TB, target Target, block *Block) remedy.Event {
	t.Helper()
	name := "DeleteBucketPublicAccessBlock"
	request := map[string]any{"bucketName": target.Bucket, "Host": "s3.amazonaws.com", "publicAccessBlock": ""}
	if block != nil {
		name, request["PublicAccessBlockConfiguration"] = "PutBucketPublicAccessBlock", block
	}
	detail, err := json.Marshal(map[string]any{"eventName": name, "requestParameters": request, "responseElements": nil})
	if err != nil {
		t.Fatal(err)
	}
	return remedy.Event{
		ID: "e1", Source: "aws.s3", Name: name, Account: target.Account, Region: target.Region,
		Actor: remedy.Actor{Type: "IAMUser", ID: "arn:aws:iam::" + target.Account + ":user/jane"}, Time: time.Now(), Detail: detail,
	}
}
