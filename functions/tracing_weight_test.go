//go:build linux

package functions_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// maxTracing is how much tracing may add to a function, in bytes.
const maxTracing = 2_000_000

// untraced builds a function without tracing, else as it is shipped.
func untraced(t testing.TB, folder, arch string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "pkg/host/tracing.go"): filepath.Join(root, "functions/testdata/untraced/tracing.go"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, out := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-overlay", file, "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,ebb.lambda",
		"-ldflags", "-s -w -buildid=", "-o", out, "./"+folder+"/lambda")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s without tracing: %v: %s", folder, err, text)
	}
	return out
}

func TestTracingIsLight(t *testing.T) {
	const folder = "ec2securitygroup"
	size := func(path string) int64 {
		info, err := os.Stat(path)
		check(t, err)
		return info.Size()
	}
	with, without := size(bootstrap(t, folder, "arm64")), size(untraced(t, folder, "arm64"))
	t.Logf("%s for arm64 has %d bytes, %d of them for tracing", folder, with, with-without)
	if with-without > maxTracing {
		t.Errorf("tracing adds %d bytes, want at most %d", with-without, maxTracing)
	}
	if with <= without {
		t.Errorf("with tracing it has %d bytes, without %d: is something else measured?", with, without)
	}
}

// BenchmarkTracedStart measures what tracing adds to the start of a function's
// process, to its first poll of the runtime interface. Runs take turns; the
// figures are medians.
func BenchmarkTracedStart(b *testing.B) {
	const folder = "ec2securitygroup"
	api := newRuntimeAPI(b)
	dir, err := filepath.Abs("..")
	if err != nil {
		b.Fatal(err)
	}
	settings := map[string]string{"EBB_TABLE": "ebb", "EBB_BUS": "ebb", "EBB_POLICY_FILE": filepath.Join(dir, "policy.yaml")}
	with := api.process(bootstrap(b, folder, hostArch), settings)
	without := api.process(untraced(b, folder, hostArch), settings)
	w, o := medians(b, with, without)
	b.ReportMetric(float64(w.Microseconds())/1000, "ms/start")
	b.ReportMetric(float64(o.Microseconds())/1000, "untraced-ms/start")
	b.ReportMetric(float64((w-o).Microseconds())/1000, "ms-added")
}
