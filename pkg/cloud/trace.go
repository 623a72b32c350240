package cloud

import (
	"context"
	"errors"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traceCalls makes a span of each SDK call, its retries included. The names
// are OpenTelemetry's: https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
func traceCalls(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("ebb.Trace", traceCall), middleware.After)
}

func traceCall(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	service, op := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	ctx, span := otel.Tracer("github.com/ebb-ops/ebb/pkg/cloud").Start(ctx, service+"."+op,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("rpc.system.name", "aws-api"),
			attribute.String("rpc.service", service),
			attribute.String("rpc.method", op),
			attribute.String("cloud.region", awsmiddleware.GetRegion(ctx)),
		))
	defer span.End()
	out, meta, err := next.HandleInitialize(ctx, in)
	if id, ok := awsmiddleware.GetRequestIDMetadata(meta); ok {
		span.SetAttributes(attribute.String("aws.request_id", id))
	}
	if sent, throttled := attempts(meta); sent > 0 {
		span.SetAttributes(attribute.Int("aws.attempts", sent))
		if throttled > 0 {
			span.SetAttributes(attribute.Int("aws.throttles", throttled))
		}
	}
	if status := answered(meta, err); status > 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if err != nil {
		span.SetStatus(codes.Error, Code(err))
		span.SetAttributes(attribute.String("error.type", errorType(err)))
	}
	return out, meta, err
}

// answered gives the status of the last answer; 0 when there was none.
func answered(meta middleware.Metadata, err error) int {
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return res.HTTPStatusCode()
	}
	if res, ok := awsmiddleware.GetRawResponse(meta).(*smithyhttp.Response); ok && res.Response != nil {
		return res.StatusCode
	}
	return 0
}

// errorType is the span's low-cardinality word for an error.
func errorType(err error) string {
	if code := Code(err); code != "" {
		return code
	}
	return "transport"
}
