package s3bucketpolicy

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
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Calls as records name them.
const (
	put    = "s3:PutBucketPolicy"
	remove = "s3:DeleteBucketPolicy"
)

// Statements that the tests put into policies, laid out in different ways.
const (
	tlsOnly = `{"Sid":"TLSOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	partner = "{ \"Sid\" : \"Partner\",\n      \"Effect\": \"Allow\",  \"Principal\": { \"AWS\": \"arn:aws:iam::210987654321:root\" },\n      \"Action\": [ \"s3:GetObject\" ], \"Resource\": \"arn:aws:s3:::b/*\" }"
	org     = `{"Sid":"Org","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`
	vpc     = `{"Sid":"VPC","Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}}`
	read    = `{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	list    = "{\"Effect\":\"Allow\",\n\t\"Principal\":{\"AWS\":[\"123456789012\",\"*\"]},\"Action\":[\"s3:ListBucket\",\"s3:Get*\"],\"Resource\":\"arn:aws:s3:::b\"}"
)

// doc is a policy of these statements, one a line.
func doc(t testing.TB, statements ...string) policydoc.Document {
	t.Helper()
	text := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": ["
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += "\n    " + s
	}
	return parsed(t, text+"\n  ]\n}")
}

func parsed(t testing.TB, text string) policydoc.Document {
	t.Helper()
	d, err := policydoc.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func suite(t testing.TB) remedytest.Suite[Target, State, Change, Params] {
	of := func(statements ...string) State { return State{Policy: doc(t, statements...)} }
	one := func(statement string) State {
		return State{Policy: parsed(t, `{"Statement": `+statement+` , "Id":"one"}`)}
	}
	state := func(s State) *State { return &s }
	tagged := func(s State) State {
		s.Tags = map[string]string{"team": "billing", "stage": "prod"}
		return s
	}
	open := []string{"public-statement"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "no policy", Live: State{}},
			{Name: "fixed principals and narrowed ones", Live: tagged(of(tlsOnly, partner, org, vpc))},
			{Name: "a bucket that may be public", Live: of(read), Params: &Params{AllowedBuckets: []string{"nothing", "ebb-*"}}},
			{
				Name: "only the public statement goes", Live: tagged(of(tlsOnly, read, partner, org)),
				Rules: open, Want: tagged(of(tlsOnly, partner, org)), Calls: []string{put},
			},
			{
				Name: "an account that is not allowed", Live: of(tlsOnly, partner, org),
				Params: &Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}}}},
				Rules:  []string{"foreign-statement"}, Want: of(tlsOnly, org), Calls: []string{put},
			},
			{
				Name: "several public statements", Live: of(list, tlsOnly, read),
				Rules: []string{"public-statement", "public-statement"}, Want: of(tlsOnly), Calls: []string{put},
			},
			{
				Name: "nothing but public statements", Live: of(read, list),
				Rules: []string{"public-statement", "public-statement"}, Want: State{}, Calls: []string{remove},
			},
			{
				Name: "a single statement, not in a list", Live: one(read),
				Rules: open, Want: State{}, Calls: []string{remove},
			},
			{
				Name: "added to the baseline", Baseline: state(of(tlsOnly, partner)), Live: of(tlsOnly, partner, read, org),
				Rules: open, Want: of(tlsOnly, partner, org), Calls: []string{put},
			},
			{
				Name: "the baseline laid out anew, and more", Baseline: state(of(tlsOnly, partner)),
				Live:  State{Policy: parsed(t, `{"Statement":[`+read+`,`+partner+`,`+tlsOnly+`],"Version":"2012-10-17"}`)},
				Rules: open, Want: of(tlsOnly, partner), Calls: []string{put},
			},
			{
				Name: "the baseline overwritten", Baseline: state(tagged(of(tlsOnly, partner))), Live: tagged(of(read)),
				Rules: open, Want: tagged(of(tlsOnly, partner)), Calls: []string{put},
			},
			{
				Name: "a statement of the baseline widened", Baseline: state(of(tlsOnly, vpc)),
				Live:  of(tlsOnly, `{"Sid":"VPC","Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}}}`),
				Rules: open, Want: of(tlsOnly, vpc), Calls: []string{put},
			},
			{
				Name: "there was no policy", Baseline: state(State{}), Live: of(read),
				Rules: open, Want: State{}, Calls: []string{remove},
			},
		},
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		target := Target{Bucket: "ebb-bucket", Account: "111122223333", Region: "eu-central-1"}
		f := &fakeS3{bucket: target.Bucket, owner: target.Account}
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Seed: func(t testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.policy, f.tags = s.Policy.String(), s.Tags
				return putEvent(t, target, s.Policy)
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				var s State
				if f.policy != "" {
					s.Policy = parsed(t, f.policy)
				}
				s.Tags = f.tags
				return s
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
	s := suite(t)
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
			if s.Policy.IsZero() {
				_, err = api.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: &target.Bucket})
			} else {
				_, err = api.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &target.Bucket, Policy: aws.String(s.Policy.String())})
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
			return putEvent(t, target, s.Policy)
		},
		State: func(t testing.TB) State {
			var s State
			policy, err := api.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &target.Bucket})
			check(t, err, "NoSuchBucketPolicy")
			if err == nil {
				s.Policy = parsed(t, aws.ToString(policy.Policy))
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

// putEvent is the event that putting the policy causes, as CloudTrail words it.
func putEvent(t testing.TB, target Target, policy policydoc.Document) remedy.Event {
	t.Helper()
	request := map[string]any{"bucketName": target.Bucket, "Host": "s3.amazonaws.com", "policy": "", "bucketPolicy": map[string]any{}}
	if !policy.IsZero() {
		request["bucketPolicy"] = json.RawMessage(policy.String())
	}
	detail, err := json.Marshal(map[string]any{"eventName": "PutBucketPolicy", "requestParameters": request, "responseElements": nil})
	if err != nil {
		t.Fatal(err)
	}
	return remedy.Event{
		ID: "e1", Source: "aws.s3", Name: "PutBucketPolicy", Account: target.Account, Region: target.Region,
		Actor: remedy.Actor{Type: "IAMUser", ID: "arn:aws:iam::" + target.Account + ":user/jane"}, Time: time.Now(), Detail: detail,
	}
}
