package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Forge is a product that hosts repositories, as its webhooks word it. The
// payloads of such products are alike: Gitea's were made after GitHub's.
type Forge struct {
	Source    string   // of its events: "github"
	Headers   string   // what the names of its headers begin with: "X-GitHub-"
	MaxBody   int64    // the largest body that is read, in bytes
	Forms     bool     // whether a delivery may be a form, signed as such, with the payload in a field
	Ping      string   // the event that tries a new webhook; empty when there is none
	Lifecycle []string // the events about a repository itself, which are of the moment when it was last updated
}

// MaxDetail is the largest Detail in bytes. A bus entry may be 256 KB with its
// envelope; the rest is left to the envelope and the trace.
const MaxDetail = 200 << 10

// What the names of the headers end with.
const (
	delivery = "Delivery"
	event    = "Event"
)

// maxID is the longest delivery id in bytes; UUIDs have 36.
const maxID = 128

// ErrPing is returned for the event that tries a new webhook: it is well formed,
// and nothing has happened.
var ErrPing = errors.New("a ping tells of no change")

// payload is what all events of a forge share, as far as it is needed here.
//
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
// https://docs.gitea.com/usage/webhooks#event-information
type payload struct {
	Action     string `json:"action"`
	Repository struct {
		Owner     account   `json:"owner"`
		UpdatedAt timestamp `json:"updated_at"`
		PushedAt  timestamp `json:"pushed_at"`
	} `json:"repository"`
	Organization account `json:"organization"`
	Sender       account `json:"sender"`
}

type account struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// kept are the parts of a payload that is too large which stay in the Detail.
func kept() []string {
	return []string{"action", "repository", "organization", "enterprise", "installation", "sender", "changes"}
}

// Decode makes an event of a delivery whose signature was verified.
//
// Its Name is the event and its action ("repository.publicized"), or the event
// alone when it has no action ("public"). Its Time is when the repository was
// last changed where the event says so, else received. Its Detail is the payload
// untouched, unless that is larger than [MaxDetail]: then only the action,
// repository, organization, enterprise, installation, sender and changes are
// left of it.
//
// It returns [ErrPing] for a ping, and an [*Error] for what the forge
// doesn't send. The delivery's id and the event's name are not signed; so an
// event is a hint, and whoever handles it reads the live state.
func (f Forge) Decode(header http.Header, body []byte, received time.Time) (remedy.Event, error) {
	id, name := header.Get(f.Headers+delivery), header.Get(f.Headers+event)
	if !isWord(id) || len(id) > maxID {
		return remedy.Event{}, Refuse(BadRequest, "header %s holds no delivery id", f.Headers+delivery)
	}
	if !isWord(name) || len(name) > maxID {
		return remedy.Event{}, Refuse(BadRequest, "header %s holds no event name", f.Headers+event)
	}
	raw, err := f.document(header.Get("Content-Type"), body)
	if err != nil {
		return remedy.Event{}, err
	}
	p, ok := scan(raw)
	if !ok {
		if err := unmarshal(raw, &p); err != nil {
			return remedy.Event{}, err
		}
	}
	if f.Ping != "" && name == f.Ping {
		return remedy.Event{}, ErrPing
	}
	if raw, err = trimmed(raw); err != nil {
		return remedy.Event{}, err
	}
	ev := remedy.Event{
		ID: id, Source: f.Source, Name: name, Account: p.Organization.Login,
		Actor: remedy.Actor{Type: p.Sender.Type, ID: p.Sender.Login, Name: p.Sender.Login, Via: f.Source},
		Time:  f.changed(name, p, received), Received: received, Detail: raw,
	}
	if p.Action != "" {
		ev.Name += "." + p.Action
	}
	if ev.Account == "" {
		ev.Account = p.Repository.Owner.Login
	}
	return ev, nil
}

// document gives the JSON in a body of either of the two content types that a
// webhook can be set to. The signature covers the body before this.
func (f Forge) document(contentType string, body []byte) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, Refuse(BadMediaType, "header Content-Type is missing or malformed: set the webhook to application/json")
	}
	switch {
	case kind == "application/json":
		return body, nil
	case kind == "application/x-www-form-urlencoded" && f.Forms:
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form["payload"]) != 1 {
			return nil, Refuse(BadRequest, "the form holds no single field named payload")
		}
		return []byte(form.Get("payload")), nil
	}
	return nil, Refuse(BadMediaType, "content type %q: set the webhook to application/json", kind)
}

