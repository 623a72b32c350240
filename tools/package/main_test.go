package main

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestZips packs the same files twice, with other times and modes.
func TestZips(t *testing.T) {
	t.Parallel()
	var outs [2]map[string]string
	for i := range outs {
		dist := t.TempDir()
		for name, text := range map[string]string{"f/arm64/bootstrap": "binary", "f/arm64/policy.yaml": "version: 1", "f/amd64/bootstrap": "other"} {
			path := filepath.Join(dist, name)
			must(t, os.MkdirAll(filepath.Dir(path), 0o750))
			must(t, os.WriteFile(path, []byte(text), []os.FileMode{0o600, 0o755}[i]))
			must(t, os.Chtimes(path, time.Time{}, time.Unix(int64(1e9*(i+1)), 0)))
		}
		must(t, run(dist, []string{"f/arm64", "f/amd64"}))
		outs[i] = files(t, dist, "*.zip", "SHA256SUMS")
	}
	if diff := cmp.Diff(outs[0], outs[1]); diff != "" {
		t.Errorf("the same files give other bytes (-first +second):\n%s", diff)
	}
	z, err := zip.NewReader(strings.NewReader(outs[0]["f-arm64.zip"]), int64(len(outs[0]["f-arm64.zip"])))
	must(t, err)
	got := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		raw, err := io.ReadAll(r)
		must(t, err)
		got[f.Name+" "+f.Mode().String()] = string(raw)
	}
	want := map[string]string{"bootstrap -rwxr-xr-x": "binary", "policy.yaml -rwxr-xr-x": "version: 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is in the zip (-want +got):\n%s", diff)
	}
}

func TestZips_missing(t *testing.T) {
	t.Parallel()
	for _, build := range []string{"f/arm64", "f"} {
		if err := run(t.TempDir(), []string{build}); err == nil {
			t.Errorf("%s, which was not built, was packed", build)
		}
	}
}

// TestBuildIsReproducible makes a function's zip and its SBOM in copies of the
// tree in two folders.
func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	must(t, err)
	const folder = "iamaccesskey"
	var outs [2]map[string]string
	for i := range outs {
		dir := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i)+"ebb")
		for _, part := range []string{"functions/" + folder, "pkg", "tools/package"} {
			must(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(root, part))))
		}
		for _, file := range []string{"go.mod", "go.sum", "build.mk", "policy.yaml"} {
			raw, err := os.ReadFile(filepath.Join(root, file))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, file), raw, 0o600))
		}
		cmd := exec.CommandContext(t.Context(), "make", "-s", "-f", "build.mk", "build-zips", "build-sboms",
			"ARCHES=arm64", "VERSION=v1.2.3", "TOOLS="+filepath.Join(root, ".tools"))
		cmd.Dir = dir
		cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
			return strings.HasPrefix(s, "MAKE") || strings.HasPrefix(s, "MFLAGS=") // those of the make that runs the tests
		})
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("make: %v: %s", err, out)
		}
		outs[i] = files(t, filepath.Join(dir, "dist"), "*.zip", "*.json", "SHA256SUMS")
	}
	for name := range outs[0] {
		if outs[0][name] != outs[1][name] {
			t.Errorf("two builds of %s differ", name)
		}
	}
	for _, name := range []string{folder + "-arm64.zip", folder + "-arm64.cdx.json", "SHA256SUMS"} {
		if outs[0][name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	for _, part := range []string{`"bomFormat": "CycloneDX"`, "pkg:golang/github.com/aws/aws-lambda-go@", "goarch=arm64", "v1.2.3"} {
		if !strings.Contains(outs[0][folder+"-arm64.cdx.json"], part) {
			t.Errorf("the SBOM does not say %s", part)
		}
	}
}

// files gives the content of the files in dir whose names match.
func files(t *testing.T, dir string, patterns ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range patterns {
		paths, err := filepath.Glob(filepath.Join(dir, p))
		must(t, err)
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			must(t, err)
			out[filepath.Base(path)] = string(raw)
		}
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
