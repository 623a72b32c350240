package gitea

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// maxSaid is how much of Gitea's own words an error holds, in bytes.
const maxSaid = 300

// refusal is an answer that is no success.
type refusal struct {
	status int
	said   string // Gitea's own words
}

func (r *refusal) Error() string { return fmt.Sprintf("Gitea answers %d: %s", r.status, r.said) }

func refused(status int, body []byte) *refusal {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Message == "" {
		answer.Message = http.StatusText(status)
	}
	return &refusal{status, answer.Message[:min(len(answer.Message), maxSaid)]}
}

func isStatus(err error, status int) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == status
}

// explain turns what came of a call into what a person can act on. scope is what
// the token needs for it. explain of nil is nil.
func (c *Client) explain(err error, op, scope string) error {
	if err == nil {
		return nil
	}
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return fmt.Errorf("%s: %w", op, err)
	}
	switch r.status {
	case http.StatusUnauthorized:
		c.auth.refused()
		return fmt.Errorf("%s: %w: check %s, which may be revoked", op, r, c.auth)
	case http.StatusForbidden:
		return fmt.Errorf("%s: %w: %s needs the scope %s, and its user must administer the repository", op, r, c.auth, scope)
	case http.StatusUnprocessableEntity:
		return remedy.Permanent(fmt.Errorf("%s: %w", op, r))
	}
	return fmt.Errorf("%s: %w", op, r)
}
