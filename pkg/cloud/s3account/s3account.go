// Package s3account makes clients of S3's control API, which is about accounts.
package s3account

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// NewClient gives a client for the configuration. AWS's own endpoints have the
// account's id before the host's name; an endpoint in the configuration is an
// emulator's, which is reached by its one name.
func NewClient(cfg aws.Config) *s3control.Client {
	return s3control.NewFromConfig(cfg, func(o *s3control.Options) {
		if cfg.BaseEndpoint != nil {
			o.EndpointResolverV2 = oneHost{s3control.NewDefaultEndpointResolverV2()}
		}
	})
}

// oneHost resolves as the SDK does, and leaves out the account.
type oneHost struct{ sdk s3control.EndpointResolverV2 }

func (r oneHost) ResolveEndpoint(ctx context.Context, p s3control.EndpointParameters) (smithyendpoints.Endpoint, error) {
	endpoint, err := r.sdk.ResolveEndpoint(ctx, p)
	endpoint.URI.Host = strings.TrimPrefix(endpoint.URI.Host, aws.ToString(p.AccountId)+".")
	return endpoint, err
}
