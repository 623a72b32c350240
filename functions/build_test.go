//go:build linux

package functions_test

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/functions"
)

// How large a function may get, in bytes. For the one that writes reports nobody
// waits; what renders HTML makes the linker keep every method, those of the
// clients of S3, SNS and EventBridge too.
const (
	maxBootstrap = 13_000_000
	maxReport    = 22_500_000
)

func TestBootstraps(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		for _, folder := range lambdaFolders(t) {
			path := bootstrap(t, folder, arch)
			info, err := os.Stat(path)
			check(t, err)
			t.Logf("%-28s %s %9d bytes", folder, arch, info.Size())
			most := int64(maxBootstrap)
			if folder == "report" {
				most = maxReport
			}
			if info.Size() > most {
				t.Errorf("%s for %s has %d bytes, want at most %d", folder, arch, info.Size(), most)
			}
			f, err := elf.Open(path)
			check(t, err)
			if f.Machine != machine {
				t.Errorf("%s for %s is for %s", folder, arch, f.Machine)
			}
			for _, p := range f.Progs {
				if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
					t.Errorf("%s for %s is not statically linked: it has a %s segment", folder, arch, p.Type)
				}
			}
			if _, err := f.Symbols(); !errors.Is(err, elf.ErrNoSymbols) {
				t.Errorf("%s for %s is not stripped", folder, arch)
			}
			check(t, f.Close())
		}
	}
}

// TestLambdaDependencies holds what no function may carry to Lambda.
func TestLambdaDependencies(t *testing.T) {
	heavy := []string{
		"github.com/aws/aws-sdk-go/", "github.com/aws/aws-xray-sdk-go/xray\n", "github.com/getkin/kin-openapi",
		"github.com/google/jsonschema-go", "github.com/prometheus", "github.com/spf13/cobra", "github.com/valyala/fasthttp",
		"github.com/ebb-ops/ebb/pkg/host/local", "go.opentelemetry.io/collector", "go.opentelemetry.io/otel/exporters",
		"go.opentelemetry.io/otel/sdk/metric", "go.opentelemetry.io/proto", "google.golang.org/genproto", "google.golang.org/grpc",
		"modernc.org/", "net/http/httptest", "net/rpc", "testing",
	}
	isReport := func(folder string) bool { return folder == "report" }
	all := lambdaFolders(t)
	wantNone(t, append(heavy, "html/template", "text/template"), slices.DeleteFunc(slices.Clone(all), isReport))
	wantNone(t, heavy, slices.DeleteFunc(all, func(folder string) bool { return !isReport(folder) })) // it writes HTML
}

// wantNone wants none of the packages in the folders' binaries.
func wantNone(t *testing.T, packages, folders []string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc,ebb.lambda")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	for _, folder := range folders {
		cmd.Args = append(cmd.Args, "./"+folder+"/lambda")
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, &stderr)
	}
	for dep := range strings.Lines(string(out)) {
		for _, p := range packages {
			if strings.HasPrefix(dep, p) {
				t.Errorf("a function depends on %s", strings.TrimSpace(dep))
			}
		}
	}
}

// TestBuildIsReproducible builds copies of the tree in two folders.
func TestBuildIsReproducible(t *testing.T) {
	const folder = "ec2securitygroup"
	var sums [2][sha256.Size]byte
	for i := range sums {
		dir := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i)+"ebb")
		for _, part := range []string{"functions/" + folder, "pkg"} {
			check(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("..", part))))
		}
		for _, file := range []string{"go.mod", "go.sum", "build.mk"} {
			raw, err := os.ReadFile(filepath.Join("..", file))
			check(t, err)
			check(t, os.WriteFile(filepath.Join(dir, file), raw, 0o600))
		}
		check(t, makeBuild(dir, "build-functions", "ARCHES="+hostArch, "VERSION=v1.2.3"))
		raw, err := os.ReadFile(filepath.Join(dir, "dist", folder, hostArch, "bootstrap"))
		check(t, err)
		if !bytes.Contains(raw, []byte("v1.2.3")) {
			t.Error("the version is not in it")
		}
		sums[i] = sha256.Sum256(raw)
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds differ: %x and %x", sums[0], sums[1])
	}
}

// TestAll holds the list to the folders: nothing is forgotten.
func TestAll(t *testing.T) {
	others := []string{"giteawebhook", "githubwebhook", "notifier", "report"} // receivers, and what a queue or a schedule starts
	var want []string
	for _, f := range lambdaFolders(t) {
		if !slices.Contains(others, f) {
			want = append(want, f)
		}
	}
	var got []string
	for _, f := range functions.All {
		got = append(got, folder(f.Name))
	}
	if !slices.Equal(want, got) {
		t.Errorf("All = %v, the folders are %v", got, want)
	}
}
