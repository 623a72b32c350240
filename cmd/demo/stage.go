package main

import (
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
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/trail"
)

// What the demo runs with. The keys open nothing outside this machine.
const (
	region        = "us-east-1"
	webhookSecret = "the demo's webhook secret" // #nosec G101 -- signs what the demo sends to itself
	githubToken   = "the-demo's-token"
	patience      = 30 * time.Second // for one record, and for ebb to start and stop
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

const policyText = `version: 1
defaults: {mode: enforce}
`

// stage is everything that runs: the emulator and its trail, a small GitHub, and ebb.
type stage struct {
	dir       string
	trail     *trail.Trail
	github    *githubtest.Server
	githubURL string
	ebbURL    string
	ebb       *exec.Cmd
	exited    chan error
	binary    string
	changed   time.Time // when the latest scene's change was made
	group     string    // the security group of the first scene
	http      *http.Client

	person, ebbs aws.Config // with the credentials of who changes things, and of ebb
	personARN    string
	ebbARN       string // of ebb's role

	curtain sync.RWMutex // held while no event may reach ebb
	open    atomic.Bool  // whether ebb is there for events
	mu      sync.Mutex   // guards what follows
	notes   []trail.Note
	arrived map[string]bool
	lost    map[string]bool
}

func setUp(ctx context.Context, opts options, out *printer) (_ *stage, err error) {
	s := &stage{
		binary: opts.ebb, http: &http.Client{Timeout: patience},
		arrived: map[string]bool{}, lost: map[string]bool{},
		ebbs: aws.Config{Credentials: credentials.NewStaticCredentialsProvider("ebb", "ebb", "")}, // where there is no AWS
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.tearDown())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "ebb-demo-"); err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	if programmes()[opts.only].aws {
		if err := s.startAWS(ctx, opts, out); err != nil {
			return nil, err
		}
	}
	if err := out.step("starting a small GitHub", func() error { return s.startGitHub(ctx) }); err != nil {
		return nil, err
	}
	if err := out.step("starting ebb serve", func() error { return s.startEbb(ctx) }); err != nil {
		return nil, err
	}
	s.open.Store(true)
	return s, nil
}

// startAWS starts the emulator, and makes who acts there.
func (s *stage) startAWS(ctx context.Context, opts options, out *printer) error {
	err := out.step("starting the AWS emulator, with a trail in front", func() (err error) {
		s.trail, err = trail.Start(ctx, trail.Options{
			Deliver: s.take, Made: s.note, Lost: s.lose, Precise: true, Chaos: opts.chaos, Seed: opts.seed,
		})
		return err
	})
	if err != nil {
		return err
	}
	return out.step("making a person, and a role for ebb", func() error { return s.identities(ctx) })
}

// identities makes who acts: a user with a key of her own, and the role that ebb
// runs as.
func (s *stage) identities(ctx context.Context) error {
	root := aws.Config{
		Region: region, BaseEndpoint: aws.String(s.trail.URL), HTTPClient: cloud.KeepAnswers(nil),
		Credentials: credentials.NewStaticCredentialsProvider("root", "root", ""),
	}
	users := iam.NewFromConfig(root)
	user, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("jane")})
	if err != nil {
		return err
	}
	key, err := users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user.User.UserName})
	if err != nil {
		return err
	}
	role, err := users.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("ebb"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		return err
	}
	session, err := sts.NewFromConfig(root).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("serve")})
	if err != nil {
		return err
	}
	s.personARN, s.ebbARN = *user.User.Arn, *role.Role.Arn
	s.person, s.ebbs = root.Copy(), root.Copy()
	s.person.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	c := session.Credentials
	s.ebbs.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	return nil
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
		"--policy", policy, "--aws-endpoint", s.awsURL(), "--github-url", s.githubURL, "--self", s.ebbARN)
	keys, err := s.ebbs.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	s.ebb.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey,
		"AWS_SESSION_TOKEN="+keys.SessionToken, "AWS_REGION="+region,
		"GITHUB_TOKEN="+githubToken, "EBB_GITHUB_WEBHOOK_SECRET="+webhookSecret)
	s.ebb.Stdout, s.ebb.Stderr = logs, logs
	apart(s.ebb)
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
	if s.trail != nil {
		errs = append(errs, s.trail.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// get reads JSON from ebb.
func (s *stage) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ebbURL+path, nil) // #nosec G704 -- our own address
	if err != nil {
		return err
	}
	return s.do(req, http.StatusOK, v)
}

func (s *stage) do(req *http.Request, want int, v any) error {
	res, err := s.http.Do(req) // #nosec G704 -- our own address
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

// errLost says that an event never came.
var errLost = errors.New("the chaos lost its event")

// record waits until a function has a record of an event, with an outcome. Another
// event may have made it look before: an event is a hint.
func (s *stage) record(ctx context.Context, event, function string) (rec remedy.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = poll(ctx, func() (bool, error) {
		if s.isLost(event) {
			return false, errLost
		}
		recs, err := s.records(ctx)
		for _, r := range recs {
			later := r.Function == function && r.Times.Recorded.After(s.changed)
			if (r.Event.ID == event || later) && r.Outcome != remedy.Pending {
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
