//go:build e2e

package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/describe"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
	"github.com/ebb-ops/ebb/pkg/webconsole"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin/signintest"
)

const operatorToken = "the operator's token of the tests"

const rules = `
version: 1
functions:
  ec2-security-group: {mode: enforce}
exemptions:
  - {id: bastion, function: ec2-security-group, resource: "*sg-bastion", owner: platform, reason: Reached from anywhere., expires: 2099-01-01}
`

// group is a security group that lives in memory: what is tested here is what a
// browser makes of the host, not what a cloud makes of the calls.
type group struct {
	ID, Account string
}

func (g group) Ref() remedy.Ref {
	return remedy.Ref{Type: "AWS::EC2::SecurityGroup", ID: "arn:aws:ec2:eu-west-1:" + g.Account + ":security-group/" + g.ID, Account: g.Account, Region: "eu-west-1"}
}

type open struct {
	Ingress []string `json:"ingress"`
}

type turn struct {
	Open bool
	Rule string
}

func (t turn) Call() remedy.Call {
	api := "ec2:RevokeSecurityGroupIngress"
	if t.Open {
		api = "ec2:AuthorizeSecurityGroupIngress"
	}
	return remedy.Call{API: api, Params: map[string]string{"Rule": t.Rule}}
}

const world = "tcp 22 from 0.0.0.0/0"

// cloud holds the groups.
type cloud struct {
	mu     sync.Mutex
	groups map[string][]string
	broken bool // events about sg-broken can't be understood
}

func (c *cloud) Read(_ context.Context, g group) (open, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.groups[g.ID]; !known {
		c.groups[g.ID] = []string{"tcp 443 from 10.0.0.0/8", world}
	}
	return open{slices.Clone(c.groups[g.ID])}, nil
}

func (c *cloud) Apply(_ context.Context, g group, t turn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups[g.ID] = slices.DeleteFunc(c.groups[g.ID], func(r string) bool { return r == t.Rule })
	if t.Open {
		c.groups[g.ID] = append(c.groups[g.ID], t.Rule)
	}
	return nil
}

func (c *cloud) openToTheWorld(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups[id] = []string{"tcp 443 from 10.0.0.0/8", world}
}

func (c *cloud) isOpen(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.groups[id], world)
}

