package report

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Bus tells Ebb's bus of reports, where the channels of notify.yaml are told from:
// source "ebb", named [digest.Event], the detail a [digest.Digest]. put puts
// an event on it.
func Bus(put func(context.Context, remedy.Event) error) func(context.Context, Notice) error {
	return func(ctx context.Context, n Notice) error {
		d := n.Digest()
		detail, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("encode the digest of the %s report: %w", n.Name, err)
		}
		if err := put(ctx, remedy.Event{ID: d.ID, Source: "ebb", Name: digest.Event, Detail: detail}); err != nil {
			return fmt.Errorf("tell the bus of the %s report: %w", n.Name, err)
		}
		return nil
	}
}