// maxOpen is how many objects and lists a payload may have to be scanned: the
// scanner does not bound the depth itself.
const maxOpen = 5_000

// scan reads the payload by a scanner that is several times as fast as
// encoding/json. It reports false where anything is unusual; then encoding/json
// decides, and says what is wrong.
func scan(raw []byte) (p payload, ok bool) {
	if bytes.Count(raw, []byte("{"))+bytes.Count(raw, []byte("[")) > maxOpen || !utf8.Valid(raw) || !gjson.ValidBytes(raw) {
		return payload{}, false
	}
	root := gjson.ParseBytes(raw)
	ok = root.IsObject()
	text := func(r gjson.Result) string {
		ok = ok && (!r.Exists() || r.Type == gjson.String)
		return r.Str
	}
	who := func(r gjson.Result) account {
		ok = ok && (!r.Exists() || r.IsObject())
		return account{Login: text(r.Get("login")), Type: text(r.Get("type"))}
	}
	root.ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "action":
			p.Action = text(value)
		case "organization":
			p.Organization = who(value)
		case "sender":
			p.Sender = who(value)
		case "repository":
			ok = ok && value.IsObject()
			value.ForEach(func(name, value gjson.Result) bool {
				switch name.Str {
				case "owner":
					p.Repository.Owner = who(value)
				case "updated_at":
					_ = p.Repository.UpdatedAt.UnmarshalJSON([]byte(value.Raw)) // it never fails
				case "pushed_at":
					_ = p.Repository.PushedAt.UnmarshalJSON([]byte(value.Raw))
				}
				return ok
			})
		}
		return ok
	})
	if !ok {
		return payload{}, false
	}
	return p, true
}

// unmarshal decodes one JSON object. encoding/json would replace bytes that are
// not UTF-8, and it bounds the depth itself.
func unmarshal(raw []byte, into any) error {
	if !utf8.Valid(raw) {
		return Refuse(BadRequest, "the payload is not UTF-8")
	}
	if !strings.HasPrefix(strings.TrimLeft(string(raw[:min(len(raw), 64)]), " \t\r\n"), "{") {
		return Refuse(BadRequest, "the payload is not a JSON object")
	}
	err := json.Unmarshal(raw, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Refuse(BadRequest, "field %s of the payload is a %s", wrong.Field, wrong.Value)
	}
	if broken, ok := errors.AsType[*json.SyntaxError](err); ok {
		return Refuse(BadRequest, "the payload is not JSON after byte %d: %s", broken.Offset, broken)
	}
	if err != nil {
		return Refuse(BadRequest, "decode the payload: %s", err)
	}
	return nil
}

// trimmed gives the payload, or what is kept of it when it is too large.
func trimmed(raw []byte) ([]byte, error) {
	if len(raw) <= MaxDetail {
		return raw, nil
	}
	var all map[string]json.RawMessage
	if err := unmarshal(raw, &all); err != nil {
		return nil, err
	}
	some := map[string]json.RawMessage{}
	for _, name := range kept() {
		if part, ok := all[name]; ok {
			some[name] = part
		}
	}
	out, err := json.Marshal(some)
	if err != nil {
		return nil, Refuse(BadRequest, "shorten the payload: %s", err)
	}
	if len(out) > MaxDetail {
		return nil, Refuse(TooLarge, "the payload's repository and changes alone have %d bytes, and at most %d are handled", len(out), MaxDetail)
	}
	return out, nil
}

// changed gives the moment of the change. A repository's times tell it only in
// events about the repository itself: a new member doesn't touch them.
func (f Forge) changed(name string, p payload, received time.Time) time.Time {
	var at time.Time
	switch {
	case slices.Contains(f.Lifecycle, name):
		at = p.Repository.UpdatedAt.Time
	case name == "push":
		at = p.Repository.PushedAt.Time
	}
	if at.IsZero() || at.After(received) {
		return received // also when the clocks disagree
	}
	return at.UTC()
}

// timestamp is RFC 3339 in most events, and in push events seconds since 1970.
// What it can't read is zero: a time is never worth an event.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(raw []byte) error {
	var seconds int64
	if json.Unmarshal(raw, &seconds) == nil && seconds > 0 {
		t.Time = time.Unix(seconds, 0)
		return nil
	}
	var at time.Time
	if json.Unmarshal(raw, &at) == nil {
		t.Time = at
	}
	return nil
}

// isWord reports whether s is fit for a log line and a key: not empty, visible
// ASCII only.
func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
