//go:build !ebb.lambda

package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// load gives what env's settings say, and the SDK's default chain for the rest.
func load(ctx context.Context, env remedy.Env) (aws.Config, error) {
	var opts []func(*config.LoadOptions) error
	if id, secret := env.Setting("AWS_ACCESS_KEY_ID"), env.Setting("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		opts = append(opts, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(id, secret, env.Setting("AWS_SESSION_TOKEN"))))
	}
	if region := env.Setting("AWS_REGION"); region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	if env.AWSEndpoint != "" {
		// An emulator runs where no instance metadata is: asking for it would
		// cost seconds before the error about missing credentials.
		opts = append(opts, config.WithBaseEndpoint(env.AWSEndpoint),
			config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	return config.LoadDefaultConfig(ctx, opts...)
}
