package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

var t0 = time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC)

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path func(t *testing.T, dir string) string
		want string
	}{
		"folder is missing": {
			func(_ *testing.T, dir string) string { return filepath.Join(dir, "missing", "ledger.db") },
			"missing does not exist: create it first",
		},
		"folder can't be written to": {readOnlyFolder, "can't be written to"},
		"folder is a file": {
			func(t *testing.T, dir string) string {
				return filepath.Join(writeFile(t, dir, "file", "x"), "ledger.db")
			},
			"can't be written to",
		},
		"file is a folder": {
			func(_ *testing.T, dir string) string { return dir },
			"the file can't be opened, so check that it is a file",
		},
		"file is not a database": {
			func(t *testing.T, dir string) string {
				return writeFile(t, dir, "ledger.db", strings.Repeat("not a database ", 1000))
			},
			"the file is not a SQLite database",
		},
		"file is of a newer version": {
			func(t *testing.T, dir string) string {
				path := filepath.Join(dir, "ledger.db")
				execute(t, path, `PRAGMA user_version = 99`)
				return path
			},
			"a newer Ebb wrote this file (schema 99, this one knows up to 3): use that version",
		},
		"file is another program's": {
			func(t *testing.T, dir string) string {
				path := filepath.Join(dir, "ledger.db")
				execute(t, path, `CREATE TABLE records (name TEXT)`)
				return path
			},
			"create the tables",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := tt.path(t, t.TempDir())
			_, err := Open(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "ledger: open "+path) {
				t.Errorf("got error %v, want it to say %q", err, tt.want)
			}
		})
	}
}

// readOnlyFolder gives a path in a folder that can't be written to. No mode
// stops root; what stands under /proc does.
func readOnlyFolder(t *testing.T, dir string) string {
	t.Helper()
	if os.Geteuid() == 0 {
		return "/proc/ledger.db"
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "ledger.db")
}

func TestOpenLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := writeFile(t, dir, "ledger.db", strings.Repeat("precious ", 1000))
	if _, err := Open(t.Context(), path); err == nil {
		t.Fatal("got no error for a file that is not a database")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{path}, append(files, hidden...)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), "precious ") {
		t.Errorf("the file now begins with %.10q (%v)", b, err)
	}
}

func TestOpenAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), `odd name?#%20&'"ü.db`)
	l, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := record("r1")
	if err := l.SaveRecord(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	got, err := openTest(t, path).Record(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l, err := Open(t.Context(), path)
			if err != nil {
				t.Errorf("open %d: %v", i, err)
				return
			}
			if err := errors.Join(l.SaveRecord(t.Context(), record(fmt.Sprint(i))), l.Close()); err != nil {
				t.Errorf("use %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	page, _, err := openTest(t, path).Records(t.Context(), remedy.Query{})
	if err != nil || len(page) != 8 {
		t.Errorf("got %d records and error %v, want 8", len(page), err)
	}
}

func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, other := openTest(t, path), openTest(t, path)
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := l.SaveRecord(ctx, record("r1")); err == nil {
		t.Error("got no error while another process writes")
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %s to give up, the context was over after 50 ms", d)
	}
	if _, err := l.Record(t.Context(), "r1"); !errors.Is(err, remedy.ErrNoRecord) {
		t.Errorf("got error %v, want %v: readers wait for nobody", err, remedy.ErrNoRecord)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := l.SaveRecord(t.Context(), record("r1")); err != nil {
		t.Error(err)
	}
}

// TestTwoProcesses has two handles on one file, which share no lock but SQLite's.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	handles := []*Ledger{openTest(t, path), openTest(t, path)}
	var (
		wg   sync.WaitGroup
		errs = make([]error, 40)
	)
	for i := range errs {
		wg.Go(func() {
			in := intent(fmt.Sprintf("r%d", i), fmt.Sprintf("resource %d", i), t0)
			in.Blast = remedy.Cap{Limit: 5, Window: time.Hour}
			errs[i] = handles[i%2].Intend(t.Context(), in)
		})
	}
	wg.Wait()
	through := 0
	for i, err := range errs {
		var reached *remedy.CapReached
		if err == nil {
			through++
		} else if !errors.As(err, &reached) {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if through != 5 {
		t.Errorf("%d went through, want 5", through)
	}
}

// TestKilled kills a process that intends without end. What it was told to be
// committed must be there, whole.
func TestKilled(t *testing.T) {
	const variable = "EBB_LEDGER_TEST_PATH"
	if path := os.Getenv(variable); path != "" {
		l := openTest(t, path)
		for i := 0; ; i++ {
			if err := l.Intend(t.Context(), intent(fmt.Sprintf("r%d", i), fmt.Sprintf("resource %d", i), t0)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("committed", i)
		}
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), variable+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "committed %d", &last); err == nil && last == 20 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if last < 20 {
		t.Fatalf("the process ended after %d intents", last+1)
	}
	l := openTest(t, path)
	for i := range last + 2 { // the last may have been committed, but not told of
		in := intent(fmt.Sprintf("r%d", i), fmt.Sprintf("resource %d", i), t0)
		want := remedy.Known{Version: 1, Lease: &in.Lease, Record: &in.Record}
		got, err := l.Look(t.Context(), in.Record.Function, in.Record.Resource, in.Record.ID)
		if err != nil {
			t.Fatal(err)
		}
		if i == last+1 && got.Version == 0 {
			want = remedy.Known{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i, diff)
		}
	}
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// execute runs a statement in a file, past the ledger.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
