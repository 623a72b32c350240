// Package putevents answers EventBridge's PutEvents, so that what publishes to
// an AWS event bus can publish to one local process instead.
//
// It speaks the protocol of the AWS CLI and SDKs for EventBridge, JSON 1.1 over
// HTTP: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html. The
// answers follow
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html,
// with three differences: there is one bus, whatever it is called; sources that
// start with "aws." are taken, because nobody else plays AWS here; and an entry
// whose detail is nested deeper than [bus.MaxDepth] is malformed.
//
// Signatures are not verified: the server around it decides who may call.
package putevents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/ebb-ops/ebb/pkg/bus"
)

// Limits of a request. The first two are EventBridge's own:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const (
	MaxEntries = 10      // entries in a request
	MaxSize    = 1 << 20 // bytes of all entries together, as EventBridge counts them
	MaxBody    = 8 << 20 // bytes of the HTTP body, in which a detail may be escaped to a multiple of its size
)

// target is the value of X-Amz-Target for the one operation there is.
const target = "AWSEvents.PutEvents"

// Event is one accepted entry.
type Event struct {
	ID      string            // the EventId in the answer, and the envelope's id
	Payload []byte            // the EventBridge envelope; [bus.Decode] takes it
	Carrier map[string]string // trace headers, from the entry and the request
}

// Handler serves PutEvents. It answers POST requests with the operation's name
// in X-Amz-Target, whatever their path.
type Handler struct {
	// Accept takes the valid entries of one request, all or none, and returns
	// nil when they are safe. After an error the caller is told to try again: when
	// it says so with a method RetryAfter() time.Duration, as being too busy.
	Accept  func(context.Context, []Event) error
	Account string           // the envelopes' account
	Region  string           // the envelopes' region, where the caller's signature names none
	Now     func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil means slog.Default
}

type request struct {
	Entries []entry
}

type entry struct {
	Source, DetailType, Detail *string
	Resources                  []string
	Time                       *json.Number // seconds since 1970
	TraceHeader                *string
	EventBusName               *string
}

type answer struct {
	FailedEntryCount int
	Entries          []result
}

type result struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// fault is an answer that is about the request as a whole.
type fault struct {
	status  int
	code    string
	message string
	after   time.Duration
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	out, f := h.putEvents(w, r)
	status := http.StatusOK
	var body any = out
	if f != nil {
		status = f.status
		body = map[string]string{"__type": f.code, "message": f.message}
		if f.after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((f.after+time.Second-1)/time.Second)))
		}
	}
	data, err := json.Marshal(body)
	if err != nil { // neither of the two can't be written
		data, status = nil, http.StatusInternalServerError
	}
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		h.log().Debug("put events: answer", slog.Any("error", err)) // the caller is gone
	}
}

func (h *Handler) putEvents(w http.ResponseWriter, r *http.Request) (answer, *fault) {
	if r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != target {
		return answer{}, &fault{status: http.StatusBadRequest, code: "UnknownOperationException",
			message: "only POST with X-Amz-Target: " + target + " is served here"}
	}
	req, f := read(w, r)
	if f != nil {
		return answer{}, f
	}
	if n := len(req.Entries); n == 0 || n > MaxEntries {
		return answer{}, invalid("entries has %d members: it must have 1 to %d", n, MaxEntries)
	}
	size := 0
	for _, e := range req.Entries {
		size += e.size()
	}
	if size >= MaxSize {
		return answer{}, invalid("the entries have %d bytes together: they must have less than %d", size, MaxSize)
	}
	out := answer{Entries: make([]result, len(req.Entries))}
	var events []Event
	for i, e := range req.Entries {
		ev, refused, f := h.event(e, r)
		if f != nil {
			return answer{}, f
		}
		if refused.ErrorCode != "" {
			out.FailedEntryCount++
			out.Entries[i] = refused
			continue
		}
		out.Entries[i].EventID = ev.ID
		events = append(events, ev)
	}
	if len(events) == 0 {
		return out, nil
	}
	if err := h.Accept(r.Context(), events); err != nil {
		return answer{}, h.refused(err)
	}
	return out, nil
}

