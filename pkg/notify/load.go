package notify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Error is one problem of a notify file. Values of the file are in it only
// where they can't be a secret that was put in the wrong place.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when the problem has no place
	Message      string
}

// Error gives "notify.yaml:12:5: what is wrong".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// LoadFile is [Load] for the file at path.
func LoadFile(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	return Load(src, path)
}

// Load reads a notify file; name is what errors call it. The error joins every
// problem, each an [*Error]; of what is no YAML or of the wrong type, the first.
func Load(src []byte, name string) (*Config, error) {
	if len(src) > MaxSize {
		return nil, &Error{File: name, Message: fmt.Sprintf("the file is larger than %d bytes", MaxSize)}
	}
	if !utf8.Valid(src) {
		return nil, &Error{File: name, Message: "the file is not UTF-8 text"}
	}
	c := new(Config)
	root, err := decode(src, c)
	if err != nil {
		return nil, misread(name, err)
	}
	k := checker{file: name, root: root, c: c}
	k.all()
	slices.SortStableFunc(k.problems, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for _, p := range k.problems {
		errs = append(errs, p)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.settle()
	return c, nil
}

// decode reads the one document of src. The parser has panicked on malformed
// input before, and a file must not take the process down.
func decode(src []byte, c *Config) (root ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the file is not YAML that can be parsed")
		}
	}()
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, err
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, errors.New("the file must hold one YAML document, with at least version, channels and routes")
	}
	root = file.Docs[0].Body
	var v plain
	if ast.Walk(&v, root); v.odd != nil {
		return nil, &yaml.SyntaxError{Message: v.problem, Token: v.odd.GetToken()}
	}
	return root, yaml.NewDecoder(bytes.NewReader(src), yaml.Strict()).Decode(c)
}

// plain finds what could make a file grow when it is read, and durations that
// the decoder would refuse without a place.
type plain struct {
	odd     ast.Node
	problem string
}

// Visit implements [ast.Visitor].
func (p *plain) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		p.odd, p.problem = n, "anchors, aliases, merge keys and tags can't be used here"
	case *ast.MappingValueNode:
		if key := n.Key.String(); key != "window" && key != "per" {
			break
		}
		text, ok := n.Value.(*ast.StringNode)
		if d, err := time.ParseDuration(n.Value.String()); !ok || err != nil || strings.Trim(text.Value, "0123456789hms") != "" || d < time.Second {
			p.odd, p.problem = n.Value, `want a duration in hours, minutes and seconds, such as "90s" or "1h30m"`
		}
	}
	return p
}

// misread says where the decoder gave up. Its own text draws the source, which
// may hold a secret, so only its message is kept.
func misread(name string, err error) error {
	out := &Error{File: name, Message: "the file can't be read as YAML"}
	var at yaml.Error
	if !errors.As(err, &at) {
		out.Message = err.Error()
		return out
	}
	if tk := at.GetToken(); tk != nil && tk.Position != nil {
		out.Line, out.Column = tk.Position.Line, tk.Position.Column
	}
	switch e := at.(type) {
	case *yaml.UnknownFieldError, *yaml.DuplicateKeyError, *yaml.SyntaxError:
		out.Message = e.GetMessage()
	default:
		out.Message = "the value has the wrong type: see ebb notify schema"
	}
	return out
}

// settle fills in what holds where the file says nothing.
func (c *Config) settle() {
	c.Grouping.Window = cmp.Or(c.Grouping.Window, DefaultWindow)
	c.Grouping.Show = cmp.Or(c.Grouping.Show, DefaultShow)
	c.TeamTag = cmp.Or(c.TeamTag, DefaultTeamTag)
	c.Exemption = cmp.Or(strings.TrimSpace(c.Exemption), DefaultExemption)
	for name, ch := range c.Channels {
		ch.Limit.Messages, ch.Limit.Per = cmp.Or(ch.Limit.Messages, DefaultMessages), cmp.Or(ch.Limit.Per, DefaultPer)
		c.Channels[name] = ch
	}
}

// The forms of names and ids.
var (
	// SecretName is what the name of a secret looks like. A value that was put in
	// its place does not.
	SecretName  = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	channelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	slackID     = regexp.MustCompile(`^[CGD][A-Z0-9]{8,}$`)
	slackMember = regexp.MustCompile(`^[UW][A-Z0-9]{8,}$`)
	address     = regexp.MustCompile(`^[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+$`)
	topicARN    = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
)

