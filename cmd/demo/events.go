package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// object is a JSON object of a sample event.
type object = map[string]any

// eventTime has milliseconds, which CloudTrail's times do not, so that the demo
// can say how long the bad state lived.
const eventTime = "2006-01-02T15:04:05.000Z07:00"

// sample reads a sample event, makes it one of the latest change and of the
// demo's account, and lets fill set what it is about.
func (s *stage) sample(file string, fill func(request, response object)) (id string, event []byte, err error) {
	raw, err := os.ReadFile(filepath.Join("events", file))
	if err != nil {
		return "", nil, fmt.Errorf("read the sample event: %w", err)
	}
	var ev struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     object   `json:"detail"`
	}
	if err := json.Unmarshal(raw, &ev); err != nil {
		return "", nil, fmt.Errorf("decode %s: %w", file, err)
	}
	now := s.changed.UTC().Format(eventTime)
	ev.ID, ev.Account, ev.Region, ev.Time = rand.Text(), account, region, now
	ev.Detail["eventID"], ev.Detail["eventTime"] = ev.ID, now
	ev.Detail["recipientAccountId"], ev.Detail["awsRegion"] = account, region
	request, _ := ev.Detail["requestParameters"].(object)
	response, _ := ev.Detail["responseElements"].(object)
	fill(request, response)
	event, err = json.Marshal(ev)
	return ev.ID, event, err
}

// deliverSample gives a scene's deliver: a sample event, filled in.
func (s *stage) deliverSample(file string, fill func(request, response object)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		id, event, err := s.sample(file, fill)
		if err != nil {
			return "", err
		}
		return id, s.post(ctx, event)
	}
}

// deliverWebhook sends a real GitHub payload, its time made now, signed.
func (s *stage) deliverWebhook(ctx context.Context, file, event string) (string, error) {
	raw, err := os.ReadFile(filepath.Join("events", file))
	if err != nil {
		return "", fmt.Errorf("read the sample webhook: %w", err)
	}
	var body object
	if err := json.Unmarshal(raw, &body); err != nil {
		return "", fmt.Errorf("decode %s: %w", file, err)
	}
	body["repository"].(object)["updated_at"] = s.changed.UTC().Format(eventTime)
	if raw, err = json.Marshal(body); err != nil {
		return "", err
	}
	id := rand.Text()
	req, err := githubtest.Deliver(s.ebbURL+"/webhooks/github", raw, event, id, webhookSecret)
	if err != nil {
		return "", err
	}
	return id, s.do(req.WithContext(ctx), http.StatusAccepted, nil)
}
