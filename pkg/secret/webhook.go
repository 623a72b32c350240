package secret

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// The members of a webhook's secret.
const (
	Current  = "current"  // what the product signs with; required
	Previous = "previous" // what it signed with before, while it is replaced; empty or missing afterwards
)

// Keys gives what a delivery may be signed with, from the members of a webhook's
// secret: the current key first.
func Keys(members map[string]string) ([]string, error) {
	if members[Current] == "" {
		return nil, fmt.Errorf(`the member %q is missing or empty: store {"%s": "…"}, the key that the webhook signs with`, Current, Current)
	}
	keys := []string{members[Current]}
	if old := members[Previous]; old != "" {
		keys = append(keys, old)
	}
	return keys, nil
}

// Webhook proves deliveries with the keys of a stored secret.
type Webhook struct {
	ID     string // the secret's ARN or name
	Read   func(ctx context.Context, id string, refused bool) (map[string]string, error)
	Scheme func(keys ...string) webhook.HMAC
}

// Verify reports whether a delivery is signed with one of the keys. A signature
// that none of them made has the secret read anew: it may have been replaced.
// The error is a [*webhook.Error] when it is the sender's; any other means that
// nothing could be verified.
func (w Webhook) Verify(ctx context.Context, header http.Header, body []byte) error {
	err := w.verify(ctx, header, body, false)
	if refused, ok := errors.AsType[*webhook.Error](err); ok && refused.Code == webhook.Mismatch {
		return w.verify(ctx, header, body, true)
	}
	return err
}

func (w Webhook) verify(ctx context.Context, header http.Header, body []byte, refused bool) error {
	members, err := w.Read(ctx, w.ID, refused)
	if err != nil {
		return fmt.Errorf("verify the delivery: %w", err)
	}
	keys, err := Keys(members)
	if err != nil {
		return fmt.Errorf("verify the delivery: secret %s: %w", w.ID, err)
	}
	return w.Scheme(keys...).Verify(header, body)
}

// Verifier gives the proof of deliveries that the settings ask for: with the keys
// of the stored secret whose ARN the setting name_ARN holds, or else with the key
// in the setting name and, while that is being replaced, the one before it in
// name_PREVIOUS. It makes no call. The error names the setting to mend.
func Verifier(ctx context.Context, env remedy.Env, name string, scheme func(keys ...string) webhook.HMAC) (func(context.Context, http.Header, []byte) error, error) {
	if id := env.Setting(name + "_ARN"); id != "" {
		store, err := Open(ctx, env)
		if err != nil {
			return nil, err
		}
		return Webhook{ID: id, Read: store.Read, Scheme: scheme}.Verify, nil
	}
	keys := []string{env.Setting(name)}
	if old := env.Setting(name + "_PREVIOUS"); old != "" {
		keys = append(keys, old)
	}
	proof := scheme(keys...)
	if err := proof.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w; or name the secret in %s_ARN", name, err, name)
	}
	return webhook.Signed(proof), nil
}
