package s3bucketacl

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// put is the call as records name it.
const put = "s3:PutBucketAcl"

// owner is the canonical id that the emulator gives every owner.
const owner = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"

// Grants of the tests.
var (
	full          = Grant{ID: owner, Permission: "FULL_CONTROL"}
	partnerReads  = Grant{ID: "c1daexampleaaf850ea79cf0430f33d72579fd1611c97f7ded193374c0b163b6", Permission: "READ"}
	everyoneReads = Grant{URI: "http://acs.amazonaws.com/groups/global/AllUsers", Permission: "READ"}
	everyoneWrite = Grant{URI: "http://acs.amazonaws.com/groups/global/AllUsers", Permission: "WRITE"}
	usersRead     = Grant{URI: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers", Permission: "READ"}
	logsWrite     = Grant{URI: "http://acs.amazonaws.com/groups/s3/LogDelivery", Permission: "WRITE"}
)

// acl is a bucket's, with the owner's own grant and others.
func acl(grants ...Grant) State { return State{Owner: owner, Grants: append([]Grant{full}, grants...)} }

func tagged(s State) State {
	s.Tags = map[string]string{"team": "web"}
	return s
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	shared := tagged(acl(partnerReads, logsWrite))
	const public = "public-grant"
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: tagged(acl())},
			{Name: "log delivery and an account are not the public", Live: shared},
			{Name: "a bucket that may be public", Live: tagged(acl(everyoneReads)), Params: &Params{AllowedBuckets: []string{"*"}}},
			{Name: "everybody reads", Live: tagged(acl(everyoneReads)), Rules: []string{public}, Want: tagged(acl()), Calls: []string{put}},
			{
				Name: "everybody reads and writes, and other grants stay", Live: tagged(acl(partnerReads, everyoneReads, everyoneWrite, usersRead, logsWrite)),
				Rules: []string{public, public, public}, Want: shared, Calls: []string{put},
			},
			{Name: "a grant was added to the baseline", Baseline: &shared, Live: tagged(acl(partnerReads, logsWrite, usersRead)), Rules: []string{public}, Want: shared, Calls: []string{put}},
			{Name: "a canned ACL has overwritten the baseline", Baseline: &shared, Live: tagged(acl(everyoneReads)), Rules: []string{public}, Want: shared, Calls: []string{put}},
		},
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return remedytest.World[Target, State, Change]{
			Resource: over(f),
			Seed: func(t testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.canonical, f.grants, f.tags = s.Owner, awsGrants(s.Grants), s.Tags
				return sample(t, "put-document.json")
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				list, err := grants(f.grants)
				must(t, err)
				return State{f.canonical, list, f.tags}
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
		_, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
		must(t, err)
		_, err = api.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{
			Bucket: &bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}},
		})
		must(t, err)
		return emulated(api, Target{Bucket: bucket, Account: account.ID, Region: mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a bucket on an emulator.
func emulated(api *s3.Client, target Target) remedytest.World[Target, State, Change] {
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{
				Bucket: &target.Bucket, AccessControlPolicy: &types.AccessControlPolicy{Owner: &types.Owner{ID: &s.Owner}, Grants: awsGrants(s.Grants)},
			})
			must(t, err)
			ev := sample(t, "put-document.json")
			ev.Account, ev.Region = target.Account, target.Region
			ev.Detail = bytes.ReplaceAll(ev.Detail, []byte(invoices.Bucket), []byte(target.Bucket))
			return ev
		},
		State: func(t testing.TB) State {
			out, err := api.GetBucketAcl(t.Context(), &s3.GetBucketAclInput{Bucket: &target.Bucket})
			must(t, err)
			list, err := grants(out.Grants)
			must(t, err)
			tags, err := api.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &target.Bucket})
			must(t, err)
			s := State{*out.Owner.ID, list, map[string]string{}}
			for _, tag := range tags.TagSet {
				s.Tags[*tag.Key] = *tag.Value
			}
			return s
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &target.Bucket})
			must(t, err)
		},
	}
}

func awsGrants(list []Grant) []types.Grant {
	var out []types.Grant
	for _, g := range list {
		to := &types.Grantee{Type: types.Type(g.kind())}
		if g.URI != "" {
			to.URI = &g.URI
		} else {
			to.ID = &g.ID
		}
		out = append(out, types.Grant{Grantee: to, Permission: types.Permission(g.Permission)})
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
