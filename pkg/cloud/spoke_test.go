package cloud_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

const (
	hub   = "111122223333"
	spoke = "444455556666"
)

// settingsOf gives an environment of a function in the hub.
func settingsOf(change map[string]string) remedy.Env {
	settings := map[string]string{
		"AWS_ACCESS_KEY_ID": "hub", "AWS_SECRET_ACCESS_KEY": "hub", "AWS_REGION": "us-east-1",
		cloud.SettingAccount: hub, cloud.SettingSpokeRole: "arn:aws-cn:iam::{account}:role/ebb-{function}", cloud.SettingExternalID: "acme-{function}",
	}
	for k, v := range change {
		settings[k] = v
	}
	return remedy.Env{Getenv: func(k string) string { return settings[k] }, Function: "lamp"}
}

// security is an STS that answers and an EC2 that doesn't care.
type security struct {
	status  int
	lasting time.Duration // of a session; 0 means as long as was asked for

	mu     sync.Mutex
	asked  []url.Values
	keys   []string // that other calls were signed with
	freeze chan struct{}
}

func (s *security) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	if form.Get("Action") != "AssumeRole" {
		s.keys = append(s.keys, key)
		_, _ = io.WriteString(w, `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo/></DescribeRegionsResponse>`)
		return
	}
	s.asked = append(s.asked, form)
	if s.freeze != nil {
		<-s.freeze
	}
	if s.status != 0 {
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
		return
	}
	lasting := s.lasting
	if lasting == 0 {
		lasting = cloud.SessionFor
	}
	_, _ = io.WriteString(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>session-`+
		strings.Split(form.Get("RoleArn"), ":")[4]+`</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>x</SessionToken><Expiration>`+
		time.Now().Add(lasting).UTC().Format(time.RFC3339)+`</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
}

// clients gives EC2 clients of a function in the hub, over the security's answers.
func (s *security) clients(t *testing.T, change map[string]string) *cloud.Clients[*ec2.Client] {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	env := settingsOf(change)
	env.AWSEndpoint = server.URL
	clients, err := cloud.NewClients(t.Context(), env, func(cfg aws.Config) *ec2.Client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

func call(ctx context.Context, c *ec2.Client) error {
	_, err := c.DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	return err
}

func traced(t *testing.T, id string) context.Context {
	t.Helper()
	traceID, err := trace.TraceIDFromHex(id)
	if err != nil {
		t.Fatal(err)
	}
	return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: trace.SpanID{1}}))
}

func TestClients_assume_the_role_of_a_spoke(t *testing.T) {
	t.Parallel()
	s := &security{}
	clients := s.clients(t, nil)
	first, second := "4bf92f3577b34da6a3ce929d0e0e4736", "5759e988bd862e3fe1be46a994272793"
	for _, step := range []struct {
		trace string
		ref   remedy.Ref
	}{
		{first, remedy.Ref{Account: hub}},
		{first, remedy.Ref{Account: spoke}},
		{second, remedy.Ref{Account: spoke, Region: "eu-west-1"}},
		{second, remedy.Ref{Account: "777788889999"}},
	} {
		if err := call(traced(t, step.trace), clients.For(step.ref)); err != nil {
			t.Fatal(err)
		}
	}
	if clients.For(remedy.Ref{Account: spoke}) == clients.For(remedy.Ref{Account: hub}) || clients.For(remedy.Ref{Account: hub}) != clients.For(remedy.Ref{Account: hub, Region: "us-east-1"}) {
		t.Error("clients are not one per account and region")
	}
	if diff := cmp.Diff([]string{"hub", "session-" + spoke, "session-" + spoke, "session-777788889999"}, s.keys); diff != "" {
		t.Errorf("who called (-want +got):\n%s", diff)
	}
	asked := func(account, session string) url.Values {
		return url.Values{
			"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "DurationSeconds": {"900"},
			"RoleArn": {"arn:aws-cn:iam::" + account + ":role/ebb-lamp"}, "RoleSessionName": {session}, "ExternalId": {"acme-lamp"},
			"Tags.member.1.Key": {"ebb-function"}, "Tags.member.1.Value": {"lamp"},
		}
	}
	if diff := cmp.Diff([]url.Values{asked(spoke, first), asked("777788889999", second)}, s.asked); diff != "" {
		t.Errorf("AssumeRole calls (-want +got):\n%s", diff)
	}
}

