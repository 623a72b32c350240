package policy_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// sgParams has a field of every sort that parameters may have.
type sgParams struct {
	RiskyPorts []int                     `json:"risky_ports" jsonschema:"ports that must not be open to the world"`
	Allowed    map[string][]netip.Prefix `json:"allowed,omitempty"`
	Limits     sgLimits                  `json:"limits"`
	Rules      []sgRule                  `json:"rules"`
	Name       string                    `json:"name"`
	Strict     bool                      `json:"strict"`
	Ratio      float64                   `json:"ratio"`
	Small      int8                      `json:"small"`
	Level      uint16                    `json:"level"`
	Maybe      *int                      `json:"maybe,omitempty"`
	internal   string
}

type sgLimits struct {
	Least int `json:"least"`
	Most  int `json:"most"`
}

type sgRule struct {
	Port  int    `json:"port"`
	Title string `json:"title"`
}

func (p *sgParams) Validate() error {
	if p.Limits.Least > p.Limits.Most {
		return errors.New("limits.least is more than limits.most")
	}
	return nil
}

func sgDefaults() sgParams {
	return sgParams{
		RiskyPorts: []int{22, 3389, 5432},
		Allowed:    map[string][]netip.Prefix{"vpn": {netip.MustParsePrefix("203.0.113.0/24")}},
		Limits:     sgLimits{Least: 1, Most: 5},
		Rules:      []sgRule{{Port: 1, Title: "one"}},
		Name:       "default",
		internal:   "kept",
	}
}

func fakes() []remedy.Function {
	return []remedy.Function{
		{Name: "ec2-security-group", Params: sgDefaults()},
		{Name: "s3-bucket-policy", Params: struct{}{}},
		{Name: "iam-access-key"},
	}
}

func load(t testing.TB, src string) *policy.Policy {
	t.Helper()
	p, err := policy.Load([]byte(src), "policy.yaml", fakes(), now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sample(t testing.TB, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
