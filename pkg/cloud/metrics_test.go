package cloud_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// once answers the first request with an error, and the others with success.
type once struct {
	status           int
	failure, success string
	contentType      string
	sent             bool
}

// RoundTrip implements [http.RoundTripper].
func (o *once) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := o.status, o.failure
	if o.sent {
		status, body = http.StatusOK, o.success
	}
	o.sent = true
	return &http.Response{
		StatusCode: status, Request: r, Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Content-Type": {o.contentType}},
	}, nil
}

// Not parallel: the providers are the process's.
func TestThrottles_are_told_whatever_their_code(t *testing.T) {
	const (
		xml   = "text/xml"
		json  = "application/x-amz-json-1.0"
		ec2OK = `<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>`
	)
	ec2Error := func(code string) string {
		return "<Response><Errors><Error><Code>" + code + "</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>"
	}
	describe := func(cfg aws.Config) error {
		_, err := ec2.NewFromConfig(cfg).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
		return err
	}
	tests := map[string]struct {
		answers once
		call    func(aws.Config) error
		of      string // the service, and whether it reads or writes
		want    int64  // throttles
	}{
		"RequestLimitExceeded": {once{status: 503, failure: ec2Error("RequestLimitExceeded"), success: ec2OK, contentType: xml}, describe, "EC2 read", 1},
		"status 429 only":      {once{status: 429, failure: ec2Error("Unheard"), success: ec2OK, contentType: xml}, describe, "EC2 read", 1},
		"InternalError":        {once{status: 500, failure: ec2Error("InternalError"), success: ec2OK, contentType: xml}, describe, "EC2 read", 0},
		"SlowDown": {once{status: 503, failure: "<Error><Code>SlowDown</Code></Error>", contentType: xml}, func(cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg).DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String("b")})
			return err
		}, "S3 write", 1},
		"TooManyRequestsException": {once{status: 400, failure: `{"__type":"TooManyRequestsException"}`, success: "{}", contentType: json}, func(cfg aws.Config) error {
			_, err := eventbridge.NewFromConfig(cfg).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{}}})
			return err
		}, "EventBridge write", 1},
		"ProvisionedThroughputExceededException": {once{status: 400, failure: `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`, success: "{}", contentType: json}, func(cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]ddbtypes.KeysAndAttributes{"t": {Keys: []map[string]ddbtypes.AttributeValue{{}}}}})
			return err
		}, "DynamoDB read", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
			otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
			otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
			t.Cleanup(func() { otel.SetMeterProvider(metricnoop.NewMeterProvider()) })
			settings := map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
			cfg, err := cloud.LoadConfig(t.Context(), remedy.Env{Getenv: func(k string) string { return settings[k] }, Transport: &tt.answers})
			if err != nil {
				t.Fatal(err)
			}
			cfg.Retryer = func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) {
					o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
					o.Retryables = append(o.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{429: {}}})
				})
			}
			if err := tt.call(cfg); err != nil {
				t.Fatal(err)
			}
			want := map[string]int64{"ebb.remote.call.duration " + tt.of: 1, "ebb.remote.retries " + tt.of: 1}
			if tt.want > 0 {
				want["ebb.remote.throttles "+tt.of] = tt.want
			}
			if diff := cmp.Diff(want, counted(t, reader)); diff != "" {
				t.Errorf("measured (-want +got):\n%s", diff)
			}
			told := int64(0)
			for _, kv := range spans.Ended()[0].Attributes() {
				if kv.Key == "aws.throttles" {
					told = kv.Value.AsInt64()
				}
			}
			if told != tt.want {
				t.Errorf("the span tells of %d throttles, want %d", told, tt.want)
			}
		})
	}
}

func TestCalls_are_measured_with_how_they_failed(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(metricnoop.NewMeterProvider()) })
	settings := map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
	want := map[string]int64{}
	for word, transport := range map[string]http.RoundTripper{
		"403":       &once{status: 403, failure: "<Error><Code>AccessDenied</Code></Error>", contentType: "text/xml"},
		"transport": broken{},
	} {
		cfg, err := cloud.LoadConfig(t.Context(), remedy.Env{Getenv: func(k string) string { return settings[k] }, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		if _, err := s3.NewFromConfig(cfg).GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: aws.String("b")}); err == nil {
			t.Errorf("%s: no error", word)
		}
		want["ebb.remote.call.duration S3 read "+word] = 1
	}
	if diff := cmp.Diff(want, counted(t, reader)); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}

type broken struct{}

// RoundTrip implements [http.RoundTripper].
func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// counted gives what was measured, by name and attributes' values; of
// durations, how many there were.
func counted(t *testing.T, r *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	key := func(name string, set attribute.Set) string {
		for _, a := range []attribute.Key{"ebb.remote.service", "ebb.remote.access", "error.type"} {
			if v, ok := set.Value(a); ok {
				name += " " + v.AsString()
			}
		}
		return name
	}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = int64(p.Count)
				}
			default:
				out[fmt.Sprintf("%s is a %T", m.Name, m.Data)] = 1
			}
		}
	}
	return out
}
