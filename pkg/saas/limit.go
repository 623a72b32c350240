package saas

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// defaultLimitWait is how long to wait after a rate limit that doesn't say.
//
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
const defaultLimitWait = time.Minute

// maxLimitWait bounds what a product may ask for, so that a senseless header
// can't put a retry off for good.
const maxLimitWait = 24 * time.Hour

// RetryLater is returned when a product's rate limit outlasts the call. The
// request was not processed; it will be from At on.
type RetryLater struct {
	Host   string
	Status int // of the last answer
	At     time.Time
}

// Error says which limit was reached and when to come back.
func (r *RetryLater) Error() string {
	return fmt.Sprintf("rate limit of %s reached (status %d): retry after %s", r.Host, r.Status, r.At.UTC().Format(time.RFC3339))
}

// RetryAt gives the moment from which a retry helps.
func (r *RetryLater) RetryAt() time.Time { return r.At }

// limit reports whether res tells of a rate limit, and how long it lasts.
func (t *transport) limit(res *http.Response, body []byte) (time.Duration, bool) {
	if res == nil {
		return 0, false
	}
	after, hasAfter := retryAfter(res)
	spent := res.Header.Get("X-Ratelimit-Remaining") == "0"
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
	case res.StatusCode == http.StatusForbidden && (hasAfter || spent):
	case res.StatusCode >= 400 && t.throttled(res.StatusCode, body):
	default:
		return 0, false
	}
	if hasAfter {
		return after, true
	}
	if reset, err := strconv.ParseInt(res.Header.Get("X-Ratelimit-Reset"), 10, 64); spent && err == nil {
		// One more second, because the moment is given in whole ones.
		return bounded(time.Unix(reset, 0).Sub(clock(res)) + time.Second), true
	}
	return defaultLimitWait, true
}

// retryAfter reads Retry-After in both its forms (RFC 9110, section 10.2.3).
func retryAfter(res *http.Response) (time.Duration, bool) {
	if res == nil {
		return 0, false
	}
	value := res.Header.Get("Retry-After")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		n = min(n, int64(maxLimitWait/time.Second)) // before the unit makes it overflow
		return bounded(time.Duration(n) * time.Second), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return bounded(at.Sub(clock(res))), true
	}
	return 0, false
}

// clock gives the sender's time, because its moments are by its own clock.
func clock(res *http.Response) time.Time {
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), maxLimitWait) }