func TestAccounts_without_a_trace_name_the_session_after_the_function(t *testing.T) {
	t.Parallel()
	s := &security{}
	env := settingsOf(nil)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	env.AWSEndpoint = server.URL
	cfg, err := cloud.LoadConfig(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := cloud.NewAccounts(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Credentials(spoke).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.asked[0].Get("RoleSessionName"); got != "ebb-lamp" {
		t.Errorf("session name = %q, want ebb-lamp", got)
	}
}

func TestClients_share_one_session(t *testing.T) {
	t.Parallel()
	s := &security{}
	clients := s.clients(t, nil)
	var group sync.WaitGroup
	for _, region := range []string{"us-east-1", "eu-west-1", "us-east-1", "eu-central-1", "us-west-2"} {
		group.Go(func() {
			if err := call(t.Context(), clients.For(remedy.Ref{Account: spoke, Region: region})); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(s.asked) != 1 {
		t.Errorf("%d AssumeRole calls, want 1", len(s.asked))
	}
}

func TestClients_renew_a_session_before_it_expires(t *testing.T) {
	t.Parallel()
	for lasting, want := range map[time.Duration]int{50 * time.Second: 3, 2 * time.Minute: 1} {
		s := &security{lasting: lasting}
		client := s.clients(t, nil).For(remedy.Ref{Account: spoke})
		for range 3 {
			if err := call(t.Context(), client); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.asked) != want {
			t.Errorf("three calls over sessions of %s: %d AssumeRole calls, want %d", lasting, len(s.asked), want)
		}
	}
}

func TestClients_of_a_spoke_that_refuses(t *testing.T) {
	t.Parallel()
	s := &security{status: http.StatusForbidden}
	client := s.clients(t, nil).For(remedy.Ref{Account: spoke})
	err := cloud.Explain(call(t.Context(), client), "ec2:DescribeRegions", "AccessDenied")
	if _, ok := errors.AsType[*cloud.AssumeError](err); !ok {
		t.Fatalf("error = %v, want an AssumeError", err)
	}
	for _, want := range []string{"arn:aws-cn:iam::" + spoke + ":role/ebb-lamp", "account " + spoke, cloud.SettingExternalID, "trust policy", "not authorized to perform: sts:AssumeRole"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error = %q, want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "acme-lamp") || strings.Contains(err.Error(), "grant ec2:") {
		t.Errorf("error = %q: it tells the external id, or blames the service", err)
	}
	if cloud.Denied(err) || cloud.Code(err) != "" || errors.Is(err, remedy.ErrGone) || remedy.IsPermanent(err) {
		t.Errorf("%v counts as the service's own answer, or as permanent", err)
	}
	if len(s.keys) > 0 {
		t.Errorf("the service was called as %v", s.keys)
	}
	s.mu.Lock()
	s.status = 0
	s.mu.Unlock()
	if err := call(t.Context(), client); err != nil {
		t.Errorf("a refusal is not forgotten: %v", err)
	}
}

func TestClients_of_a_spoke_whose_caller_gives_up(t *testing.T) {
	t.Parallel()
	s := &security{freeze: make(chan struct{})}
	client := s.clients(t, nil).For(remedy.Ref{Account: spoke})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := call(ctx, client)
	close(s.freeze)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want the caller's deadline", err)
	}
}

func TestClients_change_nothing_where_they_do_not_belong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings  map[string]string
		account   string
		want      string
		permanent bool
	}{
		"no spokes":        {map[string]string{cloud.SettingSpokeRole: ""}, spoke, cloud.SettingSpokeRole, false},
		"no account":       {nil, "", "which is not twelve digits", true},
		"another's path":   {nil, "444455556666:role/x", "which is not twelve digits", true},
		"too few digits":   {nil, "4444", "which is not twelve digits", true},
		"no spokes either": {map[string]string{cloud.SettingSpokeRole: ""}, "", "which is not twelve digits", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &security{}
			err := call(t.Context(), s.clients(t, tt.settings).For(remedy.Ref{Account: tt.account}))
			if err == nil || !strings.Contains(err.Error(), tt.want) || remedy.IsPermanent(err) != tt.permanent {
				t.Errorf("error = %v, want one with %q, permanent: %t", err, tt.want, tt.permanent)
			}
			if len(s.asked)+len(s.keys) > 0 {
				t.Errorf("calls were made: %v %v", s.asked, s.keys)
			}
		})
	}
}

func TestClients_without_an_account_of_their_own_use_their_credentials(t *testing.T) {
	t.Parallel()
	s := &security{}
	clients := s.clients(t, map[string]string{cloud.SettingAccount: "", cloud.SettingSpokeRole: ""})
	if err := call(t.Context(), clients.For(remedy.Ref{Account: spoke})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"hub"}, s.keys); diff != "" {
		t.Errorf("who called (-want +got):\n%s", diff)
	}
}

func TestNewAccounts_settings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change map[string]string
		want   string
	}{
		"account that is none":    {map[string]string{cloud.SettingAccount: "hub"}, cloud.SettingAccount},
		"no account":              {map[string]string{cloud.SettingAccount: ""}, cloud.SettingAccount},
		"no external id":          {map[string]string{cloud.SettingExternalID: ""}, cloud.SettingExternalID},
		"one role for all":        {map[string]string{cloud.SettingSpokeRole: "arn:aws:iam::444455556666:role/ebb"}, "{account}"},
		"function without a name": {nil, "{function}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := settingsOf(tt.change)
			if tt.change == nil {
				env.Function = ""
			}
			_, err := cloud.NewClients(t.Context(), env, func(cfg aws.Config) *ec2.Client { return ec2.NewFromConfig(cfg) })
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %s", err, tt.want)
			}
		})
	}
}

// TestAccounts_on_the_emulator asks the emulator who it is in which account.
func TestAccounts_on_the_emulator(t *testing.T) {
	t.Parallel()
	home, other := mototest.New(t), mototest.New(t)
	env := home.Env
	getenv := env.Getenv
	env.Function = "lamp"
	env.Getenv = func(k string) string {
		if v, ok := map[string]string{
			cloud.SettingAccount: home.ID, cloud.SettingSpokeRole: "arn:aws:iam::{account}:role/ebb-{function}", cloud.SettingExternalID: "acme-lamp",
		}[k]; ok {
			return v
		}
		return getenv(k)
	}
	accounts, err := cloud.NewAccounts(home.Config, env)
	if err != nil {
		t.Fatal(err)
	}
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	who := func(account string) string {
		cfg := home.Config.Copy()
		cfg.Credentials = accounts.Credentials(account)
		out, err := sts.NewFromConfig(cfg).GetCallerIdentity(traced(t, id), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Arn
	}
	got := []string{who(home.ID), who(other.ID)}
	want := []string{"arn:aws:sts::" + home.ID + ":assumed-role/test/test", "arn:aws:sts::" + other.ID + ":assumed-role/ebb-lamp/" + id}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who is it (-want +got):\n%s", diff)
	}
}
