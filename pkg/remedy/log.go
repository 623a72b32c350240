package remedy

import (
	"errors"
	"log/slog"
	"strings"
	"time"
)

// LogAttrs gives what the log line of a decision says of the record. Left out
// is what is empty or not known. Saved queries build on the names.
func (r Record) LogAttrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 32)
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	number := func(key string, n int) {
		if n != 0 {
			attrs = append(attrs, slog.Int(key, n))
		}
	}
	took := func(key string, from, to time.Time) {
		if !from.IsZero() && !to.IsZero() {
			attrs = append(attrs, slog.Int64(key, max(0, to.Sub(from).Milliseconds())))
		}
	}
	text("function", r.Function)
	text("outcome", string(r.Outcome))
	text("reason", r.Reason)
	text("record", r.ID)
	text("event_id", r.Event.ID)
	text("event_source", r.Event.Source)
	text("event_name", r.Event.Name)
	text("account", r.Event.Account)
	text("region", r.Resource.Region)
	if r.Event.Actor != (Actor{}) {
		text("actor", r.Event.Actor.String())
	}
	text("resource", r.Resource.ID)
	text("resource_type", r.Resource.Type)
	text("mode", string(r.Mode))
	text("severity", string(r.Severity))
	rules := make([]string, 0, len(r.Violations))
	for _, v := range r.Violations {
		rules = append(rules, v.Rule)
	}
	text("rules", strings.Join(rules, " "))
	number("calls", len(r.Changes))
	number("attempt", r.Attempt)
	if r.Cap != nil {
		text("cap", r.Cap.Kind)
		number("cap_count", r.Cap.Count)
		number("cap_limit", r.Cap.Limit)
	}
	if r.Exemption != nil {
		text("exemption", r.Exemption.ID)
	}
	text("undoes", r.Undoes)
	took("bad_for_ms", r.Times.Changed, r.Times.Fixed)
	took("delivery_ms", r.Times.Changed, r.Times.Received)
	took("queue_ms", r.Times.Received, r.Times.Began)
	took("decide_ms", r.Times.Began, r.Times.Decided)
	took("fix_ms", r.Times.Decided, r.Times.Fixed)
	took("verify_ms", r.Times.Fixed, r.Times.Verified)
	text("trace_id", r.TraceID)
	return attrs
}

// ErrorAttrs gives what a log line says of an error: its text, and the remote
// call that it comes from where the client's error names it, as the AWS SDK's do.
// ErrorAttrs of nil is nil.
func ErrorAttrs(err error) []slog.Attr {
	if err == nil {
		return nil
	}
	attrs := []slog.Attr{slog.String("error", err.Error())}
	if call, ok := errors.AsType[interface {
		error
		Service() string
		Operation() string
	}](err); ok {
		attrs = append(attrs, slog.String("remote_service", call.Service()), slog.String("remote_operation", call.Operation()))
	}
	if answer, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok {
		attrs = append(attrs, slog.String("error_code", answer.ErrorCode()))
	}
	return attrs
}
