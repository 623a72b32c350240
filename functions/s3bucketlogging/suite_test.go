package s3bucketlogging

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
const put = "s3:PutBucketLogging"

// States of the tests.
var (
	on          = State{Logging: &Logging{TargetBucket: "acme-logs", TargetPrefix: "invoices/"}}
	partitioned = State{Logging: &Logging{TargetBucket: "acme-logs", TargetObjectKeyFormat: &Format{PartitionedPrefix: &Partitioned{"EventTime"}}}}
	full        = State{Logging: &Logging{
		TargetBucket: "acme-logs", TargetPrefix: "invoices/", TargetObjectKeyFormat: &Format{SimplePrefix: &Simple{}},
		TargetGrants: []Grant{
			{Grantee{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}, "READ"},
			{Grantee{Type: "CanonicalUser", ID: "c1daexampleaaf850ea79cf0430f33d72579fd1611c97f7ded193374c0b163b6"}, "FULL_CONTROL"},
			{Grantee{Type: "AmazonCustomerByEmail", EmailAddress: "logs@example.com"}, "READ"},
		},
	}}
)

// ruleOff is the rule, as violations name it.
const ruleOff = "logging-off"

// suite has its logs in a bucket of that name.
func suite(logs string) remedytest.Suite[Target, State, Change, Params] {
	tagged := func(l *Logging) State { return State{l, map[string]string{"team": "web"}} }
	on := tagged(&Logging{TargetBucket: logs, TargetPrefix: "invoices/"})
	root := tagged(&Logging{TargetBucket: logs})
	off, named := tagged(nil), &Params{TargetBucket: logs, TargetPrefix: "s3/"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "on", Live: on},
			{Name: "on, to elsewhere than before", Baseline: &on, Live: root},
			{Name: "a bucket that may do without", Live: off, Params: &Params{AllowedBuckets: []string{"*"}}},
			{Name: "off after the baseline", Baseline: &on, Live: off, Rules: []string{ruleOff}, Want: on, Calls: []string{put}},
			{Name: "off after a baseline without a prefix", Baseline: &root, Live: off, Rules: []string{ruleOff}, Want: root, Calls: []string{put}},
			{Name: "the baseline goes before the policy's target", Baseline: &on, Live: off, Params: named, Rules: []string{ruleOff}, Want: on, Calls: []string{put}},
			{Name: "off, and where logs went is not known", Live: off, Rules: []string{ruleOff}, Left: []string{ruleOff}},
		},
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite("acme-logs")
	tags := map[string]string{"team": "web"}
	s.Cases = append(s.Cases,
		remedytest.Case[State, Params]{
			Name: "off, and the policy names a target", Live: State{Tags: tags}, Params: &Params{TargetBucket: "acme-all-logs", TargetPrefix: "s3/"}, Rules: []string{ruleOff},
			Want: State{&Logging{TargetBucket: "acme-all-logs", TargetPrefix: "s3/acme-invoices/"}, tags}, Calls: []string{put},
		},
		remedytest.Case[State, Params]{Name: "off after a baseline with grants and a format", Baseline: &full, Live: State{}, Rules: []string{ruleOff}, Want: full, Calls: []string{put}},
		remedytest.Case[State, Params]{Name: "off after a partitioned baseline", Baseline: &partitioned, Live: State{}, Rules: []string{ruleOff}, Want: partitioned, Calls: []string{put}},
	)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return remedytest.World[Target, State, Change]{
			Resource: over(f),
			Seed: func(t testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.logging, f.tags = toAPI(s.Logging), s.Tags
				return sample(t, "put-off.json")
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				l, err := fromAPI(f.logging)
				must(t, err)
				return State{l, f.tags}
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
	target := logs(t, api, account.ID)
	s := suite(target)
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

// logs makes a bucket that S3 may deliver logs to.
func logs(t *testing.T, api *s3.Client, account string) string {
	t.Helper()
	name := "ebb-logs-" + account
	_, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
	must(t, err)
	_, err = api.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: &name, ACL: types.BucketCannedACL("log-delivery-write")})
	must(t, err)
	return name
}

// emulated is a bucket on an emulator.
func emulated(api *s3.Client, target Target) remedytest.World[Target, State, Change] {
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{
				Bucket: &target.Bucket, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: toAPI(s.Logging)},
			})
			must(t, err)
			ev := sample(t, "put-off.json")
			ev.Account, ev.Region = target.Account, target.Region
			ev.Detail = bytes.ReplaceAll(ev.Detail, []byte(invoices.Bucket), []byte(target.Bucket))
			return ev
		},
		State: func(t testing.TB) State {
			out, err := api.GetBucketLogging(t.Context(), &s3.GetBucketLoggingInput{Bucket: &target.Bucket})
			must(t, err)
			l, err := fromAPI(out.LoggingEnabled)
			must(t, err)
			tags, err := api.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &target.Bucket})
			must(t, err)
			s := State{l, map[string]string{}}
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
