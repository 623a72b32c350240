//go:build linux

package functions_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/host/rie"
)

// bares names, for a function of each kind of client, the bare program in
// testdata/bare that makes the same clients.
var bares = map[string]string{
	"ec2securitygroup":           "ec2",
	"gitearepositoryvisibility":  "gitea",
	"githubrepositoryvisibility": "github",
	"githubwebhook":              "eventbridge",
	"iamaccesskey":               "iam",
	"s3bucketpolicy":             "s3",
}

// BenchmarkStart measures from the start of a function's process to its first
// poll of the runtime interface, beside a bare program with the same clients.
// Runs of the two take turns; the figures are medians.
func BenchmarkStart(b *testing.B) {
	api := newRuntimeAPI(b)
	dir, err := filepath.Abs("..")
	if err != nil {
		b.Fatal(err)
	}
	for _, folder := range slices.Sorted(maps.Keys(bares)) {
		b.Run(folder, func(b *testing.B) {
			ours := api.process(bootstrap(b, folder, hostArch), map[string]string{
				"EBB_TABLE": "ebb", "EBB_BUS": "ebb", "EBB_POLICY_FILE": filepath.Join(dir, "policy.yaml"),
				"EBB_GITHUB_WEBHOOK_SECRET": "s3cret", "GITHUB_TOKEN": "t0ken",
				"EBB_GITEA_WEBHOOK_SECRET": "s3cret", "EBB_GITEA_URL": "https://git.example.com", "GITEA_TOKEN": "t0ken",
			})
			bare := api.process(buildBare(b, bares[folder]), nil)
			o, r := medians(b, ours, bare)
			b.ReportMetric(float64(o.Microseconds())/1000, "ms/start")
			b.ReportMetric(float64(r.Microseconds())/1000, "bare-ms/start")
			b.ReportMetric(float64(o)/float64(r), "ratio")
		})
	}
}

// medians lets two kinds of starts take turns, and gives the median of each.
func medians(b *testing.B, one, other func(*testing.B) time.Duration) (time.Duration, time.Duration) {
	b.Helper()
	var times [2][]time.Duration
	for b.Loop() {
		for i, start := range []func(*testing.B) time.Duration{one, other} {
			times[i] = append(times[i], start(b))
		}
	}
	b.ReportMetric(0, "ns/op") // of no meaning: it counts both, and how they end
	return median(times[0]), median(times[1])
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// buildBare builds one of the programs in testdata/bare as functions are built.
func buildBare(b *testing.B, name string) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), name)
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", out, "./testdata/bare/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v: %s", name, err, text)
	}
	return out
}

// runtimeAPI is the one part of Lambda's runtime interface that a start needs.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	address string
	polls   chan time.Time
}

func newRuntimeAPI(b *testing.B) runtimeAPI {
	polls := make(chan time.Time, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2018-06-01/runtime/invocation/next" {
			polls <- time.Now()
		}
		<-r.Context().Done() // there is no invocation
	}))
	b.Cleanup(server.Close)
	return runtimeAPI{strings.TrimPrefix(server.URL, "http://"), polls}
}

// process gives a func that starts a program, ends it once it polls, and gives
// the time between.
func (a runtimeAPI) process(path string, settings map[string]string) func(*testing.B) time.Duration {
	env := map[string]string{
		"AWS_LAMBDA_RUNTIME_API": a.address, "AWS_LAMBDA_FUNCTION_NAME": "test", "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test",
	}
	for k, v := range settings {
		env[k] = v
	}
	return func(b *testing.B) time.Duration {
		b.Helper()
		cmd := exec.Command(path)
		cmd.Env = rie.Environ(env)
		var log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &log, &log
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		end := func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		defer end()
		select {
		case at := <-a.polls:
			return at.Sub(began)
		case <-time.After(patience):
			end()
			b.Fatalf("%s never polled: %s", path, &log)
			return 0
		}
	}
}
