package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// file is a notify file with a channel of every kind.
const file = `version: 1
channels:
  ops:
    slack: {channel: C0123ABCDEF, token: SLACK_TOKEN}
  hook:
    slack: {webhook: SLACK_HOOK}
  office:
    teams: {webhook: TEAMS_HOOK}
  mail:
    sns: {topic: "arn:aws:sns:us-east-1:111122223333:ebb"}
  pager:
    pagerduty: {routing_key: PAGER_KEY}
    limit: {messages: 3, per: 1m}
  siem:
    webhook: {url: SIEM_URL, secret: SIEM_SECRET}
routes:
  - channels: [ops]
  - channels: [pager]
    outcomes: [held, failed]
    severity: high
  - channels: [siem]
    outcomes: [reverted, observed]
    functions: ["s3-*"]
    accounts: ["1111*"]
    teams: [payments]
grouping: {window: 10s, show: 2}
digests:
  - {channels: [ops, mail]}
  - {channels: [siem, ops], reports: [weekly]}
quiet_hours:
  - {from: "22:00", to: "07:00", timezone: Europe/Berlin, channels: [ops], except: critical}
people:
  - {actor: "arn:aws:sts::*:assumed-role/*/dana", slack: U0123ABCDEF, email: dana@example.com}
`

func load(t *testing.T, src string) *notify.Config {
	t.Helper()
	c, err := notify.Load([]byte(src), "notify.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	want := notify.Channel{PagerDuty: &notify.PagerDuty{Key: "PAGER_KEY"}, Limit: notify.Limit{Messages: 3, Per: time.Minute}}
	if diff := cmp.Diff(want, c.Channels["pager"]); diff != "" {
		t.Errorf("pager (-want +got):\n%s", diff)
	}
	want = notify.Channel{Teams: &notify.Teams{Webhook: "TEAMS_HOOK"}, Limit: notify.Limit{Messages: 20, Per: 10 * time.Minute}}
	if diff := cmp.Diff(want, c.Channels["office"]); diff != "" {
		t.Errorf("office (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(notify.Grouping{Window: 10 * time.Second, Show: 2}, c.Grouping); diff != "" {
		t.Errorf("grouping (-want +got):\n%s", diff)
	}
}

// secretURL stands for what a person may put in the place of a secret's name.
const secretURL = "https://hooks.slack.com/services/T000/B000/XXXXSECRETXXXX"

func TestLoad_problems(t *testing.T) {
	t.Parallel()
	replaced := func(old, with string) string {
		if !strings.Contains(file, old) {
			t.Fatalf("the file has no %q", old)
		}
		return strings.Replace(file, old, with, 1)
	}
	for name, tt := range map[string]struct{ src, want string }{
		"empty":               {"", "notify.yaml: the file must hold one YAML document"},
		"not yaml":            {"version: [", "notify.yaml:1:"},
		"two documents":       {file + "---\nversion: 1\n", "notify.yaml: the file must hold one YAML document"},
		"not UTF-8":           {"version: \xff", "notify.yaml: the file is not UTF-8 text"},
		"too large":           {strings.Repeat("#", notify.MaxSize+1), "larger than 262144 bytes"},
		"unknown key":         {replaced("grouping:", "groping:"), `notify.yaml:26:1: unknown field "groping"`},
		"key twice":           {file + "grouping: {}\n", `notify.yaml:34:1: mapping key "grouping" already defined`},
		"wrong type":          {replaced("version: 1", "version: [1]"), "notify.yaml:1:10: the value has the wrong type"},
		"not a duration":      {replaced("window: 10s", "window: soon"), "notify.yaml:26:20: want a duration in hours"},
		"alias":               {replaced("channels: [ops]", "channels: &a [ops]"), "notify.yaml:17:15: anchors, aliases"},
		"version":             {replaced("version: 1", "version: 2"), "notify.yaml:1:10: version must be 1"},
		"no channels":         {"version: 1\nroutes: []\n", "channels must name at least one channel"},
		"no routes":           {"version: 1\nchannels: {}\n", "routes must hold at least one route"},
		"secret for a name":   {replaced("SLACK_HOOK", secretURL), "notify.yaml:6:22: webhook must be the name of a secret in capitals"},
		"token for a name":    {replaced("SLACK_TOKEN", "xoxb-SECRET"), "notify.yaml:4:42: token must be the name of a secret"},
		"key for a name":      {replaced("PAGER_KEY", "0123456789abcdefSECRET"), "routing_key must be the name of a secret"},
		"two kinds":           {replaced("    limit: {messages: 3", "    teams: {webhook: X}\n    limit: {messages: 3"), "exactly one of slack, teams"},
		"no kind":             {replaced("slack: {webhook: SLACK_HOOK}", "limit: {messages: 1}"), "exactly one of slack, teams"},
		"webhook and channel": {replaced("{webhook: SLACK_HOOK}", "{webhook: SLACK_HOOK, channel: C0123ABCDEF}"), "not both"},
		"channel's name":      {replaced("C0123ABCDEF, token", "'#ops', token"), "notify.yaml:4:22: channel must be the id of a Slack channel"},
		"topic":               {replaced("arn:aws:sns:us-east-1:111122223333:ebb", "ebb"), "topic must be the ARN"},
		"limit":               {replaced("messages: 3", "messages: -3"), "limit must allow at least 1 message"},
		"route to nowhere":    {replaced("channels: [ops]", "channels: [opps]"), "notify.yaml:17:16: there is no channel of this name"},
		"outcome":             {replaced("[held, failed]", "[held, pending]"), "notify.yaml:19:22: unknown outcome: choose one of observed, reverted"},
		"severity":            {replaced("severity: high", "severity: hihg"), "unknown severity: choose one of low"},
		"pattern":             {replaced(`"s3-*"`, `"s3-["`), "notify.yaml:23:17: the pattern is empty or malformed"},
		"window":              {replaced("window: 10s", "window: 2h"), "grouping.window must be at most 1h0m0s"},
		"show":                {replaced("show: 2", "show: 21"), "grouping.show must be from 1 to 20"},
		"digest to nowhere":   {replaced("[ops, mail]", "[ops, male]"), "notify.yaml:28:22: there is no channel of this name"},
		"digest to no one":    {replaced("{channels: [ops, mail]}", "{channels: []}"), "digests need at least one channel"},
		"digest to PagerDuty": {replaced("[siem, ops]", "[siem, pager]"), "notify.yaml:29:23: PagerDuty takes no digest"},
		"unknown report":      {replaced("[weekly]", "[weekly, monthly]"), "notify.yaml:29:47: unknown report; there are daily, weekly"},
		"quiet from":          {replaced(`"22:00"`, `"22"`), `from must be a time in quotes`},
		"quiet always":        {replaced(`"22:00"`, `"07:00"`), "nobody would ever be told"},
		"quiet zone":          {replaced("Europe/Berlin", "Berlin"), "timezone must be a name of the IANA"},
		"person":              {replaced("U0123ABCDEF", "dana"), "slack must be a member id"},
		"mention of all":      {replaced("U0123ABCDEF", "'!channel'"), "slack must be a member id"},
		"person's address":    {replaced("dana@example.com", "'<at>x</at>@y'"), "email must be an e-mail address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := notify.Load([]byte(tt.src), "notify.yaml")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") && !strings.Contains(tt.want, "SECRET") {
				t.Errorf("the error holds a secret: %v", err)
			}
			if c != nil {
				t.Error("a file with a problem was loaded")
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte("version: 1\nchannels: {a: {slack: }}\nroutes: [{}]\npeople: [{}]\nquiet_hours: [{}]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := notify.Load(src, "notify.yaml")
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if c != nil {
			c.Route(remedy.Record{Outcome: remedy.Failed})
			c.QuietFor("ops", remedy.High, time.Unix(0, 0))
		}
	})
}

func TestRoute(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	rec := func(change func(*remedy.Record)) remedy.Record {
		r := remedy.Record{Function: "s3-bucket-policy", Outcome: remedy.Reverted, Severity: remedy.High, Resource: remedy.Ref{Account: "111122223333"}, Tags: map[string]string{"team": "payments"}}
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		rec  remedy.Record
		want []string
	}{
		// The pager gets it because it may resolve an incident.
		"all that match":      {rec(func(*remedy.Record) {}), []string{"ops", "pager", "siem"}},
		"another team":        {rec(func(r *remedy.Record) { r.Tags["team"] = "web" }), []string{"ops", "pager"}},
		"no team":             {rec(func(r *remedy.Record) { r.Tags = nil }), []string{"ops", "pager"}},
		"another account":     {rec(func(r *remedy.Record) { r.Resource.Account = "2" }), []string{"ops", "pager"}},
		"another function":    {rec(func(r *remedy.Record) { r.Function = "kms-key" }), []string{"ops", "pager"}},
		"lower severity":      {rec(func(r *remedy.Record) { r.Severity, r.Outcome = remedy.Medium, remedy.Failed }), []string{"ops"}},
		"higher severity":     {rec(func(r *remedy.Record) { r.Severity, r.Outcome = remedy.Critical, remedy.Held }), []string{"ops", "pager"}},
		"outcome that is not": {rec(func(r *remedy.Record) { r.Outcome = remedy.Undone }), nil},
		"only one says so":    {rec(func(r *remedy.Record) { r.Outcome = remedy.Observed }), []string{"siem"}},
		"pending":             {rec(func(r *remedy.Record) { r.Outcome = remedy.Pending }), nil},
	} {
		if diff := cmp.Diff(tt.want, c.Route(tt.rec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestQuietFor(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	for name, tt := range map[string]struct {
		channel  string
		severity remedy.Severity
		at       string
		want     bool
	}{
		"in the night":       {"ops", remedy.High, "2026-01-10T21:00:00Z", true}, // 22:00 in Berlin
		"before it":          {"ops", remedy.High, "2026-01-10T20:59:59Z", false},
		"after midnight":     {"ops", remedy.High, "2026-01-10T05:59:59Z", true},
		"at its end":         {"ops", remedy.High, "2026-01-10T06:00:00Z", false},
		"in summer time":     {"ops", remedy.High, "2026-07-10T20:00:00Z", true},
		"summer time, end":   {"ops", remedy.High, "2026-07-10T05:00:00Z", false},
		"the exception":      {"ops", remedy.Critical, "2026-01-10T21:00:00Z", false},
		"without a severity": {"ops", "", "2026-01-10T21:00:00Z", true},
		"of another channel": {"office", remedy.High, "2026-01-10T21:00:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.QuietFor(tt.channel, tt.severity, at); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}
