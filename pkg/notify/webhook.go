package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// webhookBody is the payload, as Standard Webhooks advises it.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type webhookBody struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      any    `json:"data"` // a Notice, or a Digest
}

// The types of the payload.
const (
	webhookResults = "ebb.results"
	webhookReport  = "ebb.report"
)

func (s *Sender) webhook(ctx context.Context, ch *Webhook, n Notice) error {
	url, err := s.secret(ctx, ch.URL)
	if err != nil {
		return err
	}
	key, err := s.secret(ctx, ch.Secret)
	if err != nil {
		return err
	}
	signer, err := standardwebhooks.NewWebhook(key)
	if err != nil { // its own text may quote the key
		return remedy.Permanent(fmt.Errorf("secret %s is not a signing key: it must be whsec_ and base64", ch.Secret))
	}
	now := s.opts.Now()
	payload := webhookBody{webhookResults, n.Last.UTC().Format("2006-01-02T15:04:05.000Z"), n}
	if n.Digest != nil {
		payload.Type, payload.Data = webhookReport, n.Digest
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	signature, err := signer.Sign(n.ID, now, body)
	if err != nil {
		return remedy.Permanent(errors.New("the message can't be signed"))
	}
	_, err = s.post(ctx, url, json.RawMessage(body), http.Header{
		standardwebhooks.HeaderWebhookID:        {n.ID},
		standardwebhooks.HeaderWebhookTimestamp: {strconv.FormatInt(now.Unix(), 10)},
		standardwebhooks.HeaderWebhookSignature: {signature},
	}, url, key)
	return err
}
