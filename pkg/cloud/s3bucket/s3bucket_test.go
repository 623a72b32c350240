package s3bucket_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/s3bucket"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var bucket = s3event.Target{Bucket: "ebb-bucket", Account: "111122223333", Region: "eu-central-1"}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

// tagging answers each call with the same.
type tagging struct {
	tags []types.Tag
	err  error
	got  s3.GetBucketTaggingInput // the last call
}

func (f *tagging) GetBucketTagging(_ context.Context, in *s3.GetBucketTaggingInput, _ ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error) {
	f.got = *in
	if f.err != nil {
		return nil, f.err
	}
	return &s3.GetBucketTaggingOutput{TagSet: f.tags}, nil
}

func TestTags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fake      tagging
		want      map[string]string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"tags": {
			fake: tagging{tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}, {Key: aws.String("stage"), Value: aws.String("")}}},
			want: map[string]string{"team": "web", "stage": ""},
		},
		"no tags":           {fake: tagging{err: apiError("NoSuchTagSet")}},
		"no such bucket":    {fake: tagging{err: apiError("NoSuchBucket")}, wantErr: "s3:GetBucketTagging", gone: true},
		"denied":            {fake: tagging{err: apiError("AccessDenied")}, wantErr: "grant s3:GetBucketTagging"},
		"in another region": {fake: tagging{err: apiError("PermanentRedirect")}, wantErr: "the bucket is not in eu-central-1", permanent: true},
		"throttled":         {fake: tagging{err: apiError("SlowDown")}, wantErr: "s3:GetBucketTagging: api error SlowDown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := s3bucket.Tags(t.Context(), &c.fake, bucket)
			wantError(t, err, c.wantErr, c.gone, c.permanent)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if b, owner := aws.ToString(c.fake.got.Bucket), aws.ToString(c.fake.got.ExpectedBucketOwner); b != bucket.Bucket || owner != bucket.Account {
				t.Errorf("asked for bucket %q of account %q, want %s of %s", b, owner, bucket.Bucket, bucket.Account)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err       error
		want      string
		gone      bool
		permanent bool
	}{
		"no error":                         {},
		"no such bucket":                   {err: apiError("NoSuchBucket"), want: "s3:PutBucketAcl: ", gone: true},
		"denied":                           {err: apiError("AccessDenied"), want: "s3:PutBucketAcl: access denied: grant s3:PutBucketAcl"},
		"another account's":                {err: apiError("AccessDenied"), want: "for a bucket that is not account 111122223333's"},
		"another region's":                 {err: apiError("PermanentRedirect"), want: "s3:PutBucketAcl: the bucket is not in eu-central-1", permanent: true},
		"another region's, signed for one": {err: apiError("AuthorizationHeaderMalformed"), want: "s3:PutBucketAcl: the bucket is not in eu-central-1", permanent: true},
		"in the way":                       {err: apiError("OperationAborted"), want: "s3:PutBucketAcl: api error OperationAborted"},
		"throttled":                        {err: apiError("SlowDown"), want: "s3:PutBucketAcl: api error SlowDown"},
		"no answer":                        {err: context.DeadlineExceeded, want: "s3:PutBucketAcl: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s3bucket.Explain(bucket, c.err, "s3:PutBucketAcl")
			wantError(t, got, c.want, c.gone, c.permanent)
			if !c.gone && !errors.Is(got, c.err) {
				t.Errorf("%v does not wrap %v", got, c.err)
			}
		})
	}
}

func wantError(t *testing.T, err error, want string, gone, permanent bool) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if errors.Is(err, remedy.ErrGone) != gone {
		t.Errorf("is gone = %v, want %v: %v", !gone, gone, err)
	}
	if remedy.IsPermanent(err) != permanent {
		t.Errorf("is permanent = %v, want %v: %v", !permanent, permanent, err)
	}
}

// transport answers each request itself.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestClientsNameBucketsWhereTheEndpointAllows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpoint, want string
	}{
		"AWS's own":   {"", "https://ebb-bucket.s3.eu-central-1.amazonaws.com/"},
		"an emulator": {"http://emulator.test:5000", "http://emulator.test:5000/ebb-bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
			var got string
			clients, err := s3bucket.NewClients(t.Context(), remedy.Env{
				AWSEndpoint: c.endpoint,
				Getenv:      func(name string) string { return settings[name] },
				Transport: transport(func(r *http.Request) (*http.Response, error) {
					got = r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := clients.For(bucket.Ref()).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(bucket.Bucket)}); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("request to %s, want %s", got, c.want)
			}
		})
	}
}
