package doctor_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// assumes reports whether a request would assume the role. It can be sent afterwards.
func assumes(r *http.Request, role string) bool {
	if r.Body == nil {
		return false
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action") == "AssumeRole" && strings.HasSuffix(form.Get("RoleArn"), role)
}

// denied is STS's answer to a role that may not be assumed.
func denied(r *http.Request) *http.Response {
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)),
	}
}
