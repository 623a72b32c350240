// Package s3bucket is what the stores of S3 functions share: clients, a
// bucket's tags, and what an error of S3 means for a bucket.
package s3bucket

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// NewClients prepares the S3 clients for env, one per region. With an endpoint
// in env, buckets are named in the path of a URL, otherwise in its host.
func NewClients(ctx context.Context, env remedy.Env) (*cloud.Clients[*s3.Client], error) {
	return cloud.NewClients(ctx, env, func(cfg aws.Config) *s3.Client {
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			// An emulator is reached by one host name, which no bucket's name can go before.
			o.UsePathStyle = env.AWSEndpoint != ""
		})
	})
}

// TagReader is the part of an S3 client that [Tags] needs.
type TagReader interface {
	GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
}

// Tags gives the bucket's tags, nil when it has none. The bucket must belong to
// t's account. Errors are explained as by [Explain].
func Tags(ctx context.Context, c TagReader, t s3event.Target) (map[string]string, error) {
	out, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
	switch {
	case cloud.HasCode(err, "NoSuchTagSet"):
		return nil, nil
	case err != nil:
		return nil, Explain(t, err, "s3:GetBucketTagging")
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, tag := range out.TagSet {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags, nil
}

// WithTags reads a bucket's setting, by read, and its tags: the calls go out
// together, and both must be answered. An error says which bucket it is about.
func WithTags(ctx context.Context, c TagReader, t s3event.Target, read func(context.Context) error) (tags map[string]string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return read(ctx) })
	group.Go(func() (err error) {
		tags, err = Tags(ctx, c, t)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read bucket %s of account %s: %w", t.Bucket, t.Account, err)
	}
	return tags, nil
}

// Explain says what an error of S3 means for the bucket: [cloud.Explain] with
// the IAM action of the call, where a bucket that does not exist is
// [remedy.ErrGone], and one in another region than t's is a permanent error.
// Explain of a nil err is nil.
func Explain(t s3event.Target, err error, action string) error {
	// The first is S3's answer to a request for another region's bucket, the
	// second its answer when it looks at the signature's region before that.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
	if cloud.HasCode(err, "PermanentRedirect", "AuthorizationHeaderMalformed") {
		return remedy.Permanent(fmt.Errorf("%s: the bucket is not in %s, where its event came from: %w", action, t.Region, err))
	}
	err = cloud.Explain(err, action, "NoSuchBucket")
	if cloud.Denied(err) {
		return fmt.Errorf("%w (S3 answers the same for a bucket that is not account %s's)", err, t.Account)
	}
	return err
}
