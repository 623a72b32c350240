package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Item is one result, as messages tell of it. Its texts are clipped, and free
// of control characters; nothing else in them is to be trusted.
type Item struct {
	Record   string          `json:"record"`
	Function string          `json:"function"`
	Outcome  remedy.Outcome  `json:"outcome"`
	Severity remedy.Severity `json:"severity,omitempty"`
	Resource remedy.Ref      `json:"resource"`
	Team     string          `json:"team,omitempty"`
	Actor    string          `json:"actor"`
	Slack    string          `json:"slack,omitempty"` // the actor's member id, where the file knows it
	Email    string          `json:"email,omitempty"` // the actor's address, likewise
	Event    string          `json:"event"`           // the event's name
	Changed  time.Time       `json:"changed,omitzero"`
	Recorded time.Time       `json:"recorded,omitzero"`
	Why      string          `json:"why"`    // which rule was broken, and how
	Reason   string          `json:"reason"` // what Ebb did about it
	Next     string          `json:"next"`   // what a person can do now
	Key      string          `json:"key"`    // the same for all results of a function and a resource
}

// Notice is one message for one channel, before it has a vendor's form.
type Notice struct {
	ID      string                 `json:"id"` // the same whenever it is sent again
	Items   []Item                 `json:"items"`
	Total   int                    `json:"total"`  // results, those that are only counted included
	Counts  map[remedy.Outcome]int `json:"counts"` // of all of them
	First   time.Time              `json:"first"`  // when the first came
	Last    time.Time              `json:"last"`   // when the last came
	Late    time.Duration          `json:"late,omitempty"`
	Thread  string                 `json:"thread,omitempty"`  // the resource that all of it is about
	Resolve bool                   `json:"resolve,omitempty"` // it ends what an earlier one began, for PagerDuty
	Sample  bool                   `json:"sample,omitempty"`  // it is a test
	Digest  *digest.Digest         `json:"digest,omitempty"`  // it is word of a report, and has no items
}

// Bounds of texts, in characters.
const (
	maxName = 300
	maxText = 700
	maxWhys = 3 // violations that are told one by one
)

// Resolves reports whether an outcome means that nothing is open any more.
func Resolves(o remedy.Outcome) bool { return o == remedy.Reverted || o == remedy.Exempt }

// Item gives a record in the words of messages.
func (c *Config) Item(rec remedy.Record) Item {
	who := c.person(rec.Event.Actor)
	key := sha256.Sum256([]byte(rec.Function + "\x00" + rec.Resource.Key()))
	ref := rec.Resource
	ref.ID, ref.Account, ref.Region, ref.Type = clip(ref.ID, maxName), clip(ref.Account, maxName), clip(ref.Region, maxName), clip(ref.Type, maxName)
	return Item{
		Record: rec.ID, Function: rec.Function, Outcome: rec.Outcome, Severity: rec.Severity, Resource: ref,
		Team: clip(rec.Tags[c.TeamTag], maxName), Actor: clip(rec.Event.Actor.String(), maxName), Slack: who.Slack, Email: who.Email,
		Event: clip(rec.Event.Name, maxName), Changed: rec.Times.Changed, Recorded: rec.Times.Recorded,
		Why: why(rec), Reason: clip(rec.Reason, maxText), Next: c.next(rec), Key: "ebb-" + hex.EncodeToString(key[:16]),
	}
}

// why says how the state broke the policy.
func why(rec remedy.Record) string {
	var out []string
	for i, v := range rec.Violations {
		if i == maxWhys {
			out = append(out, fmt.Sprintf("And %d more.", len(rec.Violations)-i))
			break
		}
		out = append(out, clip(v.Message, maxText/maxWhys))
	}
	return clip(strings.Join(out, " "), maxText)
}

// next says what a person can do now.
func (c *Config) next(rec remedy.Record) string {
	show := "ebb show " + rec.ID
	switch rec.Outcome {
	case remedy.Reverted:
		return clip(c.Exemption, maxText) + " To see the difference: " + show + ". To take it back: ebb undo " + rec.ID + " --reason WHY."
	case remedy.Held:
		return "Nothing was changed: decide whether this state may stay, and look at the calls that would mend it with " + show + ". " + clip(c.Exemption, maxText)
	case remedy.Failed:
		return "The state may still be bad: see the error and the calls with " + show + ", and put it right by hand."
	case remedy.Observed:
		return "Nothing was changed: the function only observes. The calls that it would make: " + show + ". " + clip(c.Exemption, maxText)
	}
	return "To see it: " + show + "."
}

// verb is what became of a resource, in two or three words.
func verb(o remedy.Outcome) string {
	switch o {
	case remedy.Reverted:
		return "Put back"
	case remedy.Held:
		return "Held by a cap"
	case remedy.Failed:
		return "Not put back"
	case remedy.Observed:
		return "Would be put back"
	case remedy.Exempt:
		return "Exempt"
	case remedy.Undone:
		return "Undone"
	}
	return "Ended"
}

