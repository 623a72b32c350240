package local_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func deadLetters(t *testing.T, data string) []remedy.DeadLetter {
	t.Helper()
	l, err := sqlite.Open(t.Context(), filepath.Join(data, local.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ds, err := l.DeadLetters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// lamps names n lamps.
func lamps(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("lamp", i))
	}
	return names
}

func TestServe_drain_finishes_what_runs_and_keeps_the_rest(t *testing.T) {
	t.Parallel()
	names := lamps(6)
	hs := newHouse(names...)
	hs.hold = make(chan struct{})
	cfg := config(t, hs.function())
	cfg.Workers = 2
	r := serve(t, cfg)
	want := map[string]remedy.Outcome{}
	for _, name := range names {
		want["e"+name] = remedy.Reverted
		if status, body := r.do(http.MethodPost, "/events", event("e"+name, name)); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
	}
	waitFor(t, func() string {
		if n := hs.holding.Load(); n != 2 {
			return fmt.Sprintf("%d workers are busy, want 2", n)
		}
		return ""
	})
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	close(hs.hold)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	// The next process finds the rest.
	r = serve(t, cfg)
	r.await(want)
	hs.wantSwitched(t, names...)
}

func TestServe_data_folder(t *testing.T) {
	t.Parallel()
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		cfg := config(t, newHouse().function())
		serve(t, cfg)
		if _, err := local.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("error = %v, want one that says it is in use", err)
		}
	})
	t.Run("is a file", func(t *testing.T) {
		t.Parallel()
		cfg := config(t, newHouse().function())
		if err := os.WriteFile(cfg.Data, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), cfg.Data) {
			t.Errorf("error = %v, want one that names the folder", err)
		}
	})
	t.Run("address in use", func(t *testing.T) {
		t.Parallel()
		cfg := config(t, newHouse().function())
		cfg.Listen = strings.TrimPrefix(serve(t, cfg).url, "http://")
		other := config(t, newHouse().function())
		other.Listen = cfg.Listen
		h, err := local.Open(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		if err := h.Run(t.Context(), func(net.Addr) {}); err == nil || !strings.Contains(err.Error(), other.Listen) {
			t.Errorf("error = %v, want one that names the address", err)
		}
	})
}

// crashEnv tells the test binary to be the process that is killed, over this data folder.
const crashEnv = "EBB_TEST_CRASH_DATA"

// TestMain starts the tests, or what crashEnv tells.
func TestMain(m *testing.M) {
	if data := os.Getenv(crashEnv); data != "" {
		serveUntilKilled(data)
	}
	os.Exit(m.Run())
}

// serveUntilKilled serves a house whose lamps can't be switched: every
// remediation stops between its intent and its call.
func serveUntilKilled(data string) {
	hs := newHouse(lamps(20)...)
	hs.hold = make(chan struct{})
	functions := []remedy.Function{hs.function()}
	p, err := policy.Load([]byte(enforcing), "policy.yaml", functions, time.Now())
	var h *local.Host
	if err == nil {
		h, err = local.Open(context.Background(), local.Config{Listen: "127.0.0.1:0", Data: data, Policy: p, Functions: functions})
	}
	if err == nil {
		err = h.Run(context.Background(), func(a net.Addr) { fmt.Println(a) })
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestServe_killed_in_the_middle_finishes_what_it_accepted(t *testing.T) {
	t.Parallel()
	names := lamps(20)
	hs := newHouse(names...)
	cfg := config(t, hs.function())
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashEnv+"="+cfg.Data)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, url: "http://" + strings.TrimSpace(addr)}
	want := map[string]remedy.Outcome{}
	for _, name := range names {
		want["e"+name] = remedy.Reverted
		if status, body := r.do(http.MethodPost, "/events", event("e"+name, name)); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
	}
	// Some are between intent and call, the others wait in the inbox.
	waitFor(t, func() string {
		for _, o := range r.outcomes() {
			if o == remedy.Pending {
				return ""
			}
		}
		return "nothing is pending"
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	r = serve(t, cfg)
	r.await(want)
	hs.wantSwitched(t, names...)
}
