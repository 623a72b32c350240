// Package rie runs a function's binary under AWS's Lambda Runtime Interface
// Emulator, for the tests and the rehearsal. It needs Linux.
package rie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Emulator is the emulator's path in the repository; `make tools` puts it there.
const Emulator = ".tools/rie/aws-lambda-rie"

// patience is how long the emulator may take for a step, on a busy machine.
const patience = time.Minute

// Function is a function that runs under the emulator. Its binary starts with
// the first event.
type Function struct {
	url, bootstrap string
	cmd            *exec.Cmd
	log            output
}

// Start starts the emulator, which is below root, for a bootstrap with these
// settings and nothing else of this process's environment. The function works
// in dir. Close it, whatever else happens.
func Start(ctx context.Context, root, bootstrap, dir string, settings map[string]string) (*Function, error) {
	emulator, err := filepath.Abs(filepath.Join(root, Emulator))
	if err != nil {
		return nil, fmt.Errorf("find the Lambda emulator: %w", err)
	}
	if _, err := os.Stat(emulator); err != nil {
		return nil, fmt.Errorf("the Lambda emulator is not installed: %w; run `make tools`", err)
	}
	front, err := freeAddress()
	if err != nil {
		return nil, err
	}
	api, err := freeAddress()
	if err != nil {
		return nil, err
	}
	f := &Function{url: "http://" + front + "/2015-03-31/functions/function/invocations", bootstrap: bootstrap}
	f.cmd = exec.Command(emulator, "--runtime-interface-emulator-address", front, "--runtime-api-address", api, bootstrap) // #nosec G204 -- our own binary
	f.cmd.Env = append(Environ(settings), "AWS_LAMBDA_FUNCTION_TIMEOUT=60")
	f.cmd.Dir = dir
	f.cmd.Stdout, f.cmd.Stderr = &f.log, &f.log
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the Lambda emulator: %w", err)
	}
	err = until(ctx, "the Lambda emulator listens", func() bool {
		c, err := net.Dial("tcp", front)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Environ gives settings in the form that a process takes, with this process's
// PATH and no other part of its environment.
func Environ(settings map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, k+"="+settings[k])
	}
	return env
}

// Raw sends an event as Lambda's Invoke would, and gives the answer as it is.
func (f *Function) Raw(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("invoke: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("invoke: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("invoke: %w", err)
	}
	return body, nil
}

// Invoke sends an event and decodes the answer into out. That the function
// returned an error is one.
func (f *Function) Invoke(ctx context.Context, payload []byte, out any) error {
	body, err := f.Raw(ctx, payload)
	if err != nil {
		return err
	}
	var failure struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &failure); err != nil || failure.Message != "" {
		return fmt.Errorf("the function failed: %s", body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("decode %s: %w", body, err)
	}
	return nil
}

// Log gives what the emulator and the function have written so far.
func (f *Function) Log() string { return f.log.String() }

var (
	initReport = regexp.MustCompile(`INIT REPORT\(durationMs: ([0-9.]+)\)`)
	invokeDone = regexp.MustCompile(`INVOKE RTDONE\(status: success, .*duration: ([0-9.]+)ms\)`)
)

// Times gives what the emulator measured: how long the function took to start,
// and how long each invocation took that it answered.
func (f *Function) Times() (start time.Duration, invocations []time.Duration) {
	log := f.Log()
	if m := initReport.FindStringSubmatch(log); m != nil {
		start, _ = time.ParseDuration(m[1] + "ms")
	}
	for _, m := range invokeDone.FindAllStringSubmatch(log, -1) {
		d, _ := time.ParseDuration(m[1] + "ms")
		invocations = append(invocations, d)
	}
	return start, invocations
}

// Close ends the emulator and the function, and waits until both are gone.
func (f *Function) Close() error {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = f.cmd.Wait(); close(ended) }()
	var err error
	select {
	case <-ended:
	case <-time.After(patience):
		err = errors.New("the Lambda emulator did not end by itself")
		_ = f.cmd.Process.Kill()
		<-ended
	}
	return errors.Join(err, until(context.Background(), f.bootstrap+" ends", func() bool { return !running(f.bootstrap) }))
}

// running reports whether a process runs the executable.
func running(executable string) bool {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && target == executable {
			return true
		}
	}
	return false
}

func freeAddress() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// until polls for a condition that must come true.
func until(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain: %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
