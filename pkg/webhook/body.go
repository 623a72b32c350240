package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// GitHubMaxBody is the largest body that GitHub sends, in bytes.
//
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
const GitHubMaxBody = 25 << 20

// trustedLength is how much memory a declared Content-Length gets at once. A
// sender that declares more must send it first.
const trustedLength = 64 << 10

// ReadBody reads the whole body of r, at most limit bytes, before anything of
// it is looked at. It returns an [*Error]: [TooLarge], without reading on, or
// [Unreadable] when the sender broke off.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		// The rest would be read only to be thrown away.
		w.Header().Set("Connection", "close")
		return nil, Refuse(TooLarge, "the body has %d bytes, and at most %d are read", r.ContentLength, limit)
	}
	var buf bytes.Buffer
	// bytes.Buffer wants this much room to find the end without growing.
	buf.Grow(int(min(max(r.ContentLength, 0), trustedLength)) + bytes.MinRead)
	_, err := io.Copy(&buf, http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, Refuse(TooLarge, "the body has more than %d bytes", limit)
	}
	if err != nil {
		return nil, Refuse(Unreadable, "the body broke off after %d bytes", buf.Len())
	}
	return buf.Bytes(), nil
}
