package notify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// PagerDuty's bounds. https://developer.pagerduty.com/docs/events-api-v2-overview
const pagerSummary = 1024 // characters

// pagerEvent is an event of the Events API v2.
type pagerEvent struct {
	Key     string        `json:"routing_key"`
	Action  string        `json:"event_action"`
	Dedup   string        `json:"dedup_key"`
	Client  string        `json:"client,omitempty"`
	Payload *pagerPayload `json:"payload,omitempty"`
}

type pagerPayload struct {
	Summary   string `json:"summary"`
	Source    string `json:"source"`
	Severity  string `json:"severity"`
	Timestamp string `json:"timestamp,omitempty"`
	Component string `json:"component,omitempty"`
	Group     string `json:"group,omitempty"`
	Class     string `json:"class,omitempty"`
	Details   Item   `json:"custom_details"`
}

// pagerBody gives a notice, which has one item, as an event without its key.
func pagerBody(n Notice) pagerEvent {
	i := n.Items[0]
	ev := pagerEvent{Action: "trigger", Dedup: i.Key}
	if n.Resolve {
		ev.Action = "resolve"
		return ev
	}
	ev.Client = "Ebb"
	ev.Payload = &pagerPayload{
		Summary: clip(n.headline()+": "+i.where()+". "+i.Why, pagerSummary),
		Source:  i.where(), Severity: pagerSeverity(i.Severity), Component: i.Resource.Type, Group: i.Resource.Account, Class: i.Function, Details: i,
	}
	if !i.Recorded.IsZero() {
		ev.Payload.Timestamp = i.Recorded.UTC().Format(time.RFC3339)
	}
	return ev
}

func pagerSeverity(s remedy.Severity) string {
	switch s {
	case remedy.Critical:
		return "critical"
	case remedy.High:
		return "error"
	case remedy.Low:
		return "info"
	}
	return "warning"
}

func (s *Sender) pagerDuty(ctx context.Context, ch *PagerDuty, n Notice) error {
	if n.Digest != nil {
		return remedy.Permanent(errors.New("PagerDuty takes no digest of a report"))
	}
	if len(n.Items) != 1 {
		return remedy.Permanent(errors.New("a PagerDuty event is about one result"))
	}
	key, err := s.secret(ctx, ch.Key)
	if err != nil {
		return err
	}
	ev := pagerBody(n)
	ev.Key = key
	url := s.opts.PagerDutyURL
	if url == "" {
		url = "https://events.pagerduty.com"
		if ch.Region == "eu" {
			url = "https://events.eu.pagerduty.com"
		}
	}
	_, err = s.post(ctx, url+"/v2/enqueue", ev, http.Header{}, key)
	return err
}
