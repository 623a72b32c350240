// Package docs_test holds what the documentation claims to what it is about.
package docs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/report"
)

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// services are what IAM calls the services of CloudFormation's types, where it
// does not call them the same.
var services = map[string]string{"Serverless": "lambda"}

// TestDeployersPolicy holds that the deployer may make each kind of resource,
// and nothing of services that no resource is of.
func TestDeployersPolicy(t *testing.T) {
	t.Parallel()
	_, text, _ := strings.Cut(read(t, "deploy.md"), "```json\n")
	text, _, _ = strings.Cut(text, "```")
	var policy struct {
		Statement []struct {
			Sid      string
			Action   any
			Resource any
		}
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, s := range policy.Statement {
		actions, ok := s.Action.([]any)
		if !ok {
			actions = []any{s.Action}
		}
		for _, a := range actions {
			service, name, ok := strings.Cut(a.(string), ":")
			if !ok || name == "*" {
				t.Errorf("%s allows %v", s.Sid, a)
			}
			got[service] = true
		}
	}
	// What CloudFormation calls beside the resources' own services.
	want := map[string]bool{"cloudformation": true, "backup-storage": true, "apigateway": true}
	templates, err := filepath.Glob("../infra/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	nested, err := filepath.Glob("../infra/functions/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^    Type: AWS::(\w+)::`)
	for _, path := range append(append(templates, nested...), "../template.yaml") {
		for _, kind := range kinds.FindAllStringSubmatch(read(t, path), -1) {
			service := services[kind[1]]
			if service == "" {
				service = strings.ToLower(kind[1])
			}
			want[service] = true
		}
	}
	if w, g := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)); !slices.Equal(w, g) {
		t.Errorf("services of the deployer's policy = %v, the templates need %v", g, w)
	}
}

// TestCosts holds the table of costs to the formula above it.
func TestCosts(t *testing.T) {
	t.Parallel()
	doc := read(t, "deploy.md")
	row := func(name string) (out [3]float64) {
		t.Helper()
		for line := range strings.Lines(doc) {
			cells := strings.Split(strings.TrimSpace(line), "|")
			if len(cells) != 6 || strings.Trim(cells[1], " *") != name {
				continue
			}
			for i := range out {
				v, err := strconv.ParseFloat(strings.ReplaceAll(strings.Trim(cells[i+2], " *"), " ", ""), 64)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				out[i] = v
			}
			return out
		}
		t.Fatalf("there is no row %q", name)
		return out
	}
	events, forwarded, reverts, webhooks := row("events that match a rule"), row("of these forwarded"), row("reverts"), row("webhooks")
	traced, stored, series := row("traced"), row("GB in the ledger"), row("series of metrics")
	const kb = 1e-6 // of a GB
	invocation := func(n, seconds float64) float64 { return n * (0.25*seconds*0.0000133334 + 0.0000002) }
	parts := map[string]func(i int) float64{
		"Lambda": func(i int) float64 {
			return invocation(events[i], 0.2) + invocation(reverts[i], 1) + invocation(webhooks[i], 0.1)
		},
		"DynamoDB": func(i int) float64 {
			return events[i]*2*0.000000125 + reverts[i]*(15*0.000000625+6*0.000000125) + stored[i]*(0.25+0.20)
		},
		"EventBridge": func(i int) float64 { return forwarded[i]*0.00000005 + (reverts[i]+webhooks[i])*0.000001 },
		"X-Ray":       func(i int) float64 { return traced[i] * 0.000005 },
		"logs":        func(i int) float64 { return (events[i]*3 + reverts[i]*6 + webhooks[i]*2) * kb * 0.50 },
		"HTTP API":    func(i int) float64 { return webhooks[i] * 0.000001 },
		"archive":     func(i int) float64 { return (forwarded[i]*3 + reverts[i]*4 + webhooks[i]*10) * kb * 0.123 },
		"metrics":     func(i int) float64 { return series[i] * 0.30 },
		"fixed":       func(int) float64 { return 34*0.10 + 2*0.40 + 1 },
	}
	for i := range 3 {
		sum := 0.0
		for name, part := range parts {
			sum += part(i)
			if want, got := fmt.Sprintf("%.2f", part(i)), fmt.Sprintf("%.2f", row(name)[i]); want != got {
				t.Errorf("%s, column %d: %s, the formula says %s", name, i, got, want)
			}
		}
		if want, got := fmt.Sprintf("%.2f", sum), fmt.Sprintf("%.2f", row("in all")[i]); want != got {
			t.Errorf("in all, column %d: %s, the formula says %s", i, got, want)
		}
	}
}

// TestCostOfARevert holds what reports say of it to the formula.
func TestCostOfARevert(t *testing.T) {
	t.Parallel()
	doc := read(t, "deploy.md")
	for _, want := range []string{
		"events·(0.25 GB·0.2 s·$0.0000133334 + $0.0000002)", "reverts·(0.25 GB·1 s·$0.0000133334 + $0.0000002)",
		"events·2·$0.000000125", "reverts·(15·$0.000000625 + 6·$0.000000125)", "(reverts + webhooks)·$0.000001", "traced·$0.000005",
		"(events·3 KB + reverts·6 KB + webhooks·2 KB)·$0.50", "reverts·4 KB + webhooks·10 KB)·$0.123",
	} {
		if !strings.Contains(doc, want) {
			t.Errorf("deploy.md has no %q any more: what pkg/report counts is another price", want)
		}
	}
	const kb = 1e-6
	want := 0.25*(0.2+1)*0.0000133334 + 2*0.0000002 + 2*0.000000125 + 15*0.000000625 + 6*0.000000125 + 0.000001 + 0.000005 + (3+6)*kb*0.50 + 4*kb*0.123
	if math.Abs(report.PerRevert-want) > 1e-12 {
		t.Errorf("a revert costs %v, the formula says %v", report.PerRevert, want)
	}
	if text := fmt.Sprintf("$%.7f", report.PerRevert); !strings.Contains(read(t, "reports.md"), text) {
		t.Errorf("reports.md does not say that a revert costs %s", text)
	}
}
