package cloud

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// measureCalls gives the middleware that measures each SDK call, its retries included.
func measureCalls(calls *metrics.Calls) func(*middleware.Stack) error {
	measure := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
		middleware.InitializeOutput, middleware.Metadata, error,
	) {
		began := time.Now()
		out, meta, err := next.HandleInitialize(ctx, in)
		attempts, throttles := attempts(meta)
		calls.Record(ctx, metrics.Call{
			Service: awsmiddleware.GetServiceID(ctx), Write: writes(awsmiddleware.GetOperationName(ctx)),
			Took: time.Since(began), Retries: max(0, attempts-1), Throttles: throttles, Error: status(err),
		})
		return out, meta, err
	}
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("ebb.Measure", measure), middleware.After)
	}
}

// attempts gives how often a call was sent, and how many of the answers said
// that the caller is too fast.
func attempts(meta middleware.Metadata) (sent, throttled int) {
	results, _ := retry.GetAttemptResults(meta)
	for _, r := range results.Results {
		if isThrottle(r.Err) {
			throttled++
		}
	}
	return len(results.Results), throttled
}

// isThrottle reports whether an answer said that the caller is too fast: by a
// code that the SDK knows for that, or by its status.
func isThrottle(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() || status(err) == strconv.Itoa(http.StatusTooManyRequests)
}

// reads are how the names of operations begin that change nothing.
var reads = []string{"BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan", "TransactGet"}

func writes(operation string) bool {
	return !slices.ContainsFunc(reads, func(p string) bool { return strings.HasPrefix(operation, p) })
}

// status is the metrics' word for an error, of which there are few: codes are
// many. It is empty for none.
func status(err error) string {
	if err == nil {
		return ""
	}
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && res.HTTPStatusCode() >= 400 {
		return strconv.Itoa(res.HTTPStatusCode())
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "transport"
}
