package saas

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// counts are what happened on the way to a call's final answer.
type counts struct {
	resends   int // further requests
	throttles int // answers that told of a rate limit
}

// measure records a call that ended.
func (t *transport) measure(ctx context.Context, req *http.Request, took time.Duration, res *http.Response, n counts, err error) {
	call := metrics.Call{Service: t.product, Took: took, Retries: n.resends, Throttles: n.throttles}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		call.Write = true
	}
	switch {
	case err != nil:
		call.Error = errorType(err)
	case res.StatusCode >= 400:
		call.Error = strconv.Itoa(res.StatusCode)
	}
	t.calls.Record(ctx, call)
}
