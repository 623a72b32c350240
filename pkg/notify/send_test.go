package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

var update = flag.Bool("update", false, "write the golden files")

// The secrets of the tests.
const (
	token    = "xoxb-SECRET-1234"
	pagerKey = "SECRETSECRETSECRETSECRETSECRET12"
	whsec    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// vendor is a local server that holds what it gets to what a vendor documents.
type vendor struct {
	*httptest.Server
	t      *testing.T
	status int               // 0 means the vendor's own for success
	header map[string]string // of the answer
	said   string            // instead of the vendor's own answer
	got    []json.RawMessage
}

func newVendor(t *testing.T) *vendor {
	v := &vendor{t: t}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Error(err)
	}
	v.got = append(v.got, body)
	if got := r.Header.Get("Content-Type"); r.Method != http.MethodPost || !strings.HasPrefix(got, "application/json") {
		v.t.Errorf("got %s of %q", r.Method, got)
	}
	for k, val := range v.header {
		w.Header().Set(k, val)
	}
	status, answer := http.StatusOK, "ok"
	switch {
	case r.URL.Path == "/slack/chat.postMessage":
		v.valid("slack", body)
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			v.t.Errorf("authorization %q", got)
		}
		answer = fmt.Sprintf(`{"ok":true,"channel":"C0123ABCDEF","ts":"1700000000.%06d"}`, len(v.got))
	case strings.HasPrefix(r.URL.Path, "/services/"):
		v.valid("slack", body)
	case strings.HasPrefix(r.URL.Path, "/workflows/"):
		v.valid("teams", body)
		if len(body) > 28<<10 {
			v.t.Errorf("the card has %d bytes", len(body))
		}
		status, answer = http.StatusAccepted, ""
	case r.URL.Path == "/v2/enqueue":
		v.valid("pagerduty", body)
		if len(body) > 512<<10 {
			v.t.Errorf("the event has %d bytes", len(body))
		}
		status, answer = http.StatusAccepted, `{"status":"success","message":"Event processed"}`
	case strings.HasPrefix(r.URL.Path, "/siem/"):
		wh, err := standardwebhooks.NewWebhook(whsec)
		if err != nil {
			v.t.Fatal(err)
		}
		if err := wh.Verify(body, r.Header); err != nil {
			v.t.Errorf("signature: %v", err)
		}
		if !strings.HasPrefix(r.Header.Get("webhook-id"), "msg_") {
			v.t.Errorf("webhook-id %q", r.Header.Get("webhook-id"))
		}
		status, answer = http.StatusNoContent, ""
	default:
		v.t.Errorf("call of %s", r.URL.Path)
	}
	if v.status != 0 {
		status = v.status
	}
	if v.said != "" {
		answer = v.said
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (v *vendor) valid(name string, body []byte) {
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "schemas", name+".json"))
	if err != nil {
		v.t.Error(err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err == nil {
		err = s.Validate(value)
	}
	if err != nil {
		v.t.Errorf("%s would refuse it: %v\n%s", name, err, body)
	}
}

// sender sends to the vendor's server, with every secret set.
func (v *vendor) sender(c *notify.Config) *notify.Sender {
	return notify.NewSender(c, notify.Options{
		SlackURL: v.URL + "/slack", PagerDutyURL: v.URL,
		Secret: func(_ context.Context, name string) (string, error) {
			return map[string]string{
				"SLACK_TOKEN": token, "PAGER_KEY": pagerKey, "SIEM_SECRET": whsec,
				"SLACK_HOOK": v.URL + "/services/T000/B000/SECRET", "TEAMS_HOOK": v.URL + "/workflows/SECRET/run?sig=SECRETSIG",
				"SIEM_URL": v.URL + "/siem/SECRET",
			}[name], nil
		},
	})
}

var moment = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func record(outcome remedy.Outcome) remedy.Record {
	return remedy.Record{
		ID: "5b4d1e6f7a8b9c0d1e2f", Function: "s3-bucket-policy", Severity: remedy.High, Outcome: outcome,
		Reason:     "Statement Public lets everybody read. Put back with 1 call.",
		Resource:   remedy.Ref{Type: "AWS::S3::Bucket", ID: "arn:aws:s3:::acme-invoices", Account: "111122223333", Region: "eu-west-1"},
		Tags:       map[string]string{"team": "payments"},
		Violations: []remedy.Violation{{Rule: "public-statement", Message: "Statement Public lets everybody read."}},
		Event: remedy.EventRef{
			Name: "PutBucketPolicy", Time: moment.Add(-2 * time.Second),
			Actor: remedy.Actor{ID: "arn:aws:sts::111122223333:assumed-role/Developers/dana"},
		},
		Times: remedy.Times{Changed: moment.Add(-2 * time.Second), Recorded: moment},
	}
}

// hostile is a record in which everything that an attacker can choose is bad.
func hostile(n int) remedy.Record {
	evil := "<!channel> <@U0123ABCDEF> <https://evil.example|click> *bold* `code` [click](https://evil.example) <at>everyone</at> @here\n" +
		"# head \u202e\x1b[31m & ]]> " + strings.Repeat("évil ", 500)
	rec := record(remedy.Failed)
	rec.ID = fmt.Sprintf("%020d", n)
	rec.Reason, rec.Violations = evil, []remedy.Violation{{Message: evil}, {Message: evil}, {Message: evil}, {Message: evil}, {Message: evil}}
	rec.Resource = remedy.Ref{Type: "AWS::S3::Bucket", ID: fmt.Sprint(n, evil), Account: evil, Region: evil}
	rec.Event.Name, rec.Event.Actor.ID, rec.Tags = evil, evil, map[string]string{"team": evil}
	return rec
}

func gather(c *notify.Config, recs ...remedy.Record) notify.Notice {
	var items []notify.Item
	for _, r := range recs {
		items = append(items, c.Item(r))
	}
	return c.Gather("msg_1", items, moment, moment.Add(5*time.Second), moment.Add(10*time.Second))
}

func TestSend_golden(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	held, other := record(remedy.Held), record(remedy.Reverted)
	held.ID, held.Reason = "held", "The blast cap is reached: 20 reverts in 10m0s."
	other.Resource.ID, other.Event.Actor.ID = "arn:aws:s3:::acme-logs", "arn:aws:iam::111122223333:user/kim"
	_, report := c.Digest(weekly())
	for _, channel := range []string{"ops", "hook", "office", "pager", "siem"} {
		for name, n := range map[string]notify.Notice{
			"one":    gather(c, record(remedy.Reverted)),
			"many":   gather(c, record(remedy.Reverted), other, held, other),
			"report": report,
		} {
			if channel == "pager" && name != "one" {
				continue // it is told of one result at a time
			}
			v := newVendor(t)
			if _, err := v.sender(c).Send(t.Context(), channel, n, ""); err != nil {
				t.Fatal(err)
			}
			var got any
			if err := json.Unmarshal(v.got[0], &got); err != nil {
				t.Fatal(err)
			}
			pretty, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", channel+"-"+name+".json")
			if *update {
				if err := os.WriteFile(path, append(pretty, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(pretty)+"\n"); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
}

func TestSend_hostile_names_do_nothing(t *testing.T) {
	t.Parallel()
	c := load(t, strings.Replace(file, "show: 2", "show: 20", 1))
	var recs []remedy.Record
	for n := range 400 {
		recs = append(recs, hostile(n))
	}
	for _, channel := range []string{"ops", "hook", "office", "siem", "pager"} {
		n := gather(c, recs...)
		if channel == "pager" {
			n = gather(c, recs[0])
		}
		got := sent(t, c, channel, n)
		if n.Total > 1 && channel != "siem" && !regexp.MustCompile(`3[89]\d more results are not shown`).Match(got) {
			t.Errorf("%s is not told how many are not shown: %s", channel, got[max(0, len(got)-500):])
		}
		if channel != "pager" {
			_, n = c.Digest(hostileDigest())
			sent(t, c, channel, n)
		}
	}
}

// sent gives what a channel gets of a hostile notice, in which nothing may act.
func sent(t *testing.T, c *notify.Config, channel string, n notify.Notice) []byte {
	t.Helper()
	v := newVendor(t)
	if _, err := v.sender(c).Send(t.Context(), channel, n, ""); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\u202e", `\u202e`, `\u001b`} {
		if strings.Contains(string(v.got[0]), bad) {
			t.Errorf("%s got %q", channel, bad)
		}
	}
	// What Slack and Teams interpret holds nothing that came from the events.
	var parts struct {
		Text        string
		Blocks      []struct{ Text struct{ Type, Text string } }
		Attachments []struct {
			Content struct{ Body []struct{ Type, Text string } }
		}
	}
	if err := json.Unmarshal(v.got[0], &parts); err != nil {
		t.Fatal(err)
	}
	read := parts.Text
	for _, b := range parts.Blocks {
		if b.Text.Type == "mrkdwn" {
			read += b.Text.Text
		}
	}
	for _, a := range parts.Attachments {
		for _, b := range a.Content.Body {
			read += b.Text
		}
	}
	if strings.Contains(read, "evil") || strings.Contains(read, "<!") || channel == "office" && strings.Contains(string(v.got[0]), `\u003cat\u003eevery`) {
		t.Errorf("%s reads as markup: %.300s", channel, read)
	}
	return v.got[0]
}

func TestSend_threads_by_resource_in_Slack(t *testing.T) {
	t.Parallel()
	c, v := load(t, file), newVendor(t)
	s, n := v.sender(c), gather(c, record(remedy.Reverted))
	first, err := s.Send(t.Context(), "ops", n, "")
	if err != nil || first != "1700000000.000001" {
		t.Fatalf("got thread %q, %v", first, err)
	}
	again, err := s.Send(t.Context(), "ops", n, first)
	if err != nil || again != first {
		t.Errorf("got thread %q, %v", again, err)
	}
	if !strings.Contains(string(v.got[1]), `"thread_ts":"1700000000.000001"`) {
		t.Errorf("the second is no answer: %s", v.got[1])
	}
}

func TestSend_resolves_in_PagerDuty(t *testing.T) {
	t.Parallel()
	c, v := load(t, file), newVendor(t)
	n := gather(c, record(remedy.Failed))
	for _, n.Resolve = range []bool{false, true} {
		if _, err := v.sender(c).Send(t.Context(), "pager", n, ""); err != nil {
			t.Fatal(err)
		}
	}
	var events [2]struct {
		Action string `json:"event_action"`
		Dedup  string `json:"dedup_key"`
	}
	for i, b := range v.got {
		if err := json.Unmarshal(b, &events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if events[0].Action != "trigger" || events[1].Action != "resolve" || events[0].Dedup != events[1].Dedup {
		t.Errorf("got %+v", events)
	}
}

func TestSend_errors_say_whether_to_try_again_and_hold_no_secret(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	for name, tt := range map[string]struct {
		status    int
		header    map[string]string
		said      string
		channels  string
		permanent bool
		later     bool
		want      string
	}{
		"down":             {status: 503, channels: "ops hook office pager siem", want: "answered 503"},
		"wait":             {status: 429, header: map[string]string{"Retry-After": "90"}, channels: "ops hook office pager siem", later: true, want: "rate limit"},
		"gone":             {status: 410, said: "no SECRET here", channels: "ops hook office pager siem", permanent: true, want: "answered 410"},
		"elsewhere":        {status: 307, header: map[string]string{"Location": "https://evil.example/SECRET"}, channels: "hook office siem", want: "notify"},
		"slack's refusal":  {said: `{"ok":false,"error":"channel_not_found"}`, channels: "ops", permanent: true, want: "slack refused the message: channel_not_found"},
		"slack's trouble":  {said: `{"ok":false,"error":"internal_error"}`, channels: "ops", want: "slack answered internal_error"},
		"slack's nonsense": {said: `<html>SECRET`, channels: "ops", want: "not what it documents"},
		"slack's echo":     {said: `{"ok":false,"error":"xoxb-SECRET"}`, channels: "ops", want: "slack refused the message"},
	} {
		for _, channel := range strings.Fields(tt.channels) {
			v := newVendor(t)
			v.status, v.header, v.said = tt.status, tt.header, tt.said
			_, err := v.sender(c).Send(t.Context(), channel, gather(c, record(remedy.Failed)), "")
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "notify "+channel) {
				t.Errorf("%s: %s: got %v, want %q", name, channel, err, tt.want)
				continue
			}
			if _, later := errors.AsType[*saas.RetryLater](err); later != tt.later || remedy.IsPermanent(err) != tt.permanent {
				t.Errorf("%s: %s: later %v, permanent %v: %v", name, channel, later, remedy.IsPermanent(err), err)
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s: %s: the error holds a secret: %v", name, channel, err)
			}
		}
	}
}

// refused is a transport whose errors quote the URL.
type refused struct{}

func (refused) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dial %s with %s: refused", r.URL, r.Header.Get("Authorization"))
}

func TestSend_connection_errors_and_bad_secrets_hold_no_secret(t *testing.T) {
	t.Parallel()
	c := load(t, file)
	for name, tt := range map[string]struct {
		secret    string
		channels  string
		permanent bool
		want      string
	}{
		"refused":       {"https://example.com/SECRET/path?sig=SECRET", "hook office", false, "refused"},
		"refused token": {token, "ops", false, "refused"},
		"not https":     {"http://example.com/SECRET", "hook office", true, "is not one of https"},
		"no URL":        {"SECRET\x7f://", "hook office", true, "is not one of https"},
		"no key":        {"https://SECRET", "siem", true, "must be whsec_ and base64"},
		"not set":       {" ", "ops hook office pager siem", false, "is not set"},
	} {
		for _, channel := range strings.Fields(tt.channels) {
			s := notify.NewSender(c, notify.Options{
				Transport: refused{}, Secret: func(context.Context, string) (string, error) { return tt.secret, nil },
			})
			_, err := s.Send(t.Context(), channel, gather(c, record(remedy.Failed)), "")
			if err == nil || !strings.Contains(err.Error(), tt.want) || remedy.IsPermanent(err) != tt.permanent {
				t.Errorf("%s: %s: got %v (permanent %v), want %q", name, channel, err, remedy.IsPermanent(err), tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") && name != "not set" && !strings.Contains(err.Error(), "secret SIEM_SECRET") {
				t.Errorf("%s: %s: the error holds a secret: %v", name, channel, err)
			}
		}
	}
}

func TestSend_publishes_to_SNS(t *testing.T) {
	t.Parallel()
	acct := mototest.New(t)
	topics, queues := sns.NewFromConfig(acct.Config), sqs.NewFromConfig(acct.Config)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("ebb")})
	if err != nil {
		t.Fatal(err)
	}
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("mail")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:" + acct.ID + ":mail"),
	}); err != nil {
		t.Fatal(err)
	}
	c := load(t, strings.Replace(file, "arn:aws:sns:us-east-1:111122223333:ebb", *topic.TopicArn, 1))
	s := notify.NewSender(c, notify.Options{SNS: topics})
	_, plain := c.Digest(weekly())
	_, evil := c.Digest(hostileDigest())
	for _, n := range []notify.Notice{gather(c, record(remedy.Reverted)), gather(c, hostile(1), hostile(2)), plain, evil} {
		if _, err := s.Send(t.Context(), "mail", n, ""); err != nil {
			t.Fatal(err)
		}
	}
	var got []struct{ Subject, Message string }
	for deadline := time.Now().Add(20 * time.Second); len(got) < 4 && time.Now().Before(deadline); {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			got = append(got, struct{ Subject, Message string }{})
			if err := json.Unmarshal([]byte(*m.Body), &got[len(got)-1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(got) != 4 {
		t.Fatalf("%d messages arrived", len(got))
	}
	bySubject := map[string]string{}
	for _, m := range got {
		// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
		if !regexp.MustCompile(`^[!-~][ -~]{0,99}$`).MatchString(m.Subject) || len(m.Message) > 256<<10 || strings.ContainsAny(m.Message, "\x1b\u202e") {
			t.Errorf("subject %q, %d bytes", m.Subject, len(m.Message))
		}
		if len(m.Message) < 4000 { // not the hostile ones
			bySubject[m.Subject] = m.Message
		}
	}
	want := map[string]string{"Ebb: Put back: s3-bucket-policy (high severity)": `Put back: s3-bucket-policy (high severity)

arn:aws:s3:::acme-invoices (111122223333, eu-west-1)
Why: Statement Public lets everybody read.
Changed by arn:aws:sts::111122223333:assumed-role/Developers/dana with PutBucketPolicy at 2026-11-21T08:59:58Z, team payments.
What was done: Statement Public lets everybody read. Put back with 1 call.
Next: To keep such a state, ask for an exemption in the policy file, with an owner, a reason and an expiry. To see the difference: ebb show 5b4d1e6f7a8b9c0d1e2f. To take it back: ebb undo 5b4d1e6f7a8b9c0d1e2f --reason WHY.
`, "Ebb: The weekly report: 1 open, 8 put back": `The weekly report: 1 open, 8 put back

From 2026-11-14 09:00:00 to 2026-11-21 09:00:00 (UTC). Ebb kept 9 records: 8 put back, 1 held.

Are we safe now?
1 violation is open: 1 held by a cap.

What was put back
8 changes were put back.
By function: s3-bucket-policy 8.
By who made the change: dana 5, kim 3.

Read it: ` + link + `
The link ends at 2026-11-21T15:00:00Z at the latest. Whoever has it can read the report.
Afterwards: aws s3 cp s3://reports/reports/weekly/2026-11-21T0900Z.html .
`}
	if diff := cmp.Diff(want, bySubject); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if _, err := s.Send(t.Context(), "mail", gather(load(t, file), record(remedy.Held)), ""); err != nil {
		t.Fatal(err)
	}
}
