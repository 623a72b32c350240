package secret_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/secret"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// vault is a Secrets Manager with one secret, and a clock.
type vault struct {
	mu    sync.Mutex
	value *string
	err   error
	reads int
	now   time.Time
}

func newVault(value string) *vault {
	return &vault{value: &value, now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
}

func (v *vault) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	if *in.SecretId != "ebb/github" {
		return nil, fmt.Errorf("asked for %s", *in.SecretId)
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: v.value}, v.err
}

func (v *vault) set(value string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.value, v.err = &value, err
}

func (v *vault) pass(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

func (v *vault) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *vault) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reads
}

func TestRead_keeps_a_secret_for_a_while(t *testing.T) {
	t.Parallel()
	v := newVault(`{"current": "one"}`)
	s := secret.New(v, v.clock)
	steps := []struct {
		name    string
		pass    time.Duration
		store   string
		refused bool
		want    string
		reads   int
	}{
		{"first", 0, "one", false, "one", 1},
		{"kept", secret.KeepFor - time.Second, "two", false, "one", 1},
		{"too old", time.Second, "two", false, "two", 2},
		{"refused at once", secret.RereadAfter - time.Second, "three", true, "two", 2},
		{"refused later", time.Second, "three", true, "three", 3},
		{"refused again", time.Second, "four", true, "three", 3},
		{"kept after a refusal", time.Minute, "four", false, "three", 3},
	}
	for _, step := range steps {
		v.pass(step.pass)
		v.set(`{"current": "`+step.store+`"}`, nil)
		got, err := s.Read(t.Context(), "ebb/github", step.refused)
		if err != nil {
			t.Fatal(err)
		}
		if got["current"] != step.want || v.count() != step.reads {
			t.Errorf("%s: %q after %d reads, want %q after %d", step.name, got["current"], v.count(), step.want, step.reads)
		}
	}
}

func TestRead_that_fails(t *testing.T) {
	t.Parallel()
	v := newVault(`{"current": "one"}`)
	s := secret.New(v, v.clock)
	read := func(refused bool) error {
		_, err := s.Read(t.Context(), "ebb/github", refused)
		return err
	}
	if err := read(false); err != nil {
		t.Fatal(err)
	}
	v.set("", errors.New("no answer"))
	v.pass(time.Minute)
	if err := read(true); err == nil {
		t.Error("a refused secret that can't be read anew is given out")
	}
	if err := read(true); err == nil || v.count() != 2 {
		t.Errorf("%v after %d reads: within %s the failure stands", err, v.count(), secret.RereadAfter)
	}
	if err := read(false); err != nil {
		t.Errorf("what nobody refused is not given out: %v", err)
	}
	v.pass(secret.KeepFor)
	if err := read(false); err == nil {
		t.Error("a secret that is too old is given out")
	}
	v.set(`{"current": "two"}`, nil)
	if err := read(false); err != nil {
		t.Errorf("it does not recover: %v", err)
	}
}

func TestRead_says_what_to_do(t *testing.T) {
	t.Parallel()
	const private = "hunter2"
	tests := map[string]struct {
		value string
		err   error
		want  string
	}{
		"missing":       {"", &smithy.GenericAPIError{Code: "ResourceNotFoundException"}, "there is no such secret"},
		"denied":        {"", &smithy.GenericAPIError{Code: "AccessDeniedException"}, "grant secretsmanager:GetSecretValue"},
		"no answer":     {"", errors.New("connection refused"), "connection refused"},
		"plain text":    {private, nil, "is not a JSON object"},
		"a list":        {`["` + private + `"]`, nil, "is not a JSON object"},
		"null":          {`null`, nil, "is not a JSON object"},
		"empty":         {``, nil, "is not a JSON object"},
		"another shape": {`{"current": {"value": "` + private + `"}}`, nil, "members are strings"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVault(tt.value)
			v.err = tt.err
			got, err := secret.New(v, v.clock).Read(t.Context(), "ebb/github", false)
			if err == nil || got != nil {
				t.Fatalf("Read = %v, %v; want an error", got, err)
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || !strings.Contains(text, "secret ebb/github") || strings.Contains(text, private) {
				t.Errorf("error = %q, want the secret's name and %q", text, tt.want)
			}
			if remedy.IsPermanent(err) {
				t.Error("no retry would mend it")
			}
		})
	}
	v := newVault("")
	v.value = nil
	if _, err := secret.New(v, v.clock).Read(t.Context(), "ebb/github", false); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a binary secret: %v", err)
	}
}

func TestRead_at_once_reads_once(t *testing.T) {
	t.Parallel()
	v := newVault(`{"current": "one"}`)
	s := secret.New(v, v.clock)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got, err := s.Read(t.Context(), "ebb/github", true); err != nil || got["current"] != "one" {
				t.Errorf("Read = %v, %v", got, err)
			}
		})
	}
	group.Wait()
	if v.count() != 1 {
		t.Errorf("%d reads, want 1", v.count())
	}
}

// hanging is a Secrets Manager that doesn't answer.
type hanging struct{ reached chan struct{} }

