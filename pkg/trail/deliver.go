package trail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// queue delivers events one at a time, in the order in which they are due.
type queue struct {
	deliver func(context.Context, []byte) error
	gaveUp  func(error) // told why an event could not be delivered
	tries   int         // of one event
	mu      sync.Mutex
	due     [][]byte
	more    chan struct{}
}

func newQueue(deliver func(context.Context, []byte) error, gaveUp func(error)) *queue {
	return &queue{deliver: deliver, gaveUp: gaveUp, tries: patience, more: make(chan struct{}, 1)}
}

// add takes an event now, or when it is due.
func (q *queue) add(d delivery) {
	if d.after > 0 {
		time.AfterFunc(d.after, func() { q.push(d.event) })
		return
	}
	q.push(d.event)
}

func (q *queue) push(event []byte) {
	q.mu.Lock()
	q.due = append(q.due, event)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) pop() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.due) == 0 {
		return nil, false
	}
	event := q.due[0]
	q.due = q.due[1:]
	return event, true
}

// A delivery that failed is tried again, as EventBridge does, after a pause and
// so many times: half a minute in all.
const (
	pause    = 200 * time.Millisecond
	patience = 150
)

// run delivers until ctx ends.
func (q *queue) run(ctx context.Context) {
	for {
		event, ok := q.pop()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-q.more:
			}
			continue
		}
		for n := 1; ; n++ {
			err := q.deliver(ctx, event)
			if err == nil {
				break
			}
			if n == q.tries {
				q.gaveUp(err)
				break
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

// maxAnswer bounds how much of an answer to a delivery is read, in bytes.
const maxAnswer = 1 << 20

// Post hands an event to an `ebb serve` at url, as its POST /events takes it.
func Post(ctx context.Context, client *http.Client, url string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/events", bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("deliver an event: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("deliver an event: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("deliver an event: %w", err)
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("deliver an event: %s: %s", res.Status, bytes.TrimSpace(body))
	}
	return nil
}

// detail is what a Note is made of.
type detail struct {
	EventID, EventName, ErrorCode string
	EventTime                     time.Time
	UserIdentity                  struct{ Arn string }
}

func (d detail) note() Note {
	return Note{ID: d.EventID, Name: d.EventName, Actor: d.UserIdentity.Arn, Error: d.ErrorCode, At: d.EventTime}
}

func noteOf(event []byte) Note {
	var ev struct{ Detail detail }
	_ = json.Unmarshal(event, &ev) // the trail's own
	return ev.Detail.note()
}
