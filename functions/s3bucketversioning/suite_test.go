package s3bucketversioning

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
const put = "s3:PutBucketVersioning"

// with is a bucket of the tests: all of them have the tag team=web.
func with(status string) State { return State{Status: status, Tags: map[string]string{"team": "web"}} }

func cases() []remedytest.Case[State, Params] {
	on := with(enabled)
	return []remedytest.Case[State, Params]{
		{Name: "enabled", Live: on},
		{Name: "never had versioning", Live: with("")},
		{Name: "a bucket that may be suspended", Live: with(suspended), Params: &Params{AllowedBuckets: []string{"*"}}},
		{Name: "suspended", Live: with(suspended), Rules: []string{ruleSuspended}, Want: on, Calls: []string{put}},
		{Name: "suspended after the baseline", Baseline: &on, Live: with(suspended), Rules: []string{ruleSuspended}, Want: on, Calls: []string{put}},
		{
			Name: "without the MFA delete that it must have", Live: on, Params: &Params{MFADelete: []string{"*"}},
			Rules: []string{ruleMFA}, Left: []string{ruleMFA},
		},
		{
			Name: "suspended, and without the MFA delete that it must have", Live: with(suspended), Params: &Params{MFADelete: []string{"*"}},
			Rules: []string{ruleSuspended, ruleMFA}, Left: []string{ruleMFA}, Want: on, Calls: []string{put},
		},
	}
}

func suite(cases []remedytest.Case[State, Params]) remedytest.Suite[Target, State, Change, Params] {
	return remedytest.Suite[Target, State, Change, Params]{Function: Function, Rule: rules, Cases: cases}
}

// TestOnFake has the cases with MFA delete on, too, which the emulator does not know.
func TestOnFake(t *testing.T) {
	t.Parallel()
	locked := State{Status: suspended, MFADelete: true}
	s := suite(append(cases(),
		remedytest.Case[State, Params]{Name: "enabled with MFA delete", Live: State{Status: enabled, MFADelete: true}, Params: &Params{MFADelete: []string{"*"}}},
		remedytest.Case[State, Params]{Name: "suspended with MFA delete", Live: locked, Rules: []string{ruleSuspended}, Left: []string{ruleSuspended}},
	))
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return remedytest.World[Target, State, Change]{
			Resource: over(f),
			Seed: func(t testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.status, f.mfa, f.tags = types.BucketVersioningStatus(s.Status), s.MFADelete, s.Tags
				return sample(t, "suspend.json")
			},
			State: func(testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				return State{Status: string(f.status), MFADelete: f.mfa, Tags: f.tags}
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
	s := suite(cases())
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
			if s.Status != "" {
				_, err := api.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
					Bucket: &target.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(s.Status)},
				})
				must(t, err)
			}
			ev := sample(t, "suspend.json")
			ev.Account, ev.Region = target.Account, target.Region
			ev.Detail = bytes.ReplaceAll(ev.Detail, []byte(invoices.Bucket), []byte(target.Bucket))
			return ev
		},
		State: func(t testing.TB) State {
			versioning, err := api.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: &target.Bucket})
			must(t, err)
			tags, err := api.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &target.Bucket})
			must(t, err)
			s := State{Status: string(versioning.Status), Tags: map[string]string{}}
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
