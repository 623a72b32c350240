package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Slack's bounds, in characters.
// https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/methods/chat.postMessage
const (
	slackHeader = 150
	slackText   = 3000
)

// slackMessage is the body of chat.postMessage, and of an incoming webhook.
type slackMessage struct {
	Channel     string       `json:"channel,omitempty"`
	ThreadTS    string       `json:"thread_ts,omitempty"`
	Text        string       `json:"text"`
	Blocks      []slackBlock `json:"blocks"`
	Mrkdwn      bool         `json:"mrkdwn"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type string     `json:"type"`
	Text *slackPart `json:"text,omitempty"`
}

type slackPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

// literal is text of which Slack interprets nothing: what comes from events is
// nowhere else, so that it can mention nobody and link nowhere.
func literal(s string) *slackPart {
	return &slackPart{Type: "plain_text", Text: clipRunes(s, slackText), Emoji: new(bool)}
}

// slackBody gives a notice in Slack's form.
func slackBody(n Notice) slackMessage {
	out := slackMessage{Text: slackEscape(n.headline())}
	out.Blocks = append(out.Blocks, slackBlock{"header", &slackPart{Type: "plain_text", Text: clipRunes(n.headline(), slackHeader), Emoji: new(bool)}})
	if n.Digest != nil {
		out.Blocks = append(out.Blocks, slackDigest(n.Digest)...)
		return out
	}
	for _, i := range n.Items {
		// Only the words here are Slack's markup: the code's own, and a checked member id.
		head := ""
		if n.Total > 1 {
			head = fmt.Sprintf("*%s*: %s (%s severity)", verb(i.Outcome), slackEscape(i.Function), cmp.Or(string(i.Severity), "unknown"))
		}
		if i.Slack != "" {
			head = strings.TrimSpace(head + " <@" + i.Slack + ">, this is about a change of yours.")
		}
		if head != "" {
			out.Blocks = append(out.Blocks, slackBlock{"section", &slackPart{Type: "mrkdwn", Text: head, Verbatim: true}})
		}
		out.Blocks = append(out.Blocks, slackBlock{"section", literal(strings.Join(i.lines(), "\n"))})
	}
	if rest := n.rest(len(n.Items)); rest != "" {
		out.Blocks = append(out.Blocks, slackBlock{"section", literal(rest)})
	}
	return out
}

// slackDigest gives the blocks of a digest. Only the link is Slack's markup.
func slackDigest(d *digest.Digest) (out []slackBlock) {
	for _, p := range d.Parts {
		out = append(out, slackBlock{"section", literal(partBlock(p))})
	}
	if d.Link != "" {
		link := "<" + slackEscape(d.Link) + "|Read the report>. " + linkEnds(d)
		out = append(out, slackBlock{"section", &slackPart{Type: "mrkdwn", Text: link, Verbatim: true}})
	}
	return append(out, slackBlock{"section", literal(reportStays(d))})
}

// slackEscape keeps s from being markup.
// https://docs.slack.dev/messaging/formatting-message-text
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// clipRunes keeps line breaks, which clip does not.
func clipRunes(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// passing are Slack's errors that a later attempt may not meet.
var passing = []string{
	"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org",
}

var slackCode = regexp.MustCompile(`^[a-z_]{1,60}$`)

// slack posts a notice, as an answer in thread unless that is empty. It gives
// the thread that answers to this message go to.
func (s *Sender) slack(ctx context.Context, ch *Slack, n Notice, thread string) (string, error) {
	body := slackBody(n)
	if ch.Webhook != "" {
		url, err := s.secret(ctx, ch.Webhook)
		if err != nil {
			return "", err
		}
		_, err = s.post(ctx, url, body, nil, url)
		return "", err
	}
	token, err := s.secret(ctx, ch.Token)
	if err != nil {
		return "", err
	}
	body.Channel, body.ThreadTS = ch.Channel, thread
	answer, err := s.post(ctx, s.opts.SlackURL+"/chat.postMessage", body, http.Header{"Authorization": {"Bearer " + token}}, token)
	if err != nil {
		return "", err
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
		TS    string `json:"ts"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return "", fmt.Errorf("slack's answer is not what it documents")
	}
	switch {
	case said.OK:
		return cmp.Or(thread, said.TS), nil
	case !slackCode.MatchString(said.Error):
		return "", fmt.Errorf("slack refused the message")
	case slices.Contains(passing, said.Error):
		return "", fmt.Errorf("slack answered %s", said.Error)
	}
	return "", remedy.Permanent(fmt.Errorf("slack refused the message: %s: see the errors of chat.postMessage in Slack's documentation", said.Error))
}
