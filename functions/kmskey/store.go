package kmskey

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of KMS's API that the store calls.
type client interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	kms.ListResourceTagsAPIClient
	CancelKeyDeletion(context.Context, *kms.CancelKeyDeletionInput, ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error)
	EnableKey(context.Context, *kms.EnableKeyInput, ...func(*kms.Options)) (*kms.EnableKeyOutput, error)
	DisableKey(context.Context, *kms.DisableKeyInput, ...func(*kms.Options)) (*kms.DisableKeyOutput, error)
	ScheduleKeyDeletion(context.Context, *kms.ScheduleKeyDeletionInput, ...func(*kms.Options)) (*kms.ScheduleKeyDeletionOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return kms.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For, time.Now}), nil
}

// store reads and changes keys.
type store struct {
	client func(remedy.Ref) client
	now    func() time.Time
}

const (
	codeNoKey    = "NotFoundException"
	codeBadState = "KMSInvalidStateException" // the call can't be made in the key's state
)

// Read gives the key and its tags, in one round of two calls. A key that
// is just being made or made a primary one is an error: it will be in another state soon.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	g, ctx := errgroup.WithContext(ctx)
	var tags map[string]string
	g.Go(func() error {
		out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &t.KeyID})
		if err != nil {
			return cloud.Explain(err, "kms:DescribeKey", codeNoKey)
		}
		key := out.KeyMetadata
		if key == nil || key.KeyState == "" {
			return errors.New("kms:DescribeKey: the answer does not say in which state the key is")
		}
		if key.KeyState == types.KeyStateCreating || key.KeyState == types.KeyStateUpdating {
			return fmt.Errorf("kms:DescribeKey: the key is %s, and will be in another state soon", key.KeyState)
		}
		state = State{KeyState: string(key.KeyState), Window: s.window(key), ByAWS: key.KeyManager == types.KeyManagerTypeAws}
		return nil
	})
	g.Go(func() (err error) {
		tags, err = tagsOf(ctx, c, t)
		return err
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read key %s: %w", t.KeyID, err)
	}
	state.Tags = tags
	return state, nil
}

func tagsOf(ctx context.Context, c client, t Target) (map[string]string, error) {
	var tags map[string]string
	for pages := kms.NewListResourceTagsPaginator(c, &kms.ListResourceTagsInput{KeyId: &t.KeyID}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "kms:ListResourceTags", codeNoKey)
		}
		for _, tag := range page.Tags {
			if tags == nil {
				tags = make(map[string]string, len(page.Tags))
			}
			tags[aws.ToString(tag.TagKey)] = aws.ToString(tag.TagValue)
		}
	}
	return tags, nil
}

// The bounds of a waiting period, in days.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
const (
	shortest = 7
	longest  = 30
)

// window gives the waiting period of a key that is to be deleted. KMS tells the
// date of the deletion; soon after it was scheduled, the days until then are the
// period that was chosen. Of a key that waits for its replicas it tells the period.
func (s store) window(key *types.KeyMetadata) int {
	switch {
	case key.DeletionDate != nil:
		days := math.Round(key.DeletionDate.Sub(s.now()).Hours() / 24)
		return int(min(max(days, shortest), longest))
	case key.PendingDeletionWindowInDays != nil:
		return int(*key.PendingDeletionWindowInDays)
	}
	return 0
}

// Apply makes the change's call. To enable what is enabled, or to disable what
// is disabled, is no error to KMS. To cancel what is not scheduled, or to
// schedule what is, is one to KMS and none here: it is in place.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	var err error
	switch c.API {
	case cancelDeletion:
		_, err = cl.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &c.KeyID})
	case enable:
		_, err = cl.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &c.KeyID})
	case disable:
		_, err = cl.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &c.KeyID})
	case scheduleDeletion:
		_, err = cl.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
			KeyId: &c.KeyID, PendingWindowInDays: aws.Int32(int32(min(max(c.Window, shortest), longest))), // #nosec G115 -- it is bounded
		})
	default:
		err = fmt.Errorf("%q is no call that this function makes", c.API)
	}
	if cloud.HasCode(err, codeBadState) && (c.API == cancelDeletion || c.API == scheduleDeletion) {
		return nil
	}
	return cloud.Explain(err, "kms:"+c.API, codeNoKey)
}
