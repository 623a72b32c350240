package host

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/ebb-ops/ebb/pkg/trace"
)

// sqsMessage is the part of an SQS event that the host reads.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type sqsMessage struct {
	MessageID   string            `json:"messageId"`
	Body        string            `json:"body"`
	EventSource string            `json:"eventSource"`
	Attributes  map[string]string `json:"attributes"`
}

// batchResponse names the messages that must come again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type batchResponse struct {
	BatchItemFailures []batchFailure `json:"batchItemFailures"`
}

type batchFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

func sqsBatch(payload []byte) ([]sqsMessage, bool) {
	var in struct {
		Records []sqsMessage `json:"Records"`
	}
	if err := json.Unmarshal(payload, &in); err != nil || len(in.Records) == 0 {
		return nil, false
	}
	return in.Records, in.Records[0].EventSource == "aws:sqs"
}

// sent gives when the message was put into its queue; zero when it does not say.
func (m sqsMessage) sent() time.Time {
	ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (m sqsMessage) delivery() Delivery {
	d := Delivery{Payload: []byte(m.Body), Received: m.sent()}
	if header := m.Attributes["AWSTraceHeader"]; header != "" {
		d.Carrier = map[string]string{trace.XRayHeader: header}
	}
	return d
}

// batch delivers the messages one after the other. What there is no time left
// for fails, and comes again.
func (l letters) batch(ctx context.Context, msgs []sqsMessage, deliver func(context.Context, Delivery) error) batchResponse {
	out := batchResponse{BatchItemFailures: []batchFailure{}}
	for _, m := range msgs {
		if err := deliver(ctx, m.delivery()); err != nil {
			l.log.ErrorContext(ctx, "message will come again", "function", l.function, "message_id", m.MessageID, "error", err.Error())
			out.BatchItemFailures = append(out.BatchItemFailures, batchFailure{m.MessageID})
		}
	}
	return out
}
