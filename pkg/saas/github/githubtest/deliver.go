package githubtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
)

// Payload gives the body of the webhook that GitHub sends about a repository as
// it is now: of the event "repository" with the action, or of "public", which
// has none, when action is empty. sender is a user's login.
func (s *Server) Payload(id int64, action, sender string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.repos[id]
	if repo == nil {
		return nil, fmt.Errorf("there is no repository %d", id)
	}
	body := map[string]any{"repository": repo.object(), "sender": map[string]any{"login": sender, "id": 1, "type": "User"}}
	if action != "" {
		body["action"] = action
	}
	if !repo.User {
		body["organization"] = map[string]any{"login": repo.Owner, "id": 1}
	}
	return encode(body), nil
}

// Deliver makes a signed delivery, as GitHub sends it to url.
func Deliver(url string, body []byte, event, delivery, secret string) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "GitHub-Hookshot/ebb-test")
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-GitHub-Delivery", delivery)
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return req, nil
}