// checker finds what the types can't say.
type checker struct {
	file     string
	root     ast.Node
	c        *Config
	problems []*Error
}

// add tells of a problem at a path: keys and indexes from the root.
func (k *checker) add(message string, steps ...any) {
	e := &Error{File: k.file, Message: message}
	if n := find(k.root, steps); n != nil && n.GetToken() != nil {
		e.Line, e.Column = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	k.problems = append(k.problems, e)
}

// find gives the node at a path, or the last one on the way.
func find(n ast.Node, steps []any) ast.Node {
	last := n
	for _, step := range steps {
		switch node := n.(type) {
		case *ast.MappingNode:
			n = nil
			for _, v := range node.Values {
				if v.Key.String() == step {
					last, n = v.Key, v.Value
				}
			}
		case *ast.SequenceNode:
			if i, ok := step.(int); ok && i < len(node.Values) {
				n = node.Values[i]
				last = n
			}
		}
		if n == nil {
			break
		}
	}
	switch node := n.(type) {
	case *ast.StringNode, *ast.IntegerNode:
		return node
	}
	if m, ok := last.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].Key
	}
	return last
}

func (k *checker) all() {
	if k.c.Version != Version {
		k.add(fmt.Sprintf("version must be %d", Version), "version")
	}
	if len(k.c.Channels) == 0 {
		k.add("channels must name at least one channel", "channels")
	}
	if len(k.c.Routes) == 0 {
		k.add("routes must hold at least one route, else nobody is told of anything", "routes")
	}
	for name, ch := range k.c.Channels {
		if !channelName.MatchString(name) {
			k.add("a channel's name must be lower-case letters, digits and dashes, at most 40", "channels", name)
		}
		k.channel(name, ch)
	}
	for i, r := range k.c.Routes {
		k.route(i, r)
	}
	for i, d := range k.c.Digests {
		k.digest(i, d)
	}
	if g := k.c.Grouping; g.Window > MaxWindow {
		k.add(fmt.Sprintf("grouping.window must be at most %s", MaxWindow), "grouping", "window")
	}
	if g := k.c.Grouping; g.Show < 0 || g.Show > MaxShow {
		k.add(fmt.Sprintf("grouping.show must be from 1 to %d", MaxShow), "grouping", "show")
	}
	for i := range k.c.Quiet {
		k.quiet(i, &k.c.Quiet[i])
	}
	for i, p := range k.c.People {
		at := func(key string) []any { return []any{"people", i, key} }
		k.patterns([]string{p.Actor}, false, at("actor")...)
		if p.Slack == "" && p.Email == "" {
			k.add("a person needs slack, email, or both", "people", i)
		}
		if p.Slack != "" && !slackMember.MatchString(p.Slack) {
			k.add("slack must be a member id, such as U0123ABCDEF: see the person's profile in Slack", at("slack")...)
		}
		if p.Email != "" && !address.MatchString(p.Email) {
			k.add("email must be an e-mail address", at("email")...)
		}
	}
}

