//go:build ebb.lambda

package cloud

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// load gives what env's settings say. On Lambda the role's credentials and the
// region are always there, so a function goes without the SDK's default chain:
// its profiles, single sign-on and instance metadata are 1.7 MB of the binary.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func load(_ context.Context, env remedy.Env) (aws.Config, error) {
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if env.Setting(name) == "" {
			return aws.Config{}, fmt.Errorf("%s is not set: a build for Lambda takes its region and credentials from the environment only", name)
		}
	}
	cfg := aws.Config{
		Region: env.Setting("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			env.Setting("AWS_ACCESS_KEY_ID"), env.Setting("AWS_SECRET_ACCESS_KEY"), env.Setting("AWS_SESSION_TOKEN")),
		HTTPClient: awshttp.NewBuildableClient(), // one pool of connections for all clients
		// The SDK's own defaults.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	if env.AWSEndpoint != "" {
		cfg.BaseEndpoint = &env.AWSEndpoint
	}
	return cfg, nil
}
