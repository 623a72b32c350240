package host

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestSelf(t *testing.T) {
	t.Parallel()
	self := Self(" arn:aws:iam::111122223333:role/ebb , ebb[bot],")
	tests := map[string]struct {
		actor remedy.Actor
		want  bool
	}{
		"a session of the role":           {remedy.Actor{ID: "arn:aws:sts::111122223333:assumed-role/ebb/lambda"}, true},
		"a session in another account":    {remedy.Actor{ID: "arn:aws:sts::444455556666:assumed-role/ebb/lambda"}, false},
		"a session of another role":       {remedy.Actor{ID: "arn:aws:sts::111122223333:assumed-role/ebb2/lambda"}, false},
		"the role itself":                 {remedy.Actor{ID: "arn:aws:iam::111122223333:role/ebb"}, true},
		"a federated user of that name":   {remedy.Actor{ID: "arn:aws:sts::111122223333:federated-user/ebb"}, false},
		"an App":                          {remedy.Actor{ID: "ebb[bot]", Type: "Bot"}, true},
		"any other bot":                   {remedy.Actor{ID: "dependabot[bot]", Type: "Bot"}, false},
		"known by its name only":          {remedy.Actor{Name: "ebb[bot]"}, true},
		"another, who took the name":      {remedy.Actor{ID: "mallory", Name: "ebb[bot]"}, false},
		"nobody":                          {remedy.Actor{}, false},
		"an identity that is only commas": {remedy.Actor{ID: ","}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := self(tt.actor); got != tt.want {
				t.Errorf("Self(%+v) = %t, want %t", tt.actor, got, tt.want)
			}
		})
	}
	if Self("")(remedy.Actor{}) {
		t.Error("without identities an actor without a name is Ebb")
	}
}

// lamp is a function that does nothing; it has a parameter.
var lamp = remedy.Function{Name: "lamp", Title: "t", Params: struct {
	Bright bool `json:"bright"`
}{}}

func TestLoadPolicy(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("shared with other functions", func(t *testing.T) {
		t.Parallel()
		p, err := loadPolicy(file("version: 1\nfunctions:\n  lamp: {mode: enforce}\n  other: {mode: enforce, params: {x: 1}}\n"), lamp)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Decide("lamp", remedy.Ref{}).Mode; got != remedy.Enforce {
			t.Errorf("mode = %s, want enforce", got)
		}
	})
	t.Run("none deployed", func(t *testing.T) {
		t.Parallel()
		p, err := loadPolicy("", lamp) // this package's folder has none
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Decide("lamp", remedy.Ref{}).Mode; got != remedy.Observe {
			t.Errorf("mode = %s, want observe", got)
		}
	})
	for name, tt := range map[string]struct{ path, want string }{
		"named, but missing": {filepath.Join(t.TempDir(), "gone.yaml"), SettingPolicy},
		"wrong":              {file("version: 1\nfunctions:\n  lamp: {mode: on}\n"), "policy.yaml:3:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := loadPolicy(tt.path, lamp); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestSettingsThatAreMissing(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	log := slog.New(slog.DiscardHandler)
	if _, err := open(t.Context(), lamp, none, &watch{log: log}); err == nil || !strings.Contains(err.Error(), SettingTable) {
		t.Errorf("a function without a table: %v, want an error that names %s", err, SettingTable)
	}
	if _, err := intake(t.Context(), none, log); err == nil || !strings.Contains(err.Error(), SettingBus) {
		t.Errorf("a receiver without a bus: %v, want an error that names %s", err, SettingBus)
	}
}

func TestBeforeClosing(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]time.Duration{
		time.Minute:     54 * time.Second,
		8 * time.Second: 6 * time.Second,
	} {
		now := time.Now()
		ctx, cancel := context.WithDeadline(t.Context(), now.Add(left))
		defer cancel()
		ctx, stop := beforeClosing(ctx)
		defer stop()
		deadline, _ := ctx.Deadline()
		if got := deadline.Sub(now); got < want || got > want+left/10 {
			t.Errorf("of %s there are %s to work in, want %s", left, got, want)
		}
	}
	ctx, stop := beforeClosing(t.Context())
	defer stop()
	if deadline, ok := ctx.Deadline(); ok {
		t.Errorf("a deadline came from nowhere: %s", deadline)
	}
}

func TestSQSBatch(t *testing.T) {
	t.Parallel()
	got, ok := sqsBatch(testdata(t, "sqs-event.json"))
	want := []sqsMessage{{
		MessageID: "MessageID_1", Body: "Message Body", EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": "2", "SentTimestamp": "1520621625029", "SenderId": "AROAIWPX5BD2BHG722MW4:sender", "ApproximateFirstReceiveTimestamp": "1520621634884"},
	}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("batch %t (-want +got):\n%s", ok, diff)
	}
	for _, payload := range []string{"", "[]", `{"source":"aws.ec2"}`, `{"Records":[]}`, `{"Records":[{"eventSource":"aws:s3"}]}`, `{"Records":7}`} {
		if _, ok := sqsBatch([]byte(payload)); ok {
			t.Errorf("%s counts as a batch", payload)
		}
	}
}