func (c *cloud) rule() remedy.Rule[group, open, turn, any] {
	return remedy.Rule[group, open, turn, any]{
		Decode: func(ev remedy.Event) ([]group, error) {
			var d struct {
				RequestParameters struct {
					GroupID string `json:"groupId"`
				} `json:"requestParameters"`
			}
			if err := json.Unmarshal(ev.Detail, &d); err != nil {
				return nil, err
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.broken && d.RequestParameters.GroupID == "sg-broken" {
				return nil, errors.New("requestParameters.groupId is not of a form that this version knows")
			}
			return []group{{d.RequestParameters.GroupID, ev.Account}}, nil
		},
		Check: func(_ group, s open, _ any) []remedy.Violation {
			if !slices.Contains(s.Ingress, world) {
				return nil
			}
			return []remedy.Violation{{Rule: "world-open-port", Part: world, Message: "Port 22 is open to 0.0.0.0/0."}}
		},
		Repair: func(_ group, s open, _ remedy.Baseline[open], _ any) open {
			return open{slices.DeleteFunc(slices.Clone(s.Ingress), func(r string) bool { return r == world })}
		},
		Diff: func(_ group, from, to open) (out []turn) {
			for _, r := range from.Ingress {
				if !slices.Contains(to.Ingress, r) {
					out = append(out, turn{false, r})
				}
			}
			for _, r := range to.Ingress {
				if !slices.Contains(from.Ingress, r) {
					out = append(out, turn{true, r})
				}
			}
			return out
		},
	}
}

// stage is a host with a console, and what stands behind it.
type stage struct {
	t      *testing.T
	cloud  *cloud
	url    string
	issuer string // of the provider; empty when there is none
	ledger *sqlite.Ledger
	host   *local.Host
}

// newStage starts a host at which people sign in at a provider, or with a token.
func newStage(t *testing.T, withProvider bool) *stage {
	t.Helper()
	s := &stage{t: t, cloud: &cloud{groups: map[string][]string{}}}
	var fs []remedy.Function
	for _, f := range functions.All {
		f.New = func(context.Context, remedy.Env) (remedy.Remedy, error) {
			return remedy.Bind(s.cloud.rule(), s.cloud), nil
		}
		if f.Name == "github-repository-visibility" {
			f.New = func(context.Context, remedy.Env) (remedy.Remedy, error) { return nil, errors.New("set GITHUB_TOKEN") }
		}
		if strings.HasPrefix(f.Name, "ec2-security-group") || strings.HasPrefix(f.Name, "s3-") || strings.HasPrefix(f.Name, "github") {
			fs = append(fs, f)
		}
	}
	p, err := policy.Load([]byte(rules), "policy.yaml", fs, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cfg := local.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), Policy: p, Functions: fs,
		Inbox: inbox.Options{Poll: 20 * time.Millisecond, MinBackoff: 20 * time.Millisecond, MaxBackoff: 20 * time.Millisecond, MaxAttempts: 2},
	}
	cfg.Console = func(parts local.Parts) (http.Handler, error) {
		s.ledger, s.host = parts.Ledger, parts.Host
		s.url = "http://" + parts.Addr.String()
		opts := signin.Options{Key: [32]byte{1}, URL: s.url, Token: operatorToken}
		if withProvider {
			opts.Token = ""
			s.issuer = signintest.Start(t, s.url+signin.CallbackPath)
			opts.Provider = &signin.Provider{
				Issuer: s.issuer, ClientID: signintest.ClientID, ClientSecret: signintest.ClientSecret,
				Operators: []signin.Claim{{Name: "groups", Value: "sre"}}, Readers: []signin.Claim{{Name: "groups", Value: "staff"}},
			}
		}
		desk, err := signin.New(opts)
		if err != nil {
			return nil, err
		}
		return webconsole.New(webconsole.Config{
			Ledger: parts.Ledger, Policy: parts.Policy, Functions: fs, Host: parts.Host, Desk: desk,
			Describe: func(f remedy.Function) (console.Function, error) { return describe.Function(f, parts.Policy.Policy) },
			Traces: func(_ context.Context, r remedy.Record) ([]waterfall.Trace, error) {
				return []waterfall.Trace{{Title: "Trace", Spans: waterfall.OfRecord(r)}}, nil
			},
			Direct: parts.Direct, Open: parts.Open, Unavailable: parts.Unavailable,
		})
	}
	h, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- h.Run(ctx, func(a net.Addr) { ready <- a }) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, h.Close()); err != nil {
			t.Errorf("stop the host: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return s
}

// event sends what CloudTrail would tell of a call.
func (s *stage) event(id, name, groupID, user string) {
	s.t.Helper()
	s.cloud.openToTheWorld(groupID)
	source := "ec2.amazonaws.com"
	if strings.HasPrefix(name, "PutBucket") {
		source = "s3.amazonaws.com"
	}
	body := encoded(s.t, map[string]any{
		"version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws." + strings.Split(source, ".")[0],
		"account": "111122223333", "region": "eu-west-1", "time": time.Now().UTC().Format(time.RFC3339), "resources": []string{},
		"detail": map[string]any{
			"eventVersion": "1.09", "eventID": id, "eventName": name, "eventSource": source, "awsRegion": "eu-west-1",
			"eventTime": time.Now().UTC().Format(time.RFC3339), "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2.31",
			"userIdentity":      map[string]any{"type": "IAMUser", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/" + user, "userName": user},
			"requestParameters": map[string]any{"groupId": groupID},
		},
	})
	res, err := http.Post(s.url+"/events", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		s.t.Fatalf("event %s: status %d", id, res.StatusCode)
	}
}

// encoded gives v as JSON in which "<" stands as it is, as in a stranger's.
func encoded(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// await waits until a condition holds.
func (s *stage) await(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			s.t.Fatalf("gave up waiting: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// outcome gives how an event's only record ended; empty when there is none yet.
func (s *stage) outcome(event string) remedy.Outcome {
	recs, _, err := s.ledger.Records(s.t.Context(), remedy.Query{Limit: 200})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range recs {
		if r.Event.ID == event {
			return r.Outcome
		}
	}
	return ""
}

// hasEvent reports whether the event of a record is kept: that follows the record.
func (s *stage) hasEvent(record string) bool {
	_, err := s.ledger.Event(s.t.Context(), record, time.Now())
	return err == nil
}

// play lets all happen that a console should show.
func (s *stage) play(hostile []string) {
	s.t.Helper()
	const opened = "AuthorizeSecurityGroupIngress"
	send := func(id, name, groupID, user string, want remedy.Outcome) {
		s.t.Helper()
		s.event(id, name, groupID, user)
		s.await(fmt.Sprintf("%s is %s", id, want), func() bool { return s.outcome(id) == want })
	}
	for i := range 4 { // the fourth time the fight cap is reached
		want := remedy.Reverted
		if i == 3 {
			want = remedy.Held
		}
		send(fmt.Sprintf("fight-%d", i), opened, "sg-fought", "jo", want)
	}
	send("bastion-1", opened, "sg-bastion", "ann", remedy.Exempt)
	send("bucket-1", "PutBucketPolicy", "site-assets", "deploy", remedy.Observed)
	s.cloud.mu.Lock()
	s.cloud.broken = true
	s.cloud.mu.Unlock()
	send("broken-1", opened, "sg-broken", "jo", remedy.Failed)
	for i, text := range hostile {
		send(fmt.Sprintf("hostile-%d", i), "PutBucketPolicy", text, text, remedy.Observed)
	}
	send("undo-me", opened, "sg-web", "mia", remedy.Reverted)
	send("exempt-me", opened, "sg-vpn", "sam", remedy.Reverted)
	s.cloud.mu.Lock()
	s.cloud.broken = false
	s.cloud.mu.Unlock()
}
