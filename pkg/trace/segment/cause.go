package segment

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	// maxExceptions is how many exceptions a document tells of.
	maxExceptions = 8
	// maxFrames is how many frames of a stack a document has, counted from where
	// the error arose.
	maxFrames = 50
	// maxMessage is how long an error's text may be, in characters.
	maxMessage = 4_000
)

// exceptionEvent is the event that RecordError adds:
// https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
const exceptionEvent = "exception"

// throttleCodes are the codes of APIs that refuse a call for its rate: those that
// the SDK retries as such
// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/aws/retry#pkg-variables) and
// the one of Ebb's own HTTP client.
var throttleCodes = []string{
	"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
	"ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
	"BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
	"EC2ThrottledException", "rate_limit",
}

// verdict gives X-Ray's three flags: a throttled call is a client's error too;
// what failed without being one is a fault.
func (f *facts) verdict(status sdk.Status) (clientError, throttle, fault bool) {
	failed := status.Code == codes.Error
	switch {
	case f.status == 429,
		failed && slices.Contains(throttleCodes, f.errorType),
		failed && f.throttles > 0 && f.throttles >= f.attempts:
		return true, true, false
	case f.status >= 400 && f.status < 500:
		return true, false, false
	case f.status >= 500 || failed:
		return false, false, true
	}
	return false, false, false
}

// appendCause appends why the span failed: the exceptions that were recorded,
// else what its status says.
func (d *document) appendCause(s sdk.ReadOnlySpan, f *facts, status sdk.Status) {
	d.b = append(appendKey(d.b, "cause"), `{"exceptions":[`...)
	remote, n := f.calls(), 0
	for _, e := range s.Events() {
		if e.Name != exceptionEvent {
			continue
		}
		if n == maxExceptions {
			d.shortened("cause")
			break
		}
		var kind, message, stack string
		for _, kv := range e.Attributes {
			switch kv.Key {
			case "exception.type":
				kind = kv.Value.AsString()
			case "exception.message":
				message = kv.Value.AsString()
			case "exception.stacktrace":
				stack = kv.Value.AsString()
			}
		}
		d.appendException(s, n, kind, message, stack, remote)
		n++
	}
	if n == 0 {
		d.appendException(s, n, f.errorType, status.Description, "", remote)
	}
	d.b = append(d.b, `]}`...)
}

func (d *document) appendException(s sdk.ReadOnlySpan, n int, kind, message, stack string, remote bool) {
	limit := maxMessage
	if d.cut >= shortMessages {
		limit = maxText
	}
	d.b = append(appendComma(d.b), '{')
	d.b = append(appendKey(d.b, "id"), '"')
	id := exceptionID(s.SpanContext().SpanID(), n)
	d.b = append(hex.AppendEncode(d.b, id[:]), '"')
	d.text("type", "cause", kind, maxText)
	d.text("message", "cause", message, limit)
	d.b = appendTrue(d.b, "remote", remote)
	d.appendStack(stack)
	d.b = append(d.b, '}')
}

// exceptionID gives the id of a span's nth exception, which no segment and no
// other exception of the trace has, as far as chance allows.
func exceptionID(span trace.SpanID, n int) (id trace.SpanID) {
	const golden = 0x9e3779b97f4a7c15
	binary.BigEndian.PutUint64(id[:], (binary.BigEndian.Uint64(span[:])+uint64(n)+1)*golden) // #nosec G115 -- n is small
	return id
}

// appendStack appends the frames of a stack as the Go runtime prints it: two
// lines each, a call and then the file with its line.
func (d *document) appendStack(stack string) {
	frames, label := 0, ""
	open := len(d.b)
	for line := range strings.Lines(stack) {
		line = strings.TrimRight(line, "\r\n")
		at, ok := strings.CutPrefix(line, "\t")
		if !ok {
			label = line
			continue
		}
		at, _, _ = strings.Cut(at, " ") // an offset follows
		colon := strings.LastIndexByte(at, ':')
		if colon < 0 || label == "" {
			continue
		}
		number, err := strconv.ParseUint(at[colon+1:], 10, 31)
		if err != nil {
			continue
		}
		if frames++; frames > maxFrames || d.cut >= noStacks {
			continue
		}
		if frames == 1 {
			d.b = append(appendKey(d.b, "stack"), '[')
		}
		d.b = append(appendComma(d.b), '{')
		d.text("path", "cause", at[:colon], maxText)
		d.b = appendInt(d.b, "line", int64(number)) // #nosec G115 -- of 31 bits
		d.text("label", "cause", function(label), maxText)
		d.b = append(d.b, '}')
		label = ""
	}
	if len(d.b) > open {
		d.b = append(d.b, ']')
		frames -= min(frames, maxFrames)
	}
	if frames > 0 {
		d.b = appendInt(d.b, "truncated", int64(frames))
	}
}

// function gives the name of the function in a line of a stack.
func function(line string) string {
	line = strings.TrimPrefix(line, "created by ")
	line, _, _ = strings.Cut(line, " in goroutine ")
	if i := strings.LastIndexByte(line, '('); i > 0 && strings.HasSuffix(line, ")") {
		line = line[:i]
	}
	return line
}
