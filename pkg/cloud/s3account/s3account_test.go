package s3account_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3control"

	"github.com/ebb-ops/ebb/pkg/cloud/s3account"
)

// transport answers each request itself.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestClientsNameTheAccountWhereTheEndpointAllows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpoint *string
		want     string
	}{
		"AWS's own":   {nil, "https://111122223333.s3-control.eu-central-1.amazonaws.com/v20180820/configuration/publicAccessBlock"},
		"an emulator": {aws.String("http://emulator.test:5000"), "http://emulator.test:5000/v20180820/configuration/publicAccessBlock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got, signed string
			api := s3account.NewClient(aws.Config{
				Region: "eu-central-1", BaseEndpoint: c.endpoint, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
				HTTPClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
					got, signed = r.URL.String(), r.Header.Get("Authorization")
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
				})},
			})
			_, err := api.DeletePublicAccessBlock(t.Context(), &s3control.DeletePublicAccessBlockInput{AccountId: aws.String("111122223333")})
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("request to %s, want %s", got, c.want)
			}
			if !strings.Contains(signed, "/eu-central-1/s3/aws4_request") {
				t.Errorf("signed as %q, want for s3 in eu-central-1", signed)
			}
		})
	}
}
