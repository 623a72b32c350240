package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
)

// MaxCard is the size of a message that Teams takes, in bytes, with room for what
// the workflow adds to its 28 KB.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
const MaxCard = 27 << 10

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

// teamsCard is an Adaptive Card. https://adaptivecards.io/explorer/AdaptiveCard.html
type teamsCard struct {
	Schema  string         `json:"$schema"`
	Type    string         `json:"type"`
	Version string         `json:"version"`
	Body    []teamsElement `json:"body"`
	Actions []teamsAction  `json:"actions,omitempty"`
	MSTeams *teamsExtra    `json:"msteams,omitempty"`
}

type teamsElement struct {
	Type      string     `json:"type"`
	Text      string     `json:"text,omitempty"`
	Weight    string     `json:"weight,omitempty"`
	Size      string     `json:"size,omitempty"`
	Wrap      bool       `json:"wrap,omitempty"`
	Separator bool       `json:"separator,omitempty"`
	Inlines   []teamsRun `json:"inlines,omitempty"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

type teamsExtra struct {
	Entities []teamsMention `json:"entities"`
}

type teamsMention struct {
	Type      string `json:"type"`
	Text      string `json:"text"`
	Mentioned struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"mentioned"`
}

// teamsBody gives a notice as a workflow takes it, with as many items as fit, or
// as much of a digest.
func teamsBody(n Notice) (teamsMessage, error) {
	for {
		msg := teamsWith(n)
		b, err := json.Marshal(msg)
		switch {
		case err != nil || len(b) <= MaxCard:
			return msg, err
		case n.Digest != nil && len(n.Digest.Parts) > 1:
			n.Digest = less(n.Digest)
		case len(n.Items) > 1:
			n.Items = n.Items[:len(n.Items)-1]
		default:
			return msg, nil
		}
	}
}

// less gives the digest without its lists, or where it has none without the last part.
func less(d *digest.Digest) *digest.Digest {
	out, shorter := *d, false
	out.Parts = slices.Clone(d.Parts)
	for i := range out.Parts {
		shorter = shorter || len(out.Parts[i].Lines) > 0
		out.Parts[i].Lines = nil
	}
	if !shorter {
		out.Parts = out.Parts[:len(out.Parts)-1]
	}
	return &out
}

func teamsWith(n Notice) teamsMessage {
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Body: []teamsElement{{Type: "TextBlock", Text: n.headline(), Weight: "Bolder", Size: "Medium", Wrap: true}},
	}
	if n.Digest != nil {
		teamsDigest(&card, n.Digest)
	}
	mentioned := map[string]bool{}
	for _, i := range n.Items {
		// A TextBlock reads Markdown and mentions; a TextRun nothing, so what comes
		// from events is only in those.
		head := teamsElement{Type: "TextBlock", Wrap: true, Separator: true}
		if n.Total > 1 {
			head.Text = fmt.Sprintf("%s: %s (%s severity)", verb(i.Outcome), i.Function, cmp.Or(string(i.Severity), "unknown"))
		}
		if i.Email != "" {
			at := "<at>" + i.Email + "</at>"
			head.Text = strings.TrimSpace(head.Text + " " + at + ", this is about a change of yours.")
			if !mentioned[i.Email] {
				mentioned[i.Email] = true
				m := teamsMention{Type: "mention", Text: at}
				m.Mentioned.ID, m.Mentioned.Name = i.Email, i.Email
				if card.MSTeams == nil {
					card.MSTeams = &teamsExtra{}
				}
				card.MSTeams.Entities = append(card.MSTeams.Entities, m)
			}
		}
		if head.Text != "" {
			card.Body = append(card.Body, head)
		}
		for _, line := range i.lines() {
			card.Body = append(card.Body, teamsElement{Type: "RichTextBlock", Inlines: []teamsRun{{Type: "TextRun", Text: teamsLiteral(line)}}})
		}
	}
	if rest := n.rest(len(n.Items)); rest != "" {
		card.Body = append(card.Body, teamsElement{Type: "TextBlock", Text: rest, Wrap: true, Separator: true})
	}
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}}}
}

// teamsDigest puts a digest on a card: its texts as what Teams reads nothing in,
// its link as a button.
func teamsDigest(card *teamsCard, d *digest.Digest) {
	add := func(text, weight string, separator bool) {
		card.Body = append(card.Body, teamsElement{
			Type: "RichTextBlock", Separator: separator, Inlines: []teamsRun{{Type: "TextRun", Text: teamsLiteral(text), Weight: weight}},
		})
	}
	for _, p := range d.Parts {
		if p.Title != "" {
			add(p.Title, "Bolder", true)
		}
		for _, line := range partLines(p) {
			add(line, "", false)
		}
	}
	if d.Link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Read the report", d.Link}}
		add(linkEnds(d), "", true)
	}
	add(reportStays(d), "", d.Link == "")
}

// teamsLiteral keeps text from being a mention: Teams looks for its tag in the
// whole card.
func teamsLiteral(s string) string {
	out := []rune(s)
	for i, r := range out {
		switch r {
		case '<':
			out[i] = '‹'
		case '>':
			out[i] = '›'
		}
	}
	return string(out)
}

func (s *Sender) teams(ctx context.Context, ch *Teams, n Notice) error {
	url, err := s.secret(ctx, ch.Webhook)
	if err != nil {
		return err
	}
	body, err := teamsBody(n)
	if err != nil {
		return err
	}
	_, err = s.post(ctx, url, body, nil, url)
	return err
}
