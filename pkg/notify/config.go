// Package notify tells people and other systems how remediations ended: which
// results go to which channel, in which words, and in each vendor's own form.
//
// It decides and sends; package outbox keeps what is to be sent.
package notify

import (
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// What holds where the file says nothing.
const (
	DefaultWindow   = 30 * time.Second // how long a burst is gathered
	DefaultShow     = 5                // results that one message shows in full
	DefaultMessages = 20               // messages of one channel in DefaultPer
	DefaultPer      = 10 * time.Minute
	DefaultTeamTag  = "team"
	// DefaultExemption says how to get an exemption.
	DefaultExemption = "To keep such a state, ask for an exemption in the policy file, with an owner, a reason and an expiry."
)

// The bounds of a file.
const (
	MaxSize   = 256 << 10      // bytes
	MaxWindow = time.Hour      // of a group
	MaxShow   = 20             // results shown in full: Slack takes 50 blocks
	MaxPer    = 24 * time.Hour // of a rate limit
	Version   = 1              // of the format
)

// Config is a notify.yaml that has been read and checked. It must not be changed.
type Config struct {
	Version   int                `json:"version" jsonschema:"the version of the file format"`
	Channels  map[string]Channel `json:"channels" jsonschema:"where messages go, by a name of your own"`
	Routes    []Route            `json:"routes" jsonschema:"which results go where. All routes that match apply; a channel gets a result once"`
	Digests   []DigestRoute      `json:"digests,omitempty" jsonschema:"which channels are told of the scheduled reports"`
	Grouping  Grouping           `json:"grouping,omitzero" jsonschema:"how a burst becomes one message"`
	Quiet     []Quiet            `json:"quiet_hours,omitempty" jsonschema:"when results wait; at the end they go out in one message"`
	People    []Person           `json:"people,omitempty" jsonschema:"who is mentioned when a change of theirs was put back. The first match counts"`
	TeamTag   string             `json:"team_tag,omitempty" jsonschema:"the key of the tag that names a resource's team. Where nothing is said: team"`
	Exemption string             `json:"exemption,omitempty" jsonschema:"a sentence that says how to get an exemption"`
}

// Channel is one place that messages go to. Exactly one of the first five is set.
type Channel struct {
	Slack     *Slack     `json:"slack,omitempty" jsonschema:"a Slack channel"`
	Teams     *Teams     `json:"teams,omitempty" jsonschema:"a Microsoft Teams channel or chat"`
	SNS       *SNS       `json:"sns,omitempty" jsonschema:"an SNS topic, for e-mail and all else that subscribes"`
	PagerDuty *PagerDuty `json:"pagerduty,omitempty" jsonschema:"a PagerDuty service. A failed or held result triggers an incident, a later revert of the resource resolves it"`
	Webhook   *Webhook   `json:"webhook,omitempty" jsonschema:"any HTTP endpoint, signed as Standard Webhooks says"`
	Limit     Limit      `json:"limit,omitzero" jsonschema:"how many messages the channel gets. What is over it is told in the next message"`
}

// Slack is a bot in a channel, which threads by resource, or an incoming webhook, which can't.
type Slack struct {
	Channel string `json:"channel,omitempty" jsonschema:"the id of the channel, such as C0123ABCDEF"`
	Token   string `json:"token,omitempty" jsonschema:"the NAME of the secret that holds the bot's token, which needs chat:write"`
	Webhook string `json:"webhook,omitempty" jsonschema:"instead of channel and token: the NAME of the secret that holds the URL of an incoming webhook"`
}

// Teams is a workflow that posts to a channel or chat when a webhook request is received.
type Teams struct {
	Webhook string `json:"webhook" jsonschema:"the NAME of the secret that holds the URL of the workflow"`
}

// SNS is a topic.
type SNS struct {
	Topic string `json:"topic" jsonschema:"the ARN of a standard topic"`
}

// PagerDuty is an integration of a service by the Events API v2.
type PagerDuty struct {
	Key    string `json:"routing_key" jsonschema:"the NAME of the secret that holds the integration's key"`
	Region string `json:"region,omitempty" jsonschema:"us or eu. Where nothing is said: us"`
}

// Webhook is an HTTP endpoint.
type Webhook struct {
	URL    string `json:"url" jsonschema:"the NAME of the secret that holds the URL"`
	Secret string `json:"secret" jsonschema:"the NAME of the secret that holds the signing key, whsec_ and base64"`
}

// Limit is how many messages a channel gets in a sliding window.
type Limit struct {
	Messages int           `json:"messages,omitempty" jsonschema:"how many messages. Where nothing is said: 20"`
	Per      time.Duration `json:"per,omitempty" jsonschema:"in which time. Where nothing is said: 10m"`
}

// Route says which results go to some channels. What is not given does not narrow.
type Route struct {
	Channels  []string         `json:"channels" jsonschema:"the names of channels"`
	Outcomes  []remedy.Outcome `json:"outcomes,omitempty" jsonschema:"which outcomes. Where nothing is said: reverted, held and failed"`
	Functions []string         `json:"functions,omitempty" jsonschema:"patterns of functions' names: * stands for any characters, ? for one"`
	Accounts  []string         `json:"accounts,omitempty" jsonschema:"patterns of accounts"`
	Teams     []string         `json:"teams,omitempty" jsonschema:"patterns of what the resource's team tag says"`
	Severity  remedy.Severity  `json:"severity,omitempty" jsonschema:"the least severity: low, medium, high or critical"`
}

// DigestRoute says which channels are told of which scheduled reports.
type DigestRoute struct {
	Channels []string `json:"channels" jsonschema:"the names of channels; PagerDuty takes no digest"`
	Reports  []string `json:"reports,omitempty" jsonschema:"the names of the reports, daily or weekly. Where nothing is said: all"`
}

// Grouping is how results become one message.
type Grouping struct {
	Window time.Duration `json:"window,omitempty" jsonschema:"how long to wait for more after a first result. Where nothing is said: 30s"`
	Show   int           `json:"show,omitempty" jsonschema:"how many results are shown in full; the rest are counted. Where nothing is said: 5"`
}

// Quiet is a time of the day in which results wait.
type Quiet struct {
	From     string          `json:"from" jsonschema:"the first minute, such as 22:00"`
	To       string          `json:"to" jsonschema:"the first minute after it, such as 07:00; earlier than from where it is of the next day"`
	Timezone string          `json:"timezone" jsonschema:"a name of the IANA time zone database, such as Europe/Berlin"`
	Channels []string        `json:"channels,omitempty" jsonschema:"the channels for which it holds. Where nothing is said: all"`
	Except   remedy.Severity `json:"except,omitempty" jsonschema:"results of this severity or a higher one go out at once"`

	from, to int // minutes of the day
	zone     *time.Location
}

// Person says who an actor is.
type Person struct {
	Actor string `json:"actor" jsonschema:"a pattern of the actor's id or name. * stands for any characters"`
	Slack string `json:"slack,omitempty" jsonschema:"the person's member id in Slack, such as U0123ABCDEF"`
	Email string `json:"email,omitempty" jsonschema:"the person's user principal name in Teams, which is an e-mail address"`
}

// Outcomes are those that a route may name: what the ledger keeps, once it has ended.
func Outcomes() []remedy.Outcome {
	return []remedy.Outcome{remedy.Observed, remedy.Reverted, remedy.Held, remedy.Exempt, remedy.Failed, remedy.Undone}
}

// Severities are all severities, from the least to the most pressing.
func Severities() []remedy.Severity {
	return []remedy.Severity{remedy.Low, remedy.Medium, remedy.High, remedy.Critical}
}

// atLeast reports whether s is as pressing as least, which may be empty.
func atLeast(s, least remedy.Severity) bool {
	return slices.Index(Severities(), s) >= max(0, slices.Index(Severities(), least)) || least == ""
}

// Route gives the channels that a result goes to, sorted, each once.
func (c *Config) Route(rec remedy.Record) []string {
	var out []string
	for _, r := range c.Routes {
		if !r.fits(rec, rec.Tags[c.TeamTag]) {
			continue
		}
		for _, name := range r.Channels {
			// What may resolve an incident goes to PagerDuty whatever the route's outcomes.
			if r.wants(rec.Outcome) || c.Channels[name].PagerDuty != nil && Resolves(rec.Outcome) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r Route) wants(o remedy.Outcome) bool {
	if len(r.Outcomes) == 0 {
		return o == remedy.Reverted || o == remedy.Held || o == remedy.Failed
	}
	return slices.Contains(r.Outcomes, o)
}

func (r Route) fits(rec remedy.Record, team string) bool {
	return pattern.Fits(r.Functions, rec.Function) && pattern.Fits(r.Accounts, rec.Resource.Account) &&
		pattern.Fits(r.Teams, team) && atLeast(rec.Severity, r.Severity)
}

// QuietFor reports whether a result of severity s waits at now in a channel.
func (c *Config) QuietFor(channel string, s remedy.Severity, now time.Time) bool {
	return slices.ContainsFunc(c.Quiet, func(q Quiet) bool {
		return (len(q.Channels) == 0 || slices.Contains(q.Channels, channel)) &&
			(q.Except == "" || !atLeast(s, q.Except)) && q.at(now)
	})
}

// at reports whether now is in the quiet time, by the clock on the wall there.
func (q Quiet) at(now time.Time) bool {
	t := now.In(q.zone)
	minute := 60*t.Hour() + t.Minute()
	if q.from < q.to {
		return q.from <= minute && minute < q.to
	}
	return q.from <= minute || minute < q.to
}

// person gives who an actor is, if the file knows.
func (c *Config) person(a remedy.Actor) Person {
	for _, p := range c.People {
		one := []string{p.Actor}
		if pattern.Fits(one, a.ID) || pattern.Fits(one, a.Name) {
			return p
		}
	}
	return Person{}
}