// where names the resource and its place.
func (i Item) where() string {
	place := strings.Join(slices.DeleteFunc([]string{i.Resource.Account, i.Resource.Region}, func(s string) bool { return s == "" }), ", ")
	if place != "" {
		place = " (" + place + ")"
	}
	return cmp.Or(i.Resource.ID, "an unknown resource") + place
}

// lines gives the item in full, for plain text. All of it may hold what an
// attacker chose.
func (i Item) lines() []string {
	out := []string{i.where()}
	if i.Why != "" {
		out = append(out, "Why: "+i.Why)
	}
	who := "Changed by " + i.Actor + " with " + i.Event
	if !i.Changed.IsZero() {
		who += " at " + i.Changed.UTC().Format(time.RFC3339)
	}
	if i.Team != "" {
		who += ", team " + i.Team
	}
	return append(out, who+".", "What was done: "+i.Reason, "Next: "+i.Next)
}

// Gather gives the notice of some items, in the order in which they came at first and last.
func (c *Config) Gather(id string, items []Item, first, last, now time.Time) Notice {
	n := Notice{ID: id, Total: len(items), Counts: map[remedy.Outcome]int{}, First: first, Last: last, Thread: items[0].Resource.Key()}
	for _, i := range items {
		n.Counts[i.Outcome]++
		if i.Resource.Key() != n.Thread {
			n.Thread = ""
		}
	}
	// The most pressing are shown: what failed and is held before what is mended.
	shown := slices.Clone(items)
	slices.SortStableFunc(shown, func(a, b Item) int {
		return cmp.Or(cmp.Compare(rank(a.Outcome), rank(b.Outcome)), -cmp.Compare(slices.Index(Severities(), a.Severity), slices.Index(Severities(), b.Severity)))
	})
	n.Items = shown[:min(len(shown), c.Grouping.Show)]
	if late := now.Sub(first); late > c.Grouping.Window+time.Minute {
		n.Late = late.Round(time.Minute)
	}
	return n
}

func rank(o remedy.Outcome) int {
	return slices.Index([]remedy.Outcome{remedy.Failed, remedy.Held, remedy.Undone, remedy.Reverted, remedy.Observed, remedy.Exempt}, o)
}

// headline says in one line what the notice is about; it holds nothing that
// comes from an event.
func (n Notice) headline() string {
	if n.Digest != nil {
		return digestHeadline(n.Digest)
	}
	sample := ""
	if n.Sample {
		sample = "Test: "
	}
	if n.Total == 1 {
		i := n.Items[0]
		return fmt.Sprintf("%s%s: %s (%s severity)", sample, verb(i.Outcome), i.Function, cmp.Or(string(i.Severity), "unknown"))
	}
	var parts []string
	for _, o := range []remedy.Outcome{remedy.Failed, remedy.Held, remedy.Undone, remedy.Reverted, remedy.Observed, remedy.Exempt} {
		if c := n.Counts[o]; c > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c, strings.ToLower(verb(o))))
		}
	}
	return fmt.Sprintf("%s%d results: %s", sample, n.Total, strings.Join(parts, ", "))
}

// rest says what is not shown and what waited; empty when there is nothing to say.
func (n Notice) rest(shown int) string {
	var out []string
	if more := n.Total - shown; more > 0 {
		noun := "results are"
		if more == 1 {
			noun = "result is"
		}
		out = append(out, fmt.Sprintf("%d more %s not shown: ebb records lists them, from %s to %s.", more, noun,
			n.First.UTC().Format(time.RFC3339), n.Last.UTC().Format(time.RFC3339)))
	}
	if n.Late > 0 {
		out = append(out, fmt.Sprintf("The first of them waited %s, for quiet hours, the channel's limit, or the channel itself.", n.Late))
	}
	return strings.Join(out, " ")
}

// plain gives the whole notice as plain text.
func (n Notice) plain() string {
	if n.Digest != nil {
		return plainDigest(n.Digest)
	}
	out := []string{n.headline(), ""}
	for _, i := range n.Items {
		if n.Total > 1 {
			out = append(out, fmt.Sprintf("%s: %s (%s severity)", verb(i.Outcome), i.Function, cmp.Or(string(i.Severity), "unknown")))
		}
		out = append(append(out, i.lines()...), "")
	}
	if rest := n.rest(len(n.Items)); rest != "" {
		out = append(out, rest)
	}
	return strings.TrimSpace(strings.Join(out, "\n")) + "\n"
}

// clip gives s on one line, in at most max characters, without what a terminal
// or a mail reader would act on or hide.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.Is(unicode.C, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029':
			return -1 // controls, and the format characters that turn text around
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
