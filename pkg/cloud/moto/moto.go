// Package moto runs Moto, the AWS emulator, for the tests and the demo.
package moto

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Server is a running emulator. It ends with the process that started it.
type Server struct {
	URL string // "http://127.0.0.1:41234"

	cmd   *exec.Cmd
	stdin io.Closer
	read  chan struct{} // closed when nothing more comes from the layer
	log   *tail
}

// Log gives the end of what the emulator wrote about itself: the tracebacks of
// its failures.
func (s *Server) Log() string { return s.log.String() }

// maxLog is how much of the emulator's log is kept, in bytes.
const maxLog = 16 << 10

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxLog; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// Layer is what stands in front of an emulator: a Python module that sees each
// request and each answer.
type Layer struct {
	Folder string            // of its layer.py, below the repository's folder
	Args   []string          // what serve.py is told beside it
	Line   func(line []byte) // called with each line that it prints, one at a time; keeps nothing of it
}

// maxLine bounds a line of a layer, in bytes.
const maxLine = 16 << 20

// Start runs an emulator on a free loopback port and waits until it answers.
// The emulator must be installed in .tools/moto of the repository that the
// working directory is in; Makefile's "tools" target does that.
func Start(ctx context.Context) (*Server, error) { return start(ctx, nil) }

// StartBehind is Start with a layer in front of the emulator.
func StartBehind(ctx context.Context, layer Layer) (*Server, error) { return start(ctx, &layer) }

func start(ctx context.Context, layer *Layer) (*Server, error) {
	root, python, err := find()
	if err != nil {
		return nil, err
	}
	args := []string{"-B", filepath.Join(root, "pkg", "cloud", "moto", "serve.py"), "0"}
	if layer != nil {
		args = append(append(args, filepath.Join(root, layer.Folder)), layer.Args...)
	}
	cmd := exec.Command(python, args...) // #nosec G204 -- the emulator's own interpreter
	cmd.Env = append(os.Environ(),
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"MOTO_EC2_LOAD_DEFAULT_AMIS=false", // hundreds, for each account and region
		"MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	log := &tail{}
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	s := &Server{cmd: cmd, stdin: stdin, read: make(chan struct{}), log: log}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		close(s.read)
		err := errors.Join(ctx.Err(), lines.Err(), s.Close())
		if err == nil {
			err = errors.New("it ended before it printed its port")
		}
		return nil, fmt.Errorf("start moto: %w: %s", err, log)
	}
	line := lines.Text()
	go func() {
		defer close(s.read)
		for lines.Scan() {
			if layer != nil {
				layer.Line(lines.Bytes())
			}
		}
	}()
	port, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("start moto: it printed %q, not its port", line)
	}
	// The socket listens before the port is printed, so the first call waits
	// for the server instead of failing.
	s.URL = "http://127.0.0.1:" + strconv.Itoa(port)
	return s, nil
}

// Close stops the emulator and waits for it to end, and for the layer's last line.
func (s *Server) Close() error {
	_ = s.stdin.Close()
	<-s.read
	if err := s.cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			return fmt.Errorf("stop moto: %w", err)
		}
	}
	return nil
}

// Python gives the path of the emulator's interpreter, which has boto3 too.
func Python() (string, error) {
	_, python, err := find()
	return python, err
}

// find gives the repository's folder and the emulator's interpreter.
func find() (root, python string, err error) {
	if root, err = os.Getwd(); err != nil {
		return "", "", fmt.Errorf("find moto: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(root)
		if up == root {
			return "", "", errors.New("find moto: not inside the repository")
		}
		root = up
	}
	python = filepath.Join(root, ".tools", "moto", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return "", "", fmt.Errorf("find moto: %w; run `make tools`", err)
	}
	return root, python, nil
}
