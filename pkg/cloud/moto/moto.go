// Package moto runs Moto, the AWS emulator, for the tests and the demo.
package moto

import (
	"bufio"
	"context"
	_ "embed" // serve.py
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed serve.py
var serve string

// Server is a running emulator. It ends with the process that started it.
type Server struct {
	URL string // "http://127.0.0.1:41234"

	cmd   *exec.Cmd
	stdin io.Closer
}

// Start runs an emulator on a free loopback port and waits until it answers.
// The emulator must be installed in .tools/moto of the repository that the
// working directory is in; Makefile's "tools" target does that.
func Start(ctx context.Context) (*Server, error) {
	python, err := findPython()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(python, "-c", serve, "0") // #nosec G204 -- the emulator's own interpreter
	cmd.Env = append(os.Environ(),
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	var stderr strings.Builder
	cmd.Stderr = &stderr
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
	s := &Server{cmd: cmd, stdin: stdin}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("start moto: %w: %s", err, stderr.String())
	}
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

// Close stops the emulator and waits for it to end.
func (s *Server) Close() error {
	_ = s.stdin.Close()
	if err := s.cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			return fmt.Errorf("stop moto: %w", err)
		}
	}
	return nil
}

func findPython() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find moto: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find moto: not inside the repository")
		}
		dir = up
	}
	python := filepath.Join(dir, ".tools", "moto", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return "", fmt.Errorf("find moto: %w; run `make tools`", err)
	}
	return python, nil
}
