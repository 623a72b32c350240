package inbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// crashDir names, in its environment, the folder that a copy of the test binary
// is to serve from until it is killed.
const crashDir = "EBB_TEST_INBOX_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serveUntilKilled accepts and handles as fast as it can, and says on standard
// output what it has acknowledged and what it has handled.
func serveUntilKilled(dir string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if _, err := Lock(dir); err != nil {
		return err
	}
	in, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(word, event string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(word, event)
	}
	for c := range 16 {
		go func() {
			for i := 0; ; i++ {
				event := fmt.Sprintf("%d-%d", c, i)
				if err := in.Accept(ctx, delivery(event)); err != nil {
					cancel(err)
					return
				}
				say("accepted", event)
			}
		}()
	}
	err = in.Run(ctx, 2, func(_ context.Context, d Delivery) error {
		say("handled", d.EventID)
		return nil
	}, func(context.Context, remedy.DeadLetter) error { return nil })
	return errors.Join(err, context.Cause(ctx))
}

func TestNothingAcceptedIsLostToAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	accepted, handled := map[string]bool{}, map[string]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch word, event, _ := strings.Cut(lines.Text(), " "); word {
		case "accepted":
			accepted[event] = true
		case "handled":
			handled[event] = true
		}
		if len(accepted) == 2000 {
			if _, err := Lock(dir); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", cmd.Process.Pid)) {
				t.Errorf("lock while it serves: got error %v, want one with its pid", err)
			}
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(accepted) < 2000 {
		t.Fatalf("the process ended with %v after %d deliveries, want it killed after 2000", err, len(accepted))
	}

	release, err := Lock(dir)
	if err != nil {
		t.Fatalf("lock after the kill: %v", err)
	}
	defer func() {
		if err := release(); err != nil {
			t.Error(err)
		}
	}()
	in := open(t, dir, Options{})
	h := &recorder{}
	serve(t, in, 4, h)
	until(t, "what was left", func() bool { return stats(t, in).Pending == 0 })
	left := map[string]bool{}
	for _, id := range h.events() {
		left[id] = true
	}
	for id := range accepted {
		if !handled[id] && !left[id] {
			t.Errorf("event %s was acknowledged and is lost", id)
		}
	}
	if len(left) == 0 {
		t.Error("nothing was left behind: the kill came too late to show anything")
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("data folder %s is in use by another ebb serve (pid %d)", dir, os.Getpid())
	if _, err := Lock(dir); err == nil || err.Error() != want {
		t.Errorf("second lock: got error %v, want %s", err, want)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, err = Lock(dir)
	if err != nil {
		t.Fatalf("lock after the release: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func TestLockRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	if _, err := Lock(filepath.Join(dir, "file")); err == nil || !strings.Contains(err.Error(), "make data folder") {
		t.Errorf("a file in the folder's place: got error %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, lockName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), "is not writable") {
		t.Errorf("no room for the file: got error %v", err)
	}
}
