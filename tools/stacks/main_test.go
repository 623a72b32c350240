package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

const root = "../.."

func TestTemplatesAreMadeFromTheCode(t *testing.T) {
	t.Parallel()
	files, err := generate(root, functions.All)
	if err != nil {
		t.Fatal(err)
	}
	stacks := 0
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what the code says: run make generate (-want +got):\n%s", name, diff)
		}
		if strings.HasPrefix(name, "infra/functions/") {
			stacks++
		}
	}
	if stacks < 3 {
		t.Errorf("%d nested stacks were made, want one for each of AWS's services", stacks)
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	trigger := func(sources ...string) (out []remedy.Trigger) {
		for _, s := range sources {
			out = append(out, remedy.Trigger{Source: s, Names: []string{"X"}})
		}
		return out
	}
	for name, tt := range map[string]struct {
		f    remedy.Function
		want string
	}{
		"a service without a title": {remedy.Function{Name: "x", Triggers: trigger("aws.x")}, "what people call the service x"},
		"no role.yaml":              {remedy.Function{Name: "no-such", Triggers: trigger("aws.s3")}, "read what the role of no-such may do"},
		"two sources":               {remedy.Function{Name: "iam-access-key", Triggers: trigger("aws.iam", "aws.s3")}, "its rule can be for one of them"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := generate(root, []remedy.Function{tt.f}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, want string }{
		"an empty part":    {"a:\n  # made: x\n  # end: x\nb\n", "a:\n  # made: x\n  new\n  # end: x\nb\n"},
		"a part":           {"a:\n  # made: x\n  old\n  older\n  # end: x\nb\n", "a:\n  # made: x\n  new\n  # end: x\nb\n"},
		"a part in a list": {"a:\n  - # made: x\n    - old\n    # end: x\n", "a:\n  - # made: x\n  new\n    # end: x\n"},
		"another part":     {"a:\n  # made: y\n  # end: y\n", ""},
		"no end":           {"a:\n  # made: x\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := replace([]byte(tt.file), "x", []byte("  new\n"))
			if (err != nil) != (tt.want == "") {
				t.Fatalf("error = %v", err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
