package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/outboxtest"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/sqlite"
)

func TestStore(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, func(t *testing.T) outboxtest.Open {
		dir := t.TempDir()
		var last *sqlite.Store
		stop := func() {
			if last == nil {
				return
			}
			if err := last.Close(); err != nil {
				t.Error(err)
			}
		}
		t.Cleanup(func() { stop() })
		return func() outbox.Store {
			t.Helper()
			stop()
			s, err := sqlite.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			last = s
			return s
		}
	})
}

func TestOpen_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(dir, sqlite.FileName)); err == nil {
		t.Error("a file passed as a folder")
	}
}
