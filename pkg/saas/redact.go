package saas

import (
	"errors"
	"net/url"
)

const hidden = "REDACTED"

// Redact hides what may be secret in the URL of an error by net/http: the user
// and the values of the query. Other errors come back as they are.
func Redact(err error) error {
	e, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	return &url.Error{Op: e.Op, URL: redactURL(e.URL), Err: e.Err}
}

func redactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return hidden
	}
	if u.User != nil {
		u.User = url.User(hidden)
	}
	query := u.Query()
	for key := range query {
		query.Set(key, hidden)
	}
	u.RawQuery, u.Fragment, u.RawFragment = query.Encode(), "", ""
	return u.String()
}
