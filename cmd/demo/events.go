package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/trail"
)

// eventTime has milliseconds, which GitHub's times do not, so that the demo can
// say how long the bad state lived.
const eventTime = "2006-01-02T15:04:05.000Z07:00"

// take hands an event of the trail to ebb. What happened before ebb was there is
// the stage being set.
func (s *stage) take(ctx context.Context, event []byte) error {
	var ev struct{ Detail struct{ EventID string } }
	if err := json.Unmarshal(event, &ev); err != nil {
		return err
	}
	id := ev.Detail.EventID
	if !slices.ContainsFunc(s.since(0), func(n trail.Note) bool { return n.ID == id }) {
		return nil
	}
	s.curtain.RLock()
	defer s.curtain.RUnlock()
	if err := trail.Post(ctx, s.http, s.ebbURL, event); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived[id] = true
	return nil
}

// note remembers an event that the trail made.
func (s *stage) note(n trail.Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open.Load() {
		s.notes = append(s.notes, n)
	}
}

// lose remembers an event that the chaos lost.
func (s *stage) lose(n trail.Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[n.ID] = true
}

// since gives the events that the trail made after the first n.
func (s *stage) since(n int) []trail.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes[n:])
}

// isLost reports whether an event never comes.
func (s *stage) isLost(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost[id]
}

// made gives a scene's event: the one of a name that the trail made of the
// person's change.
func (s *stage) made(name string) func(context.Context) (string, error) {
	return func(ctx context.Context) (id string, err error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		err = poll(ctx, func() (bool, error) {
			for _, n := range s.since(0) {
				// The trail's times are whole milliseconds.
				if n.Name == name && n.Actor == s.personARN && !n.At.Before(s.changed.Truncate(time.Millisecond)) {
					id = n.ID
				}
			}
			return id != "", nil
		})
		if err != nil {
			return "", fmt.Errorf("wait for the event of %s: %w", name, err)
		}
		return id, nil
	}
}

// surely makes a call until its event is not lost.
func (s *stage) surely(ctx context.Context, name string, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		s.changed = time.Now()
		if err := call(); err != nil {
			return err
		}
		id, err := s.made(name)(ctx)
		if err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil || !s.isLost(id) {
			return err
		}
	}
}

// settle waits until each event has come to ebb, or is lost, and is handled.
func (s *stage) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !slices.ContainsFunc(s.notes, func(n trail.Note) bool { return !s.arrived[n.ID] && !s.lost[n.ID] }), nil
	})
	if err != nil {
		return fmt.Errorf("wait for the events: %w", err)
	}
	return s.idle(ctx)
}

func (s *stage) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.notes)
}

// idle waits until ebb has handled all that it accepted.
func (s *stage) idle(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		var ready struct {
			Status  string
			Pending int
		}
		err := s.get(ctx, "/readyz", &ready)
		return ready.Pending == 0 && ready.Status == "ready", err
	})
}

// deliverWebhook sends a real GitHub payload, its time made now, signed.
func (s *stage) deliverWebhook(ctx context.Context, file, event string) (string, error) {
	raw, err := os.ReadFile(filepath.Join("events", file))
	if err != nil {
		return "", fmt.Errorf("read the sample webhook: %w", err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return "", fmt.Errorf("decode %s: %w", file, err)
	}
	body["repository"].(map[string]any)["updated_at"] = s.changed.UTC().Format(eventTime)
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
