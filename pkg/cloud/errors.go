package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Code gives the API's code for err ("InvalidGroup.NotFound"), or "" when err
// is not an API's answer.
func Code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// HasCode reports whether err is an API's answer with one of the codes.
func HasCode(err error, codes ...string) bool {
	code := Code(err)
	return code != "" && slices.Contains(codes, code)
}

// Denied reports whether an API refused the caller. Some protocols lose the
// code on the way, so the HTTP status counts too where there is no code; that of
// an AWS API, not of the instance metadata service that credentials come from.
func Denied(err error) bool {
	switch Code(err) {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation",
		"AuthFailure", "NotAuthorized", "AuthorizationError", "AuthorizationErrorException":
		return true
	case "", "UnknownError":
		res, ok := errors.AsType[*awshttp.ResponseError](err)
		return ok && res.HTTPStatusCode() == http.StatusForbidden
	}
	return false
}

// Explain wraps err with the IAM action of the call that failed, and turns
// what AWS answered into what a person can act on: the codes in gone become
// [remedy.ErrGone], a refusal names the permission to grant. Explain of nil is nil.
func Explain(err error, action string, gone ...string) error {
	switch {
	case err == nil:
		return nil
	case HasCode(err, gone...):
		return fmt.Errorf("%s: %w (%s)", action, remedy.ErrGone, Code(err))
	case Denied(err):
		return fmt.Errorf("%s: access denied: grant %s to the function's role on this resource, or lift the policy that denies it: %w", action, action, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}
