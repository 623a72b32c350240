package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ebb-ops/ebb/pkg/cloud/moto"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// What the demo runs with. The keys open nothing outside this machine.
const (
	account       = "123456789012" // the emulator's own
	region        = "us-east-1"
	webhookSecret = "the demo's webhook secret" // #nosec G101 -- signs what the demo sends to itself
	githubToken   = "the-demo's-token"
	patience      = 30 * time.Second // for one record, and for ebb to start and stop
)

const policyText = `version: 1
defaults: {mode: enforce}
`

// stage is everything that runs: the emulator, a small GitHub, and ebb.
type stage struct {
	dir       string
	moto      *moto.Server
	cfg       aws.Config
	github    *githubtest.Server
	githubURL string
	ebbURL    string
	ebb       *exec.Cmd
	exited    chan error
	binary    string
	changed   time.Time // when the latest scene's change was made
	http      *http.Client
}

func setUp(ctx context.Context, binary string, withAWS bool, out *printer) (_ *stage, err error) {
	s := &stage{binary: binary, http: &http.Client{Timeout: patience}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.tearDown())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "ebb-demo-"); err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	if withAWS {
		out.step("starting the AWS emulator")
		if s.moto, err = moto.Start(ctx); err != nil {
			return nil, err
		}
	}
	s.cfg = aws.Config{
		Region: region, BaseEndpoint: aws.String(s.awsURL()),
		Credentials: credentials.NewStaticCredentialsProvider("demo", "demo", ""),
	}
	out.step("starting a small GitHub")
	if err := s.startGitHub(ctx); err != nil {
		return nil, err
	}
	out.step("starting ebb serve")
	return s, s.startEbb(ctx)
}

func (s *stage) startGitHub(ctx context.Context) error {
	s.github = githubtest.New(githubtest.Options{Tokens: []githubtest.Token{{Value: githubToken, Login: "ebb", AdminOf: []string{"Codertocat", "Octocoders"}}}})
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for GitHub: %w", err)
	}
	s.githubURL = "http://" + l.Addr().String()
	srv := &http.Server{Handler: s.github.Handler(), ReadHeaderTimeout: patience}
	go func() { _ = srv.Serve(l) }() // ends with the process
	return nil
}

// startEbb runs the real binary, and waits until it says that it is ready.
func (s *stage) startEbb(ctx context.Context) error {
	policy := filepath.Join(s.dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(policyText), 0o600); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	s.ebbURL = "http://" + addr
	logs, err := os.Create(filepath.Join(s.dir, "ebb.log"))
	if err != nil {
		return fmt.Errorf("open ebb's log: %w", err)
	}
	defer func() { _ = logs.Close() }()                                                               // ebb has its own handle
	s.ebb = exec.Command(s.binary, "serve", "--listen", addr, "--data", filepath.Join(s.dir, "data"), // #nosec G204 -- our own binary
		"--policy", policy, "--aws-endpoint", s.awsURL(), "--github-url", s.githubURL)
	s.ebb.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=ebb", "AWS_SECRET_ACCESS_KEY=ebb", "AWS_REGION="+region,
		"GITHUB_TOKEN="+githubToken, "EBB_GITHUB_WEBHOOK_SECRET="+webhookSecret)
	s.ebb.Stdout, s.ebb.Stderr = logs, logs
	if err := s.ebb.Start(); err != nil {
		return fmt.Errorf("start ebb: %w", err)
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.ebb.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		select {
		case err := <-s.exited:
			s.exited <- err
			text, _ := os.ReadFile(logs.Name())
			return false, fmt.Errorf("ebb stopped (%w): %s", err, text)
		default:
		}
		var ready struct{ Status string }
		return s.get(ctx, "/readyz", &ready) == nil && ready.Status == "ready", nil
	})
}

// tearDown ends all that runs and removes the data folder.
func (s *stage) tearDown() error {
	var errs []error
	if s.ebb != nil && s.ebb.Process != nil {
		_ = s.ebb.Process.Signal(os.Interrupt)
		select {
		case err := <-s.exited:
			if err != nil {
				errs = append(errs, fmt.Errorf("stop ebb: %w", err))
			}
		case <-time.After(patience):
			errs = append(errs, errors.New("ebb did not stop; it is killed"), s.ebb.Process.Kill())
		}
	}
	if s.moto != nil {
		errs = append(errs, s.moto.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// tell says where things are, for a person who wants to try more.
func (s *stage) tell(out *printer) {
	out.line("")
	out.line("Everything is still running; Ctrl-C ends it.")
	out.line("  ebb      %s   (%s/api/records)", s.ebbURL, s.ebbURL)
	if s.moto != nil {
		out.line("  AWS      %s   (aws --endpoint-url %s ..., with any credentials, in %s)", s.moto.URL, s.moto.URL, region)
	}
	out.line("  GitHub   %s", s.githubURL)
	out.line("  webhook  %s/webhooks/github   (its secret: %s)", s.ebbURL, webhookSecret)
	out.line("  data     %s   (%s --data %s/data records)", s.dir, s.binary, s.dir)
}

// get reads JSON from ebb.
func (s *stage) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ebbURL+path, nil)
	if err != nil {
		return err
	}
	return s.do(req, http.StatusOK, v)
}

// post hands an EventBridge event to ebb.
func (s *stage) post(ctx context.Context, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.ebbURL+"/events", bytes.NewReader(event))
	if err != nil {
		return err
	}
	return s.do(req, http.StatusAccepted, nil)
}

func (s *stage) do(req *http.Request, want int, v any) error {
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	if res.StatusCode != want {
		return fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, res.Status, strings.TrimSpace(string(body)))
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	return nil
}

// records gives all records, newest first.
func (s *stage) records(ctx context.Context) ([]remedy.Record, error) {
	var page struct{ Records []remedy.Record }
	return page.Records, s.get(ctx, "/api/records", &page)
}

// record waits until the event's record has its outcome.
func (s *stage) record(ctx context.Context, event string) (rec remedy.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = poll(ctx, func() (bool, error) {
		recs, err := s.records(ctx)
		for _, r := range recs {
			if r.Event.ID == event && r.Outcome != remedy.Pending {
				rec = r
				return true, nil
			}
		}
		return false, err
	})
	if err != nil {
		return rec, fmt.Errorf("wait for the record of event %s: %w", event, err)
	}
	return rec, nil
}

// poll asks until the answer is yes, an error, or ctx is over.
func poll(ctx context.Context, ask func() (bool, error)) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
