package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

const root = "../.."

func TestPagesAreMadeFromTheCode(t *testing.T) {
	t.Parallel()
	files, err := generate(root, functions.All)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what the code says: run make generate (-want +got):\n%s", name, diff)
		}
	}
	there, err := filepath.Glob(filepath.Join(root, "docs/functions/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if name, _ := strings.CutPrefix(filepath.ToSlash(path), root+"/"); files[name] == nil {
			t.Errorf("%s is the page of no function: remove it", name)
		}
	}
}

func TestAFunctionWithoutWordsIsRefused(t *testing.T) {
	t.Parallel()
	f := slices.Clone(functions.All)[0]
	f.Doc.Keeps = ""
	if _, err := generate(root, []remedy.Function{f}); err == nil || !strings.Contains(err.Error(), f.Name+": its Doc has no Keeps") {
		t.Errorf("error = %v, want one that names the function and what is missing", err)
	}
}

// TestPagesAreSentences holds the words of all pages: whole sentences in one line each.
func TestPagesAreSentences(t *testing.T) {
	t.Parallel()
	for _, f := range functions.All {
		for _, text := range append([]string{f.Doc.Bad, f.Doc.Repair, f.Doc.Keeps}, f.Doc.Limits...) {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "\n") || strings.TrimSpace(text) != text {
				t.Errorf("%s: not sentences in one line: %q", f.Name, text)
			}
		}
		for _, l := range f.Doc.Links {
			if !strings.HasPrefix(l, "https://") {
				t.Errorf("%s: not a link: %q", f.Name, l)
			}
		}
	}
}