// read takes the request's body apart.
func read(w http.ResponseWriter, r *http.Request) (request, *fault) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return request{}, &fault{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLargeException",
			message: fmt.Sprintf("the body has more than %d bytes", MaxBody)}
	case err != nil:
		return request{}, &fault{status: http.StatusBadRequest, code: "SerializationException", message: "the body could not be read"}
	}
	if !utf8.Valid(body) {
		return request{}, &fault{status: http.StatusBadRequest, code: "SerializationException", message: "the body is not UTF-8"}
	}
	var req request
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&req); err != nil {
		return request{}, &fault{status: http.StatusBadRequest, code: "SerializationException", message: "the body is not as it should be: " + err.Error()}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return request{}, &fault{status: http.StatusBadRequest, code: "SerializationException", message: "there is something after the request"}
	}
	return req, nil
}

// size counts an entry as EventBridge does.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
func (e entry) size() int {
	n := len(value(e.Source)) + len(value(e.DetailType)) + len(value(e.Detail))
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// event makes an event of an entry, or says what is wrong with it: refused for
// the entry alone, a fault for the whole request.
func (h *Handler) event(e entry, r *http.Request) (ev Event, refused result, f *fault) {
	for _, arg := range []struct {
		name  string
		value *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if value(arg.value) == "" {
			return Event{}, result{ErrorCode: "InvalidArgument",
				ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %[1]s is a required argument.", arg.name)}, nil
		}
	}
	at, err := when(e.Time)
	if err != nil {
		return Event{}, result{}, &fault{status: http.StatusBadRequest, code: "SerializationException", message: err.Error()}
	}
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	ev = Event{ID: uuid.NewString(), Carrier: carrier(e, r)}
	ev.Payload, err = bus.Entry{
		Source:     *e.Source,
		DetailType: *e.DetailType,
		Detail:     []byte(*e.Detail),
		Resources:  e.Resources,
		Time:       at,
	}.Envelope(ev.ID, h.Account, h.region(r), now())
	if err != nil {
		return Event{}, result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed: " + err.Error()}, nil
	}
	return ev, result{}, nil
}

// maxSeconds is the end of the year 9999, past which an envelope has no time.
const maxSeconds = 253402300799

func when(seconds *json.Number) (time.Time, error) {
	if seconds == nil {
		return time.Time{}, nil
	}
	s, err := strconv.ParseFloat(seconds.String(), 64)
	if err != nil || s < 0 || s > maxSeconds {
		return time.Time{}, fmt.Errorf("parameter Time is %.40s: it must be seconds since 1970", seconds.String())
	}
	return time.UnixMilli(int64(s * 1000)).UTC(), nil
}

// xrayHeader is X-Ray's trace header. W3C's are traceparent and tracestate.
const xrayHeader = "X-Amzn-Trace-Id"

// carrier gives the trace headers: the entry's own before the request's.
func carrier(e entry, r *http.Request) map[string]string {
	if v := value(e.TraceHeader); v != "" {
		return map[string]string{xrayHeader: v}
	}
	var out map[string]string
	for _, name := range []string{"traceparent", "tracestate", xrayHeader} {
		if v := r.Header.Get(name); v != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = v
		}
	}
	return out
}

// region gives the region that the caller signed for: the third part of
// Credential=AKIAEXAMPLE/20260102/eu-west-1/events/aws4_request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
func (h *Handler) region(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	if parts := strings.Split(scope, "/"); len(parts) == 5 && parts[2] != "" && parts[3] == "events" {
		return parts[2]
	}
	return h.Region
}

// refused makes a fault of Accept's error, one that SDKs retry. What went wrong
// inside is logged, not told.
func (h *Handler) refused(err error) *fault {
	var busy interface{ RetryAfter() time.Duration }
	if errors.As(err, &busy) {
		return &fault{status: http.StatusServiceUnavailable, code: "ThrottlingException", message: err.Error(), after: busy.RetryAfter()}
	}
	h.log().Error("put events: accept", slog.Any("error", err))
	return &fault{status: http.StatusInternalServerError, code: "InternalException", message: "the events could not be stored; try again"}
}

func invalid(format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

func (h *Handler) log() *slog.Logger {
	if h.Log != nil {
		return h.Log
	}
	return slog.Default()
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
