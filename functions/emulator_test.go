//go:build linux

package functions_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// How long the emulator may take for a step, on a busy machine.
const patience = time.Minute

// emulator is a function under AWS's Lambda Runtime Interface Emulator.
type emulator struct {
	url string
	log *output
}

// emulate starts a function's bootstrap with these settings and nothing else of
// this process's environment. When the test ends nothing of it is left running.
func emulate(t *testing.T, bootstrap string, settings map[string]string) emulator {
	t.Helper()
	rie, err := filepath.Abs("../.tools/rie/aws-lambda-rie")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(rie); err != nil {
		t.Fatalf("the Lambda emulator is not installed: %v; run `make tools`", err)
	}
	front, api := freeAddress(t), freeAddress(t)
	log := &output{}
	cmd := exec.Command(rie, "--runtime-interface-emulator-address", front, "--runtime-api-address", api, bootstrap)
	cmd.Env = append(environ(settings), "AWS_LAMBDA_FUNCTION_TIMEOUT=60")
	cmd.Dir = t.TempDir()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop(t, cmd)
		until(t, "the bootstrap ends", func() bool { return !running(bootstrap) })
		if t.Failed() {
			t.Logf("the emulator's output:\n%s", log)
		}
	})
	until(t, "the emulator listens", func() bool {
		c, err := net.Dial("tcp", front)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return emulator{"http://" + front + "/2015-03-31/functions/function/invocations", log}
}

// stop ends the emulator, which ends the function; if it won't, by force.
func stop(t *testing.T, cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the emulator did not end by itself")
		_ = cmd.Process.Kill()
		<-ended
	}
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

// invoke sends an event as Lambda's Invoke would and decodes the answer into
// out. It fails the test when the function returned an error.
func (e emulator) invoke(t *testing.T, payload []byte, out any) {
	t.Helper()
	body := e.raw(t, payload)
	var failure struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &failure); err != nil || failure.Message != "" {
		t.Fatalf("the function failed (%v): %s", err, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		t.Fatalf("decode %s: %v", body, err)
	}
}

// raw sends an event and gives the answer as it is.
func (e emulator) raw(t *testing.T, payload []byte) []byte {
	t.Helper()
	client := http.Client{Timeout: 2 * patience}
	res, err := client.Post(e.url, "application/json", bytes.NewReader(payload))
	if err != nil {
		t.Fatalf("invoke: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("invoke: %v", err)
	}
	return body
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until polls for a condition that must come true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Errorf("waited %s in vain: %s", patience, what)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
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
