package schema_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/schema"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type params struct {
	RiskyPorts []int                     `json:"risky_ports" jsonschema:"ports that must not be open to the world"`
	Allowed    map[string][]netip.Prefix `json:"allowed,omitempty" jsonschema:"ranges that may be open, by office"`
	Limits     limits                    `json:"limits"`
	Rules      []rule                    `json:"rules"`
	Strict     bool                      `json:"strict"`
	Ratio      float64                   `json:"ratio"`
	Small      int8                      `json:"small"`
	Name       *string                   `json:"name,omitempty"`
}

type limits struct {
	Least int `json:"least"`
	Most  int `json:"most"`
}

type rule struct {
	Port int `json:"port"`
}

func fakes() []remedy.Function {
	return []remedy.Function{
		{Name: "ec2-security-group", Title: "Closes ports.", Params: params{RiskyPorts: []int{22, 3389}, Limits: limits{1, 5}}},
		{Name: "s3-bucket-policy", Params: struct{}{}},
		{Name: "iam-access-key"},
	}
}

// validator gives the schema of the fakes, ready to validate with.
func validator(t testing.TB) *jsonschema.Resolved {
	t.Helper()
	src, err := schema.Schema(fakes())
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(src, &s); err != nil {
		t.Fatal(err)
	}
	// The defaults must be valid themselves.
	r, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// validate judges a policy file by its schema alone, as an editor would.
func validate(t testing.TB, r *jsonschema.Resolved, src []byte) error {
	t.Helper()
	var decoded, v any
	if err := yaml.Unmarshal(src, &decoded); err != nil {
		t.Fatal(err)
	}
	// Once through JSON, for the types that the validator expects.
	encoded, err := json.Marshal(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &v); err != nil {
		t.Fatal(err)
	}
	return r.Validate(v)
}

func TestSchemaAgreesWithLoad(t *testing.T) {
	t.Parallel()
	sg := func(s string) string { return "version: 1\nfunctions: {ec2-security-group: {" + s + "}}" }
	exempt := func(s string) string {
		return "version: 1\nexemptions: [{id: a, reason: r, owner: o, expires: 2027-01-31, " + s + "}]"
	}
	good := []string{
		"version: 1",
		"version: 1\ndefaults: {}\nfunctions: {}\nexemptions: []",
		"version: 1\nfunctions: {s3-bucket-policy: {params: {}}, iam-access-key: {mode: off, scopes: []}}",
		"version: 1\ndefaults: {mode: enforce, undo_hold: 1h30m5s, caps: {blast: {limit: 1, window: 90s}}}",
		"version: 1\ntracing: {noops: 0}", "version: 1\ntracing: {noops: 0.25}", "version: 1\ntracing: {noops: 1}", "version: 1\ntracing: {}",
		sg("params: {}"),
		sg("params: {risky_ports: [], ratio: 1, small: -128, strict: true, name: x}"),
		sg("params: {limits: {most: 2}, rules: [{}, {port: 1}], allowed: {a: [10.0.0.0/8]}}"),
		sg("scopes: [{name: a, accounts: ['*'], params: {strict: true}, caps: {}}]"),
		sg("scopes: [{name: a, regions: [x], resources: [y, z]}]"),
		exempt("account: '1*'"), exempt("actor: ' * '"), exempt("tag: a"), exempt("tag: a="), exempt("tag: a=b=c"),
		exempt("function: iam-access-key, resource: '?'"),
		"version: 1\nexemptions: [{id: a, tag: b, reason: r, owner: o, expires: '2027-01-31T10:00:00.5+02:00'}]",
	}
	bad := []string{
		"defaults: {}",
		"version: 2",
		"version: '1'",
		"- version: 1",
		"version: 1\nfunction: {}",
		"version: 1\ndefaults:",
		"version: 1\ndefaults: {params: {}}",
		"version: 1\ndefaults: {mode: on}",
		"version: 1\ndefaults: {mode: false}",
		"version: 1\ndefaults: {undo_hold: 10}",
		"version: 1\ndefaults: {undo_hold: 1.5h}",
		"version: 1\ndefaults: {undo_hold: 10ms}",
		"version: 1\ndefaults: {undo_hold: -1h}",
		"version: 1\ndefaults: {caps: {burst: {limit: 1, window: 1h}}}",
		"version: 1\ndefaults: {caps: {blast: {limit: 0, window: 1h}}}",
		"version: 1\ndefaults: {caps: {blast: {limit: 1.5, window: 1h}}}",
		"version: 1\ndefaults: {caps: {blast: {limit: 1}}}",
		"version: 1\ndefaults: {caps: {blast: {window: 1h}}}",
		"version: 1\ntracing: {noops: 2}", "version: 1\ntracing: {noops: -0.1}", "version: 1\ntracing: {noops: '1'}",
		"version: 1\ntracing: {noop: 1}", "version: 1\ntracing: 0.5",
		"version: 1\nfunctions: {nonsense: {}}",
		"version: 1\nfunctions: {iam-access-key: }",
		"version: 1\nfunctions: {iam-access-key: {params: {}}}",
		"version: 1\nfunctions: {s3-bucket-policy: {params: {a: 1}}}",
		sg("mod: off"),
		sg("params: {Strict: true}"), sg("params: {risky_ports: 22}"), sg("params: {risky_ports: ['22']}"),
		sg("params: {risky_ports: }"), sg("params: {name: null}"), sg("params: {name: 1}"), sg("params: {strict: 'true'}"),
		sg("params: {ratio: x}"), sg("params: {small: 128}"), sg("params: {limits: {mots: 1}}"), sg("params: {rules: [{prot: 1}]}"),
		sg("params: {allowed: {a: 10.0.0.0/8}}"), sg("params: {allowed: {a: [1]}}"),
		sg("scopes: {}"), sg("scopes: [a]"), sg("scopes: [{accounts: ['1']}]"), sg("scopes: [{name: ' ', accounts: ['1']}]"),
		sg("scopes: [{name: a}]"), sg("scopes: [{name: a, accounts: []}]"), sg("scopes: [{name: a, accounts: [1]}]"),
		sg("scopes: [{name: a, accounts: ['']}]"), sg("scopes: [{name: a, account: ['1']}]"),
		sg("scopes: [{name: a, accounts: ['1'], params: {stirct: true}}]"),
		exempt("function: iam-access-key"), exempt("account: '*'"), exempt("actor: '**'"), exempt("account: ' '"), exempt("account: 1"),
		exempt("tag: '=a'"), exempt("function: nonsense, account: '1'"), exempt("accounts: ['1']"),
		"version: 1\nexemptions: [{tag: b, reason: r, owner: o, expires: 2027-01-31}]",
		"version: 1\nexemptions: [{id: a, tag: b, owner: o, expires: 2027-01-31}]",
		"version: 1\nexemptions: [{id: a, tag: b, reason: r, expires: 2027-01-31}]",
		"version: 1\nexemptions: [{id: a, tag: b, reason: r, owner: o}]",
		"version: 1\nexemptions: [{id: a, tag: b, reason: '', owner: o, expires: 2027-01-31}]",
		"version: 1\nexemptions: [{id: a, tag: b, reason: r, owner: o, expires: tomorrow}]",
	}
	for _, name := range []string{"full.yaml", "minimal.yaml", "policy.json"} {
		src, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		good = append(good, string(src))
	}
	r := validator(t)
	for _, src := range good {
		if _, err := policy.Load([]byte(src), "policy.yaml", fakes(), now); err != nil {
			t.Errorf("Load refuses\n%s\n%v", src, err)
		}
		if err := validate(t, r, []byte(src)); err != nil {
			t.Errorf("the schema refuses\n%s\n%v", src, err)
		}
	}
	for _, src := range bad {
		if _, err := policy.Load([]byte(src), "policy.yaml", fakes(), now); err == nil {
			t.Errorf("Load accepts\n%s", src)
		}
		if err := validate(t, r, []byte(src)); err == nil {
			t.Errorf("the schema accepts\n%s", src)
		}
	}
}

func TestSchemaIsStable(t *testing.T) {
	t.Parallel()
	first, err := schema.Schema(fakes())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := schema.Schema(fakes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(first), string(again)); diff != "" {
			t.Fatalf("another schema (-first +again):\n%s", diff)
		}
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	got, err := schema.Params(fakes()[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Param{
		{"risky_ports", "list of whole numbers", json.RawMessage("[22,3389]"), "ports that must not be open to the world"},
		{"allowed", "mapping to lists of strings", json.RawMessage("{}"), "ranges that may be open, by office"},
		{"limits", "mapping with least, most", json.RawMessage(`{"least":1,"most":5}`), ""},
		{"rules", "list of mappings with port", json.RawMessage("[]"), ""},
		{"strict", "true or false", json.RawMessage("false"), ""},
		{"ratio", "number", json.RawMessage("0"), ""},
		{"small", "whole number", json.RawMessage("0"), ""},
		{"name", "string", nil, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Params (-want +got):\n%s", diff)
	}
	if got, err := schema.Params(remedy.Function{Name: "f"}); got != nil || err != nil {
		t.Errorf("without parameters: %v, %v, want none", got, err)
	}
}

func TestRefusesParameterTypes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		params any
		want   string
	}{
		"no struct": {[]int{1}, "parameters are []int, want a struct"},
		"a channel": {struct{ C chan int }{}, "unsupported"},
	} {
		f := remedy.Function{Name: "odd", Params: tc.params}
		if _, err := schema.Params(f); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "odd") {
			t.Errorf("%s: Params: %v, want an error with %q", name, err, tc.want)
		}
		if _, err := schema.Schema([]remedy.Function{f}); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "odd") {
			t.Errorf("%s: Schema: %v, want an error with %q", name, err, tc.want)
		}
	}
}

func FuzzSchemaAcceptsWhatLoadAccepts(f *testing.F) {
	for _, name := range []string{"full.yaml", "minimal.yaml", "policy.json"} {
		src, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(`version: 1
defaults: {mode: enforce, undo_hold: 1h, caps: {fight: {limit: 2, window: 1m}}}
functions:
  ec2-security-group:
    params: {ratio: 1.5, allowed: {a: [10.0.0.0/8]}, name: x, rules: [{port: 1}]}
    scopes: [{name: a, accounts: ["*"], regions: [x]}]
exemptions:
  - {id: a, tag: a=b, actor: "x*", reason: r, owner: o, expires: 2027-01-31T10:00:00Z}
`))
	r := validator(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := policy.Load(src, "policy.yaml", fakes(), now); err != nil {
			return
		}
		if err := validate(t, r, src); err != nil {
			t.Errorf("Load accepts it, the schema does not: %v", err)
		}
	})
}
