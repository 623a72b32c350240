package bus

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// ScheduleSource is the source of the events that a schedule's Input holds,
// made by [Encode] when the schedule was: with the trace headers of its making.
const ScheduleSource = "ebb.schedule"

// Message is one decoded event.
type Message struct {
	Event remedy.Event
	// Carrier holds the trace headers that travelled with the event, to be
	// handed to an OpenTelemetry propagator. It is nil when there are none.
	Carrier map[string]string
	// Again says that the event is not what set this off: it comes out of an
	// archive, or from a schedule. Its trace is to be linked, not continued.
	Again bool
	// ErrorCode is CloudTrail's errorCode. When it is set the call failed, and
	// changed nothing.
	ErrorCode string
	// Payload is what the message was decoded from.
	Payload []byte
}

// envelope is what Ebb reads of EventBridge's envelope.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type envelope struct {
	payload                                 []byte
	id, source, detailType, account, region string
	time                                    time.Time
	detail                                  gjson.Result
	bare                                    bool // no envelope: a CloudTrail record stands alone
	replayed                                bool // EventBridge put the name of a replay of an archive into it
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
// changed afterwards. Where an object has two members of one name, the last one
// counts. Errors are [remedy.Permanent] and wrap one of this
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
	text, err := parse(payload, MaxDepth)
	if err != nil {
		return Message{}, err
	}
	if !text.IsObject() {
		return Message{}, wrongType("the event", text, "an object")
	}
	env, err := readEnvelope(payload, text)
	if err != nil {
		return Message{}, err
	}
	m, err := env.message(text)
	m.Again = err == nil && (env.replayed || env.source == ScheduleSource || env.detailType == "Scheduled Event")
	return m, err
}

func (env envelope) message(text gjson.Result) (Message, error) {
	switch {
	case env.bare:
		return env.cloudTrail(text)
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

func readEnvelope(payload []byte, text gjson.Result) (envelope, error) {
	env := envelope{payload: payload}
	var t typed
	var call bool
	t.object("the event", text, func(key string, v gjson.Result) {
		switch key {
		case "id":
			env.id = t.text(key, v)
		case "source":
			env.source = t.text(key, v)
		case "detail-type":
			env.detailType = t.text(key, v)
		case "account":
			env.account = t.text(key, v)
		case "region":
			env.region = t.text(key, v)
		case "time":
			env.time = t.when(key, v)
		case "detail":
			env.detail = v
		case "replay-name":
			env.replayed = true
		case "eventSource", "eventName":
			call = true
		}
	})
	env.bare = call && env.source == "" && env.detailType == "" && !env.detail.Exists()
	return env, t.err
}

// bytes gives a value of the payload as it stands there; nil when there is none.
func (env envelope) bytes(v gjson.Result) []byte {
	if !v.Exists() {
		return nil
	}
	end := v.Index + len(v.Raw)
	return env.payload[v.Index:end:end]
}

// cloudTrail gives the message of the CloudTrail record in detail.
func (env envelope) cloudTrail(detail gjson.Result) (Message, error) {
	if !detail.Exists() {
		return Message{}, fmt.Errorf("%w: no detail", ErrMissing)
	}
	if !detail.IsObject() {
		return Message{}, wrongType("detail", detail, "an object")
	}
	var t typed
	rec := readRecord(&t, detail)
	switch {
	case t.err != nil:
		return Message{}, t.err
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
		Detail:  env.bytes(detail),
	}
	if env.bare {
		ev.Detail = env.payload
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
		Detail:  env.bytes(env.detail),
	}}, nil
}
