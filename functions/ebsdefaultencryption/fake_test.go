package ebsdefaultencryption

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"
)

// fake is the setting of one account in one region, with EC2's answers.
type fake struct {
	mu      sync.Mutex
	enabled *bool
	key     string
	fail    map[string]string // calls that fail, and with which code
}

func newFake() *fake {
	return &fake{enabled: aws.Bool(false), key: managedKey, fail: map[string]string{}}
}

func (f *fake) enter(call string) error {
	f.mu.Lock()
	if code := f.fail[call]; code != "" {
		return &smithy.GenericAPIError{Code: code, Message: "no"}
	}
	return nil
}

func (f *fake) GetEbsEncryptionByDefault(context.Context, *ec2.GetEbsEncryptionByDefaultInput, ...func(*ec2.Options)) (*ec2.GetEbsEncryptionByDefaultOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetEbsEncryptionByDefault"); err != nil {
		return nil, err
	}
	return &ec2.GetEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: f.enabled}, nil
}

func (f *fake) GetEbsDefaultKmsKeyId(context.Context, *ec2.GetEbsDefaultKmsKeyIdInput, ...func(*ec2.Options)) (*ec2.GetEbsDefaultKmsKeyIdOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetEbsDefaultKmsKeyId"); err != nil {
		return nil, err
	}
	return &ec2.GetEbsDefaultKmsKeyIdOutput{KmsKeyId: aws.String(f.key)}, nil
}

func (f *fake) EnableEbsEncryptionByDefault(context.Context, *ec2.EnableEbsEncryptionByDefaultInput, ...func(*ec2.Options)) (*ec2.EnableEbsEncryptionByDefaultOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(enable); err != nil {
		return nil, err
	}
	f.enabled = aws.Bool(true)
	return &ec2.EnableEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: f.enabled}, nil
}

func (f *fake) DisableEbsEncryptionByDefault(context.Context, *ec2.DisableEbsEncryptionByDefaultInput, ...func(*ec2.Options)) (*ec2.DisableEbsEncryptionByDefaultOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(disable); err != nil {
		return nil, err
	}
	f.enabled = aws.Bool(false)
	return &ec2.DisableEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: f.enabled}, nil
}

func (f *fake) ModifyEbsDefaultKmsKeyId(_ context.Context, in *ec2.ModifyEbsDefaultKmsKeyIdInput, _ ...func(*ec2.Options)) (*ec2.ModifyEbsDefaultKmsKeyIdOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(modifyKey); err != nil {
		return nil, err
	}
	f.key = *in.KmsKeyId
	return &ec2.ModifyEbsDefaultKmsKeyIdOutput{KmsKeyId: in.KmsKeyId}, nil
}

func (f *fake) ResetEbsDefaultKmsKeyId(context.Context, *ec2.ResetEbsDefaultKmsKeyIdInput, ...func(*ec2.Options)) (*ec2.ResetEbsDefaultKmsKeyIdOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(resetKey); err != nil {
		return nil, err
	}
	f.key = managedKey
	return &ec2.ResetEbsDefaultKmsKeyIdOutput{KmsKeyId: aws.String(managedKey)}, nil
}
