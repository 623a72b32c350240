package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

// SendFor bounds one attempt. A longer wait that a channel asks for is left to
// the next attempt.
const SendFor = 15 * time.Second

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// Options are what a sender needs of the world.
type Options struct {
	// Secret gives a secret by its name. Its error must not hold the value.
	Secret       func(ctx context.Context, name string) (string, error)
	SNS          Topics            // nil where there is no AWS
	Transport    http.RoundTripper // nil means the default
	SlackURL     string            // of the Web API; empty means Slack's own
	PagerDutyURL string            // of the Events API; empty means that of the channel's region
	Now          func() time.Time  // nil means [time.Now]
}

// Sender sends notices. It is safe for concurrent use.
type Sender struct {
	channels map[string]Channel
	opts     Options
	client   *http.Client
}

// NewSender makes a sender for the channels of a file. It makes no call.
func NewSender(c *Config, o Options) *Sender {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SlackURL == "" {
		o.SlackURL = "https://slack.com/api"
	}
	return &Sender{c.Channels, o, saas.NewClient(saas.Options{
		Product: "notify", Transport: o.Transport, Routes: []string{"/chat.postMessage", "/v2/enqueue"},
	})}
}

// Send sends a notice to a channel once. thread is the thread of an earlier
// notice about the same resource, or empty; next is what a later one is to be
// given, empty where the channel has no threads.
//
// An error that [remedy.IsPermanent] holds for is not worth another attempt;
// one that wraps a [*saas.RetryLater] is, at its time. No error holds a secret.
func (s *Sender) Send(ctx context.Context, channel string, n Notice, thread string) (next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, SendFor)
	defer cancel()
	switch ch := s.channels[channel]; {
	case ch.Slack != nil:
		next, err = s.slack(ctx, ch.Slack, n, thread)
	case ch.Teams != nil:
		err = s.teams(ctx, ch.Teams, n)
	case ch.SNS != nil:
		err = s.sns(ctx, ch.SNS, n)
	case ch.PagerDuty != nil:
		err = s.pagerDuty(ctx, ch.PagerDuty, n)
	case ch.Webhook != nil:
		err = s.webhook(ctx, ch.Webhook, n)
	default:
		err = remedy.Permanent(errors.New("the notify file has no such channel any more"))
	}
	if err != nil {
		return "", fmt.Errorf("notify %s: %w", channel, err)
	}
	return next, nil
}

// secret reads a secret that must be there.
func (s *Sender) secret(ctx context.Context, name string) (string, error) {
	if s.opts.Secret == nil {
		return "", fmt.Errorf("secret %s is not set", name)
	}
	v, err := s.opts.Secret(ctx, name)
	if err != nil {
		return "", err
	}
	if v = strings.TrimSpace(v); v == "" {
		return "", fmt.Errorf("secret %s is not set", name)
	}
	return v, nil
}

// post sends a body as JSON and gives the answer of a 2xx. What it tells of an
// error holds none of the secrets.
func (s *Sender) post(ctx context.Context, to string, body any, header http.Header, secrets ...string) ([]byte, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, remedy.Permanent(errors.New("the URL in the secret is not one of https"))
	}
	if u.User != nil || u.RawQuery != "" {
		secrets = append(secrets, u.RawQuery)
	}
	secrets = append(secrets, u.Path, u.EscapedPath(), u.RequestURI())
	b, err := json.Marshal(body)
	if err != nil {
		return nil, remedy.Permanent(fmt.Errorf("encode the message: %w", err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(b))
	if err != nil {
		return nil, remedy.Permanent(errors.New("the URL in the secret is not one that can be called"))
	}
	for k, v := range header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, scrub(err, secrets)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, scrub(fmt.Errorf("read the answer: %w", err), secrets)
	}
	if res.StatusCode/100 == 2 {
		return answer, nil
	}
	err = fmt.Errorf("%s answered %d", u.Hostname(), res.StatusCode)
	if res.StatusCode/100 == 4 && res.StatusCode != http.StatusRequestTimeout && res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusTooEarly {
		return nil, remedy.Permanent(fmt.Errorf("%w: it will not take this message: check the channel's secret and settings, then replay the dead letter", err))
	}
	return nil, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// scrub gives an error without the URL that was called. Which kind of error it
// was stays known.
func scrub(err error, secrets []string) error {
	if later, ok := errors.AsType[*saas.RetryLater](err); ok {
		return later
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	text := err.Error()
	for _, secret := range secrets {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "REDACTED")
		}
	}
	return errors.New(text)
}