func (k *checker) channel(name string, ch Channel) {
	n := 0
	for _, set := range []bool{ch.Slack != nil, ch.Teams != nil, ch.SNS != nil, ch.PagerDuty != nil, ch.Webhook != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		k.add("a channel must be exactly one of slack, teams, sns, pagerduty and webhook", "channels", name)
		return
	}
	secret := func(value string, keys ...any) {
		if !SecretName.MatchString(value) {
			k.add(fmt.Sprintf("%s must be the name of a secret in capitals, such as OPS_WEBHOOK, never the secret itself", keys[len(keys)-1]),
				append([]any{"channels", name}, keys...)...)
		}
	}
	switch {
	case ch.Slack != nil && ch.Slack.Webhook != "":
		secret(ch.Slack.Webhook, "slack", "webhook")
		if ch.Slack.Channel != "" || ch.Slack.Token != "" {
			k.add("slack takes webhook, or channel and token, not both", "channels", name, "slack")
		}
	case ch.Slack != nil:
		secret(ch.Slack.Token, "slack", "token")
		if !slackID.MatchString(ch.Slack.Channel) {
			k.add("channel must be the id of a Slack channel, such as C0123ABCDEF: see the channel's details", "channels", name, "slack", "channel")
		}
	case ch.Teams != nil:
		secret(ch.Teams.Webhook, "teams", "webhook")
	case ch.SNS != nil:
		if !topicARN.MatchString(ch.SNS.Topic) {
			k.add("topic must be the ARN of a standard SNS topic", "channels", name, "sns", "topic")
		}
	case ch.PagerDuty != nil:
		secret(ch.PagerDuty.Key, "pagerduty", "routing_key")
		if !slices.Contains([]string{"", "us", "eu"}, ch.PagerDuty.Region) {
			k.add("region must be us or eu", "channels", name, "pagerduty", "region")
		}
	default:
		secret(ch.Webhook.URL, "webhook", "url")
		secret(ch.Webhook.Secret, "webhook", "secret")
	}
	if ch.Limit.Messages < 0 || ch.Limit.Per > MaxPer {
		k.add(fmt.Sprintf("limit must allow at least 1 message in at most %s", MaxPer), "channels", name, "limit")
	}
}

func (k *checker) route(i int, r Route) {
	if len(r.Channels) == 0 {
		k.add("a route needs at least one channel", "routes", i, "channels")
	}
	k.channels(r.Channels, "routes", i, "channels")
	for j, o := range r.Outcomes {
		if !slices.Contains(Outcomes(), o) {
			k.add(fmt.Sprintf("unknown outcome: choose one of %s", join(Outcomes())), "routes", i, "outcomes", j)
		}
	}
	k.severity(r.Severity, "routes", i, "severity")
	k.patterns(r.Functions, true, "routes", i, "functions")
	k.patterns(r.Accounts, true, "routes", i, "accounts")
	k.patterns(r.Teams, true, "routes", i, "teams")
}

func (k *checker) digest(i int, d DigestRoute) {
	if len(d.Channels) == 0 {
		k.add("digests need at least one channel", "digests", i, "channels")
	}
	k.channels(d.Channels, "digests", i, "channels")
	for j, name := range d.Channels {
		if k.c.Channels[name].PagerDuty != nil {
			k.add("PagerDuty takes no digest: a report is nobody's incident", "digests", i, "channels", j)
		}
	}
	for j, r := range d.Reports {
		if !slices.Contains(digest.Reports(), r) {
			k.add("unknown report; there are "+strings.Join(digest.Reports(), ", "), "digests", i, "reports", j)
		}
	}
}

func (k *checker) channels(names []string, steps ...any) {
	for j, name := range names {
		if _, ok := k.c.Channels[name]; !ok {
			k.add("there is no channel of this name", append(slices.Clone(steps), j)...)
		}
	}
}

func (k *checker) severity(s remedy.Severity, steps ...any) {
	if s != "" && !slices.Contains(Severities(), s) {
		k.add("unknown severity: choose one of "+join(Severities()), steps...)
	}
}

func (k *checker) patterns(all []string, list bool, steps ...any) {
	for j, p := range all {
		if p == "" || pattern.Valid(p) != nil {
			if list {
				steps = append(slices.Clone(steps), j)
			}
			k.add("the pattern is empty or malformed", steps...)
		}
	}
}

func (k *checker) quiet(i int, q *Quiet) {
	minute := func(s, key string) int {
		t, err := time.Parse("15:04", s)
		if err != nil {
			k.add(key+` must be a time in quotes, such as "22:00"`, "quiet_hours", i, key)
		}
		return 60*t.Hour() + t.Minute()
	}
	q.from, q.to = minute(q.From, "from"), minute(q.To, "to")
	if q.From == q.To {
		k.add("from and to are the same: nobody would ever be told", "quiet_hours", i, "to")
	}
	var err error
	if q.zone, err = time.LoadLocation(q.Timezone); err != nil || q.Timezone == "" || q.Timezone == "Local" {
		k.add("timezone must be a name of the IANA time zone database, such as Europe/Berlin", "quiet_hours", i, "timezone")
	}
	k.channels(q.Channels, "quiet_hours", i, "channels")
	k.severity(q.Except, "quiet_hours", i, "except")
}

func join[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
