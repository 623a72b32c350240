// Package webhook holds what receivers of webhooks share: proof that a delivery
// comes from its product, a bounded read of its body, and errors that know which
// HTTP status makes the sender do the right thing.
package webhook

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrBusy is returned by whatever accepts a delivery when it can take no more
// for now. A receiver answers 503 with Retry-After; nothing was accepted.
var ErrBusy = errors.New("too many events are waiting to be handled")

// Code says why a delivery was refused.
type Code string

// The codes. They never depend on how much of a signature was right.
const (
	Unconfigured Code = "unconfigured"          // no secret is set, or an empty one: our fault
	Missing      Code = "missing-signature"     // the scheme's header is not there
	Ambiguous    Code = "ambiguous-signature"   // the header is there more than once
	Malformed    Code = "malformed-signature"   // another algorithm, encoding or length
	Mismatch     Code = "wrong-signature"       // well formed, and made with none of the secrets over this body
	TooLarge     Code = "body-too-large"        // over the product's limit
	Unreadable   Code = "body-unreadable"       // the body broke off
	BadRequest   Code = "bad-request"           // proven, but not what the product sends
	BadMethod    Code = "method-not-allowed"    // not a POST
	BadMediaType Code = "unsupported-mediatype" // proven, in an encoding that the product doesn't use
)

// Error is a refused delivery. Its text names what the sender must change; it
// holds no secret, no expected signature and nothing of the body.
type Error struct {
	Code Code
	Text string
}

// Refuse makes an [Error]; the format is [fmt.Sprintf]'s.
func Refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Error says why the delivery was refused.
func (e *Error) Error() string { return e.Text }

// Status is the HTTP status to answer with. Products stop sending after some
// kinds of status, so our own faults are 5xx and only the sender's are 4xx.
func (e *Error) Status() int {
	switch e.Code {
	case Missing, Ambiguous, Malformed, Mismatch:
		return http.StatusUnauthorized
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case Unreadable, BadRequest:
		return http.StatusBadRequest
	case BadMethod:
		return http.StatusMethodNotAllowed
	case BadMediaType:
		return http.StatusUnsupportedMediaType
	}
	return http.StatusInternalServerError
}
