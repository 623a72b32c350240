package s3accountaccessblock

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/aws/smithy-go"
)

// fakeControl is S3's control API for one account.
type fakeControl struct {
	mu    sync.Mutex
	block *types.PublicAccessBlockConfiguration // nil when there is none
	fail  map[string]error                      // what an operation answers instead
}

// enter locks the fake and gives what S3 checks before anything else.
func (f *fakeControl) enter(op string, account *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case aws.ToString(account) != acme.Account:
		return apiError("AccessDenied")
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeControl) GetPublicAccessBlock(_ context.Context, in *s3control.GetPublicAccessBlockInput, _ ...func(*s3control.Options)) (*s3control.GetPublicAccessBlockOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetPublicAccessBlock", in.AccountId); err != nil {
		return nil, err
	}
	if f.block == nil {
		return nil, apiError("NoSuchPublicAccessBlockConfiguration")
	}
	return &s3control.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: f.block}, nil
}

func (f *fakeControl) PutPublicAccessBlock(_ context.Context, in *s3control.PutPublicAccessBlockInput, _ ...func(*s3control.Options)) (*s3control.PutPublicAccessBlockOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutPublicAccessBlock", in.AccountId); err != nil {
		return nil, err
	}
	block := *in.PublicAccessBlockConfiguration
	f.block = &block
	return &s3control.PutPublicAccessBlockOutput{}, nil
}

func (f *fakeControl) DeletePublicAccessBlock(_ context.Context, in *s3control.DeletePublicAccessBlockInput, _ ...func(*s3control.Options)) (*s3control.DeletePublicAccessBlockOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeletePublicAccessBlock", in.AccountId); err != nil {
		return nil, err
	}
	f.block = nil
	return &s3control.DeletePublicAccessBlockOutput{}, nil
}
