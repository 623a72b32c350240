package bus

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// xrayHeader is the trace header that EventBridge knows.
const xrayHeader = "X-Amzn-Trace-Id"

// Entry is what a caller of EventBridge's PutEvents says of an event.
type Entry struct {
	Source      string // "github"
	DetailType  string // "repository.publicized"
	Detail      []byte // a JSON object
	Resources   []string
	Time        time.Time // when it happened; zero means now
	TraceHeader string    // X-Ray's; EventBridge does not deliver it
}

// head is the member "ebb" of an entry's detail: what the envelope can't hold.
type head struct {
	ID       string            `json:"id"`
	Account  string            `json:"account,omitempty"`
	Region   string            `json:"region,omitempty"`
	Actor    remedy.Actor      `json:"actor,omitzero"`
	Time     time.Time         `json:"time,omitzero"`
	Received time.Time         `json:"received,omitzero"`
	Carrier  map[string]string `json:"carrier,omitempty"` // EventBridge drops trace headers, and archives know none
}

// Encode puts a SaaS product's event into an entry, from which [Decode] gives
// it back as it was. carrier holds the trace headers to go with it.
//
// It is an error when ev has no ID, Source or Name, when the Source starts with
// "aws.", which is AWS's own, or when the Detail is not JSON.
func Encode(ev remedy.Event, carrier map[string]string) (Entry, error) {
	switch {
	case ev.ID == "" || ev.Source == "" || ev.Name == "":
		return Entry{}, fmt.Errorf("encode event: %w: id %q, source %q, name %q: none may be empty", ErrMissing, ev.ID, ev.Source, ev.Name)
	case strings.HasPrefix(ev.Source, "aws."):
		return Entry{}, fmt.Errorf("encode event: source %q: only AWS's own events start with \"aws.\"", ev.Source)
	}
	words := []string{ev.ID, ev.Source, ev.Name, ev.Account, ev.Region,
		ev.Actor.Type, ev.Actor.ID, ev.Actor.Name, ev.Actor.Session, ev.Actor.Via, ev.Actor.IP}
	for k, v := range carrier {
		words = append(words, k, v)
	}
	for _, w := range words {
		if !utf8.ValidString(w) {
			return Entry{}, fmt.Errorf("encode event %q: %w: %q", ev.ID, ErrNotUTF8, w)
		}
	}
	h, err := json.Marshal(head{ev.ID, ev.Account, ev.Region, ev.Actor, ev.Time.UTC(), ev.Received.UTC(), carrier})
	if err != nil {
		return Entry{}, fmt.Errorf("encode event %s: %w", ev.ID, err)
	}
	detail := make([]byte, 0, len(`{"ebb":,"payload":}`)+len(h)+len(ev.Detail))
	detail = append(detail, `{"ebb":`...)
	detail = append(detail, h...)
	if len(ev.Detail) > 0 {
		detail = append(detail, `,"payload":`...)
		detail = append(detail, ev.Detail...) // as it is: json.Marshal would rewrite it
	}
	detail = append(detail, '}')
	e := Entry{Source: ev.Source, DetailType: ev.Name, Detail: detail, Time: ev.Time}
	for k, v := range carrier {
		if strings.EqualFold(k, xrayHeader) {
			e.TraceHeader = v
		}
	}
	if err := checkObject(detail); err != nil {
		return Entry{}, fmt.Errorf("encode event %s: detail: %w", ev.ID, err)
	}
	return e, nil
}

// Envelope gives the entry as EventBridge would deliver it: under the given id,
// account and region, which may be empty, with now for an entry without a time.
// The result is one that [Decode] takes, or an error.
func (e Entry) Envelope(id, account, region string, now time.Time) ([]byte, error) {
	if err := checkObject(e.Detail); err != nil {
		return nil, fmt.Errorf("detail: %w", err)
	}
	at := e.Time
	if at.IsZero() {
		at = now
	}
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	out, err := json.Marshal(struct {
		Version    string    `json:"version"`
		ID         string    `json:"id"`
		DetailType string    `json:"detail-type"`
		Source     string    `json:"source"`
		Account    string    `json:"account"`
		Time       time.Time `json:"time"`
		Region     string    `json:"region"`
		Resources  []string  `json:"resources"`
	}{"0", id, e.DetailType, e.Source, account, at.UTC().Truncate(time.Second), region, resources})
	if err != nil {
		return nil, fmt.Errorf("write envelope: %w", err)
	}
	out = append(out[:len(out)-1], `,"detail":`...)
	out = append(out, e.Detail...)
	out = append(out, '}')
	if err := checkText(out); err != nil {
		return nil, err
	}
	return out, nil
}

// checkObject wants one JSON object that is shallow enough to go into an envelope.
func checkObject(detail []byte) error {
	v, err := parse(detail, MaxDepth-1)
	if err == nil && !v.IsObject() {
		err = wrongType("it", v, "an object")
	}
	return err
}

// product gives the message of an event from outside AWS: Ebb's own when it has
// the member "ebb", else whatever its sender called it.
func (env envelope) product() (Message, error) {
	if !env.detail.IsObject() {
		return env.plain()
	}
	var ebb, payload gjson.Result
	env.detail.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "ebb":
			ebb = v
		case "payload":
			payload = v
		}
		return true
	})
	if !ebb.Exists() {
		return env.plain()
	}
	var h head
	if err := json.Unmarshal(env.bytes(ebb), &h); err != nil {
		return Message{}, fmt.Errorf("%w: detail.ebb: %w", ErrWrongType, err)
	}
	if h.ID == "" {
		return Message{}, fmt.Errorf("%w: no id in detail.ebb", ErrMissing)
	}
	return Message{Carrier: h.Carrier, Event: remedy.Event{
		ID:       h.ID,
		Source:   env.source,
		Name:     env.detailType,
		Account:  h.Account,
		Region:   h.Region,
		Actor:    h.Actor,
		Time:     h.Time.UTC(),
		Received: h.Received.UTC(),
		Detail:   env.bytes(payload),
	}}, nil
}
