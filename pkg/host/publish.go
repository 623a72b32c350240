package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// MaxEntry is the most bytes that EventBridge takes as one entry, counted as
// it counts them: source, detail-type, detail, and 14 for the time.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const (
	MaxEntry  = 1 << 20
	timeBytes = 14
)

// throttling are EventBridge's codes for a caller that is too fast.
var throttling = []string{"ThrottlingException", "Throttling", "TooManyRequestsException"}

// Publisher gives a func that puts events on an EventBridge bus, each in one
// PutEvents call with its trace context beside and inside it: EventBridge
// itself drops the trace header of what it archives. The func returns nil only
// when the bus has taken the event; its error wraps [webhook.ErrBusy] while
// EventBridge throttles, and is [remedy.Permanent] for an event that no bus takes.
func Publisher(cfg aws.Config, busName string) func(context.Context, remedy.Event) error {
	client := eventbridge.NewFromConfig(cfg)
	return func(ctx context.Context, ev remedy.Event) error {
		in, err := entry(ctx, ev)
		if err != nil {
			return remedy.Permanent(err)
		}
		in.EventBusName = &busName
		out, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{in}})
		code := cloud.Code(err)
		if err == nil && out.FailedEntryCount > 0 {
			e := out.Entries[0]
			code = aws.ToString(e.ErrorCode)
			err = fmt.Errorf("%s: %s", code, aws.ToString(e.ErrorMessage))
		}
		if err != nil {
			err = fmt.Errorf("put event %s on bus %s: %w", ev.ID, busName, err)
		}
		for _, c := range throttling {
			if err != nil && c == code {
				return errors.Join(webhook.ErrBusy, err)
			}
		}
		return err
	}
}

// entry gives what is put on a bus for ev.
func entry(ctx context.Context, ev remedy.Event) (types.PutEventsRequestEntry, error) {
	e, err := bus.Encode(ev, trace.Inject(ctx))
	if err != nil {
		return types.PutEventsRequestEntry{}, err
	}
	if size := len(e.Source) + len(e.DetailType) + len(e.Detail) + timeBytes; size > MaxEntry {
		return types.PutEventsRequestEntry{}, fmt.Errorf("event %s is too large for a bus: its entry has %d bytes, EventBridge takes %d", ev.ID, size, MaxEntry)
	}
	in := types.PutEventsRequestEntry{
		Source:     &e.Source,
		DetailType: &e.DetailType,
		Detail:     aws.String(string(e.Detail)),
	}
	if !e.Time.IsZero() {
		in.Time = &e.Time
	}
	if e.TraceHeader != "" {
		in.TraceHeader = &e.TraceHeader
	}
	return in, nil
}

// results gives the engine's way to publish its records as events: source
// "ebb", named "remediation." and the outcome. The states before and after stay
// in the ledger: they can be larger than an event may be, and hold more than
// those who listen on the bus need to see.
func results(put func(context.Context, remedy.Event) error) func(context.Context, remedy.Record) error {
	return func(ctx context.Context, rec remedy.Record) error {
		rec.Before, rec.After = nil, nil
		detail, err := json.Marshal(rec)
		if err != nil {
			return fmt.Errorf("encode result %s: %w", rec.ID, err)
		}
		return put(ctx, remedy.Event{
			ID: rec.ID, Source: "ebb", Name: "remediation." + string(rec.Outcome), Account: rec.Resource.Account,
			Region: rec.Resource.Region, Actor: rec.Event.Actor, Time: rec.Times.Recorded, Detail: detail,
		})
	}
}
