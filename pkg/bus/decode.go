package bus

import (
	"fmt"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Message is one decoded event.
type Message struct {
	Event remedy.Event
	// Carrier holds the trace headers that travelled with the event, to be
	// handed to an OpenTelemetry propagator. It is nil when there are none.
	Carrier map[string]string
	// ErrorCode is CloudTrail's errorCode. When it is set the call failed, and
	// changed nothing.
	ErrorCode string
	// Payload is what the message was decoded from.
	Payload []byte
}

// envelope is what Ebb reads of EventBridge's envelope.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type envelope struct {
	id, source, detailType, account, region string
	time                                    time.Time
	detail                                  []byte
	bare                                    bool // no envelope: a CloudTrail record stands alone
}

// Decode reads one event. It takes
//   - an EventBridge event that carries a CloudTrail record: the event's ID,
//     Name, Region and Time are the record's;
//   - any other EventBridge event: its Name is the detail-type;
//   - an event that [Encode] made, which comes back as it was;
//   - a CloudTrail record without an envelope, as a trail's log files hold it.
//
// Account is where the resource lives: the envelope's account, which survives
// forwarding to another account's bus; else the account whose trail recorded
// the call; else the caller's. Some emulators give none of them.
//
// The event's Detail and the message's Payload alias payload, which must not be
// changed afterwards. Errors are [remedy.Permanent] and wrap one of this
// package's.
func Decode(payload []byte) (Message, error) {
	m, err := decode(payload)
	if err != nil {
		return Message{}, remedy.Permanent(fmt.Errorf("decode event: %w", err))
	}
	m.Payload = payload
	return m, nil
}

func decode(payload []byte) (Message, error) {
	if err := checkText(payload); err != nil {
		return Message{}, err
	}
	r := &reader{data: payload}
	if c := r.peek(); c != '{' && c != 0 {
		r.wrong("the event", "an object")
	}
	env := readEnvelope(r)
	r.end()
	switch {
	case r.err != nil:
		return Message{}, r.err
	case env.bare:
		return env.cloudTrail(payload)
	case env.source == "":
		return Message{}, fmt.Errorf("%w: no source", ErrMissing)
	case env.detailType == "":
		return Message{}, fmt.Errorf("%w: no detail-type", ErrMissing)
	case !strings.HasPrefix(env.source, "aws."):
		return env.product()
	}
	switch env.detailType {
	case "AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail", "AWS Service Event via CloudTrail":
		return env.cloudTrail(env.detail)
	}
	return env.plain()
}

func readEnvelope(r *reader) envelope {
	var env envelope
	var call bool
	r.object(func(key []byte) {
		switch string(key) {
		case "id":
			env.id = r.text("id")
		case "source":
			env.source = r.text("source")
		case "detail-type":
			env.detailType = r.text("detail-type")
		case "account":
			env.account = r.text("account")
		case "region":
			env.region = r.text("region")
		case "time":
			env.time = r.when("time")
		case "detail":
			env.detail = r.raw()
		case "eventSource", "eventName":
			call = true
			r.skip()
		default:
			r.skip()
		}
	})
	env.bare = call && env.source == "" && env.detailType == "" && env.detail == nil
	return env
}

// cloudTrail gives the message of the CloudTrail record in detail.
func (env envelope) cloudTrail(detail []byte) (Message, error) {
	r := &reader{data: detail}
	switch r.peek() {
	case 0:
		return Message{}, fmt.Errorf("%w: no detail", ErrMissing)
	case '{':
	default:
		r.wrong("detail", "an object")
	}
	rec := readRecord(r)
	switch {
	case r.err != nil:
		return Message{}, r.err
	case rec.name == "":
		return Message{}, fmt.Errorf("%w: no eventName", ErrMissing)
	case env.bare && rec.source == "":
		return Message{}, fmt.Errorf("%w: no source: the record has no eventSource", ErrMissing)
	case first(rec.id, env.id) == "":
		return Message{}, fmt.Errorf("%w: no id: neither eventID nor the envelope's id is there", ErrMissing)
	}
	ev := remedy.Event{
		ID:      first(rec.id, env.id),
		Source:  env.source,
		Name:    rec.name,
		Account: first(env.account, rec.recipient, rec.user.account),
		Region:  first(rec.region, env.region),
		Actor:   rec.actor(),
		Time:    rec.time,
		Detail:  detail,
	}
	if env.bare {
		ev.Source = eventBridgeSource(rec.source)
	}
	if ev.Time.IsZero() {
		ev.Time = env.time
	}
	return Message{Event: ev, ErrorCode: rec.errorCode}, nil
}

// plain gives the message of an event whose detail Ebb knows nothing about.
func (env envelope) plain() (Message, error) {
	if env.id == "" {
		return Message{}, fmt.Errorf("%w: no id", ErrMissing)
	}
	return Message{Event: remedy.Event{
		ID:      env.id,
		Source:  env.source,
		Name:    env.detailType,
		Account: env.account,
		Region:  env.region,
		Time:    env.time,
		Detail:  env.detail,
	}}, nil
}
