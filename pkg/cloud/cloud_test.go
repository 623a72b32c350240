package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

type counting struct{ n atomic.Int64 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

func TestClients_one_per_region_through_the_transport_with_spans(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	acct := mototest.New(t)
	transport := &counting{}
	acct.Env.Transport = transport
	made := 0
	clients, err := cloud.NewClients(t.Context(), acct.Env, func(cfg aws.Config) *ec2.Client {
		made++
		return ec2.NewFromConfig(cfg)
	})
	if err != nil {
		t.Fatal(err)
	}
	here := clients.For(remedy.Ref{Region: "eu-west-1"})
	if clients.For(remedy.Ref{Region: "eu-west-1"}) != here || clients.For(remedy.Ref{}) == here || made != 2 {
		t.Errorf("%d clients were made, want one for eu-west-1 and one for the default region", made)
	}
	if _, err := here.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{}); err != nil {
		t.Fatal(err)
	}
	if got := here.Options().Region; got != "eu-west-1" {
		t.Errorf("region = %s, want eu-west-1", got)
	}
	if transport.n.Load() != 1 {
		t.Errorf("%d requests went through the transport, want 1", transport.n.Load())
	}
	_, err = here.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-00000000000000000"}})
	if got := cloud.Code(err); got != "InvalidGroup.NotFound" {
		t.Errorf("code = %q of %v, want InvalidGroup.NotFound", got, err)
	}
	ended := spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans, want one per call", len(ended))
	}
	for i, want := range []map[string]string{
		{"rpc.service": "EC2", "rpc.method": "DescribeSecurityGroups", "cloud.region": "eu-west-1", "aws.attempts": "1", "http.response.status_code": "200"},
		{"error.type": "InvalidGroup.NotFound", "http.response.status_code": "400"},
	} {
		got := map[string]string{}
		for _, kv := range ended[i].Attributes() {
			got[string(kv.Key)] = kv.Value.String()
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("span %d: %s = %q, want %q", i, k, got[k], v)
			}
		}
		if ended[i].Name() != "EC2.DescribeSecurityGroups" || got["aws.request_id"] == "" {
			t.Errorf("span %d is %s with %v, want the call and its request id", i, ended[i].Name(), got)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	api := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "told by AWS"} }
	status := func(n int, err error) *smithyhttp.ResponseError {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: n}}, Err: err}
	}
	tests := map[string]struct {
		err  error
		gone bool
		want string
	}{
		"gone":                  {api("NoSuchBucket"), true, "s3:GetBucketPolicy"},
		"denied":                {api("AccessDenied"), false, "grant s3:GetBucketPolicy"},
		"denied without a code": {&awshttp.ResponseError{ResponseError: status(403, errors.New("xml"))}, false, "grant s3:GetBucketPolicy"},
		"not a denial":          {status(403, api("RequestTimeTooSkewed")), false, "told by AWS"},
		"no credentials":        {status(403, errors.New("no instance role")), false, "no instance role"},
		"other":                 {api("SlowDown"), false, "told by AWS"},
		"no answer":             {context.DeadlineExceeded, false, "deadline"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := cloud.Explain(fmt.Errorf("operation: %w", tt.err), "s3:GetBucketPolicy", "NoSuchBucket")
			if errors.Is(got, remedy.ErrGone) != tt.gone || !strings.Contains(got.Error(), tt.want) {
				t.Errorf("Explain = %v, want %q, gone: %v", got, tt.want, tt.gone)
			}
			if !strings.HasPrefix(got.Error(), "s3:GetBucketPolicy: ") {
				t.Errorf("%q does not start with the action", got)
			}
			if !tt.gone && !errors.Is(got, tt.err) {
				t.Errorf("%v hides its cause", got)
			}
		})
	}
	if got := cloud.Explain(nil, "x"); got != nil {
		t.Errorf("Explain(nil) = %v", got)
	}
}

func TestLoadConfig_settings_win_over_the_environment(t *testing.T) {
	t.Setenv("AWS_REGION", "us-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
	settings := map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
	cfg, err := cloud.LoadConfig(t.Context(), remedy.Env{Getenv: func(k string) string { return settings[k] }, AWSEndpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || creds.AccessKeyID != "k" || cfg.Region != "eu-north-1" {
		t.Errorf("key %q, region %q, %v; want those of the settings", creds.AccessKeyID, cfg.Region, err)
	}
	if got := aws.ToString(s3.NewFromConfig(cfg).Options().BaseEndpoint); got != "http://127.0.0.1:1" {
		t.Errorf("endpoint = %q, want the environment's", got)
	}
}

func TestLoadConfig_web_pages_are_no_answers(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{
		"page":         "<html><body>Sign in</body></html>",
		"with doctype": "\n <!DOCTYPE html>\n<html></html>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) }))
			t.Cleanup(srv.Close)
			settings := map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
			cfg, err := cloud.LoadConfig(t.Context(), remedy.Env{Getenv: func(k string) string { return settings[k] }, AWSEndpoint: srv.URL})
			if err != nil {
				t.Fatal(err)
			}
			out, err := ec2.NewFromConfig(cfg).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
			if err == nil || !strings.Contains(err.Error(), "web page") {
				t.Errorf("answer = %+v, %v; want an error", out, err)
			}
		})
	}
}
