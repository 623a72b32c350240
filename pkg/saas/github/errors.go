package github

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

// explain turns what GitHub answered into what a person can act on. permission
// is what the call needs. explain of nil is nil.
func (c *Client) explain(err error, op string, r Ref, permission string) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[*gogithub.ErrorResponse](err)
	if !ok {
		return fmt.Errorf("%s: %w", op, saas.Redact(err))
	}
	switch status := answer.Response.StatusCode; status {
	case http.StatusUnauthorized:
		c.auth.refused(r)
		return fmt.Errorf("%s: GitHub refuses the credentials (401): check %s, which may be expired or revoked: %s", op, c.auth, said(answer))
	case http.StatusForbidden:
		if accepted := answer.Response.Header.Get("X-Accepted-Github-Permissions"); accepted != "" {
			permission += " (GitHub asks for " + accepted + ")"
		}
		return fmt.Errorf("%s: forbidden (403): give %s the permission %s: %s", op, c.auth, permission, said(answer))
	case http.StatusNotFound:
		return fmt.Errorf("%s: GitHub answers 404: it is gone, or %s lacks the permission %s", op, c.auth, permission)
	case http.StatusUnprocessableEntity:
		return remedy.Permanent(fmt.Errorf("%s: GitHub refuses (422): %s", op, said(answer)))
	default:
		return fmt.Errorf("%s: GitHub answers %d: %s", op, status, said(answer))
	}
}

// said gives GitHub's own words.
func said(e *gogithub.ErrorResponse) string {
	words := []string{e.Message}
	for _, detail := range e.Errors {
		if detail.Message != "" {
			words = append(words, detail.Message)
		}
	}
	return strings.Join(words, ": ")
}

func isStatus(err error, status int) bool {
	answer, ok := errors.AsType[*gogithub.ErrorResponse](err)
	return ok && answer.Response.StatusCode == status
}
