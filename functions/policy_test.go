package functions_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/schema"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// TestPublishedSchema holds policy.schema.json to the functions' parameters.
func TestPublishedSchema(t *testing.T) {
	t.Parallel()
	const file = "../policy.schema.json"
	got, err := schema.Schema(functions.All)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("policy.schema.json is out of date; run `go test ./functions -run TestPublishedSchema -update` (-file +code):\n%s", diff)
	}
}

// TestExamplePolicy holds the policy at the top of the repository to the loader.
func TestExamplePolicy(t *testing.T) {
	t.Parallel()
	p, err := policy.LoadFile("../policy.yaml", functions.All, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
}
