// Package notifier is the function that tells people and other systems how
// remediations ended, and of reports: it takes Ebb's own events from a queue into
// the outbox, and sends what is due.
package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Result reads the record out of a result: an event of the source "ebb" whose name
// begins with "remediation.". The states before and after are not in it. What is no
// result is a [remedy.Permanent] error.
func Result(ev remedy.Event) (remedy.Record, error) {
	outcome, ok := strings.CutPrefix(ev.Name, "remediation.")
	if ev.Source != source || !ok {
		return remedy.Record{}, remedy.Permanent(fmt.Errorf("event %s (%s, %s) is no result of a remediation, and tells of no report", ev.ID, ev.Source, ev.Name))
	}
	var rec remedy.Record
	if err := json.Unmarshal(ev.Detail, &rec); err != nil {
		return remedy.Record{}, remedy.Permanent(fmt.Errorf("read result %s: %w", ev.ID, err))
	}
	if rec.ID == "" || rec.ID != ev.ID || string(rec.Outcome) != outcome {
		return remedy.Record{}, remedy.Permanent(fmt.Errorf("result %s holds another record: %q, %q", ev.ID, rec.ID, rec.Outcome))
	}
	return rec, nil
}

// source is that of Ebb's own events.
const source = "ebb"

// Collector gives the function over the outbox of a notify file.
func Collector(c *notify.Config, b *outbox.Outbox) host.Collector {
	return host.Collector{
		Take: func(ctx context.Context, d host.Delivery) error {
			m, err := bus.Decode(d.Payload)
			if err != nil {
				return err
			}
			if m.Event.Source == source && m.Event.Name == digest.Event {
				d, err := digest.Of(m.Event.Detail)
				if err != nil {
					return remedy.Permanent(err)
				}
				channels, n := c.Digest(d)
				return b.Message(ctx, channels, n)
			}
			rec, err := Result(m.Event)
			if err != nil {
				return err
			}
			if d.Received.IsZero() {
				return b.Put(ctx, rec)
			}
			// The queue gathers for as long as a window is: it is not to wait twice.
			return b.PutAt(ctx, rec, d.Received)
		},
		Step: b.Step,
	}
}

// Secrets are the members of one secret in Secrets Manager.
type Secrets struct {
	ID   string // the secret's ARN or name
	Read func(ctx context.Context, id string, refused bool) (map[string]string, error)
}

// Value gives a member. Its error holds no value.
func (s Secrets) Value(ctx context.Context, name string) (string, error) {
	members, err := s.Read(ctx, s.ID, false)
	if err != nil {
		return "", err
	}
	if members[name] == "" {
		return "", fmt.Errorf("secret %s has no member %s: notify.yaml names it: add it with aws secretsmanager put-secret-value", s.ID, name)
	}
	return members[name], nil
}

// Renewing gives send with a second chance: a channel that refuses for good may
// have refused a secret that was replaced meanwhile. Then the error is one that
// is tried again.
func (s Secrets) Renewing(send outbox.Send) outbox.Send {
	return func(ctx context.Context, channel string, n notify.Notice, thread string) (string, error) {
		used, _ := s.Read(ctx, s.ID, false)
		next, err := send(ctx, channel, n, thread)
		if !remedy.IsPermanent(err) {
			return next, err
		}
		if now, readErr := s.Read(ctx, s.ID, true); readErr == nil && !maps.Equal(used, now) {
			return "", errors.New(err.Error() + "; the secrets were replaced meanwhile: it is sent again with the new ones")
		}
		return "", err
	}
}
