package local

import (
	"errors"
	"net/http"

	"golang.org/x/sync/semaphore"

	"github.com/ebb-ops/ebb/pkg/bus"
)

// MaxBodies bounds the bytes of all request bodies that are held in memory at
// once, on their way into the inbox. A body counts with the length that its
// sender declares; one without a length counts as the longest that is taken.
const MaxBodies = 256 << 20

var errManyBodies = errors.New("too many requests are being received; try again in a second")

// bounded turns requests away while the bodies of others fill the bound.
func bounded(next http.Handler) http.Handler {
	bodies := semaphore.NewWeighted(MaxBodies)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := r.ContentLength
		if n < 0 || n > bus.MaxBody {
			n = bus.MaxBody // what is longer is refused before it is read whole
		}
		if !bodies.TryAcquire(n) {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, errManyBodies)
			return
		}
		defer bodies.Release(n)
		next.ServeHTTP(w, r)
	})
}