func (h hanging) GetSecretValue(ctx context.Context, _ *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	close(h.reached)
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestRead_waits_no_longer_than_its_context(t *testing.T) {
	t.Parallel()
	h := hanging{make(chan struct{})}
	s := secret.New(h, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.Read(ctx, "ebb/github", false)
	}()
	<-h.reached
	late, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Read(late, "ebb/github", false); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the context's", err)
	}
	cancel()
	<-done
}

func delivery(t *testing.T, key string) (http.Header, []byte) {
	t.Helper()
	body := []byte(`{"zen": "Design for failure."}`)
	r, err := githubtest.Deliver("https://example.com/", body, "ping", "d1", key)
	if err != nil {
		t.Fatal(err)
	}
	return r.Header, body
}

func TestVerify_while_the_secret_is_replaced(t *testing.T) {
	t.Parallel()
	v := newVault(`{"current": "one", "previous": ""}`)
	w := secret.Webhook{ID: "ebb/github", Read: secret.New(v, v.clock).Read, Scheme: webhook.GitHub}
	steps := []struct {
		name, store, key string
		pass             time.Duration
		ok               bool
		reads            int
	}{
		{"the current key", `{"current": "one", "previous": ""}`, "one", 0, true, 1},
		{"a guess", `{"current": "one", "previous": ""}`, "guess", time.Minute, false, 2},
		{"a guess at once", `{"current": "one", "previous": ""}`, "guess", time.Second, false, 2},
		{"the empty key", `{"current": "one", "previous": ""}`, "", time.Minute, false, 3},
		{"stored, not used yet", `{"current": "two", "previous": "one"}`, "one", time.Minute, true, 3},
		{"used", `{"current": "two", "previous": "one"}`, "two", time.Second, true, 4},
		{"sent before that", `{"current": "two", "previous": "one"}`, "one", time.Second, true, 4},
		{"the old key is withdrawn", `{"current": "two"}`, "one", secret.KeepFor, false, 5},
	}
	for _, step := range steps {
		v.pass(step.pass)
		v.set(step.store, nil)
		header, body := delivery(t, step.key)
		err := w.Verify(t.Context(), header, body)
		if refused, ok := errors.AsType[*webhook.Error](err); (err == nil) != step.ok || err != nil && (!ok || refused.Status() != http.StatusUnauthorized) {
			t.Errorf("%s: %v, want proven: %t", step.name, err, step.ok)
		}
		if v.count() != step.reads {
			t.Errorf("%s: %d reads, want %d", step.name, v.count(), step.reads)
		}
	}
}

func TestVerify_without_a_usable_secret(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value string
		err   error
		want  string
	}{
		"unreadable": {"", &smithy.GenericAPIError{Code: "AccessDeniedException"}, "secretsmanager:GetSecretValue"},
		"no key":     {`{"previous": "old"}`, nil, `"current"`},
		"empty key":  {`{"current": ""}`, nil, `"current"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVault(tt.value)
			v.err = tt.err
			header, body := delivery(t, "")
			err := secret.Webhook{ID: "ebb/github", Read: secret.New(v, v.clock).Read, Scheme: webhook.GitHub}.Verify(t.Context(), header, body)
			if _, ok := errors.AsType[*webhook.Error](err); err == nil || ok || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "ebb/github") {
				t.Errorf("error = %v, want our own with the secret's name and %s", err, tt.want)
			}
		})
	}
}

// TestStore_on_Secrets_Manager goes through a rotation on the emulator.
func TestStore_on_Secrets_Manager(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := secretsmanager.NewFromConfig(account.Config)
	v := newVault("") // for its clock
	s := secret.New(api, v.clock)
	if _, err := s.Read(t.Context(), "ebb/github", false); err == nil || !strings.Contains(err.Error(), "there is no such secret") {
		t.Errorf("a secret that is not there: %v", err)
	}
	made, err := api.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("ebb/github"), SecretString: aws.String(`{"current":"one"}`)})
	if err != nil {
		t.Fatal(err)
	}
	read := func(id string, refused bool) map[string]string {
		t.Helper()
		got, err := s.Read(t.Context(), id, refused)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(map[string]string{"current": "one"}, read(*made.ARN, false)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if _, err := api.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: aws.String(`{"current":"two","previous":"one"}`)}); err != nil {
		t.Fatal(err)
	}
	v.pass(secret.RereadAfter)
	if diff := cmp.Diff(map[string]string{"current": "two", "previous": "one"}, read(*made.ARN, true)); diff != "" {
		t.Errorf("members after the rotation (-want +got):\n%s", diff)
	}
}

// TestFunction opens a function whose environment reads the emulator's secrets.
func TestFunction(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := secretsmanager.NewFromConfig(account.Config)
	if _, err := api.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("ebb/github"), SecretString: aws.String(`{"k":"v"}`)}); err != nil {
		t.Fatal(err)
	}
	done := errors.New("done")
	f := secret.Function(remedy.Function{Name: "f", New: func(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
		got, err := env.Secret(ctx, "ebb/github", false)
		if err != nil || got["k"] != "v" || env.Function != "f" {
			t.Errorf("Secret = %v, %v for function %q", got, err, env.Function)
		}
		return nil, done
	}})
	if _, err := remedy.Open(t.Context(), f, account.Env); !errors.Is(err, done) {
		t.Errorf("error = %v, want the function's own", err)
	}
}
