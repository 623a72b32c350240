//go:build linux

package functions_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// prebuilt is the folder into which make test has just built the bootstraps, for
// all tests; empty where a test binary runs alone.
var prebuilt = os.Getenv("EBB_BOOTSTRAPS")

// built is where the bootstraps are, once one was asked for.
var built = prebuilt

func TestMain(m *testing.M) {
	if prebuilt != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "ebb-functions-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build builds every function for an architecture, by the rule that ships them.
func build(arch string) func() error {
	return sync.OnceValue(func() error {
		if prebuilt != "" {
			return nil
		}
		return makeBuild("..", "build-functions", "DIST="+built, "ARCHES="+arch, "VERSION=test", "POLICY=", "NOTIFY=")
	})
}

var builds = map[string]func() error{"amd64": build("amd64"), "arm64": build("arm64")}

// makeBuild runs build.mk in the tree at dir.
func makeBuild(dir string, args ...string) error {
	cmd := exec.Command("make", append([]string{"-s", "-f", "build.mk"}, args...)...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "MAKE") || strings.HasPrefix(s, "MFLAGS=") // those of the make that runs the tests
	})
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// bootstrap gives the path of a function's binary for an architecture.
func bootstrap(t testing.TB, folder, arch string) string {
	t.Helper()
	if err := builds[arch](); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(built, folder, arch, "bootstrap")
}

// lambdaFolders are the folders that have a main for Lambda.
func lambdaFolders(t testing.TB) []string {
	t.Helper()
	mains, err := filepath.Glob("*/lambda/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("found no function: %v", err)
	}
	for i, m := range mains {
		mains[i] = filepath.Dir(filepath.Dir(m))
	}
	return mains
}

// folder gives a function's folder: its name without dashes.
func folder(name string) string { return strings.ReplaceAll(name, "-", "") }

const hostArch = runtime.GOARCH
