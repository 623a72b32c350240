package policy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestLoadReportsEveryProblem(t *testing.T) {
	t.Parallel()
	sg := func(s string) string { return "version: 1\nfunctions:\n  ec2-security-group:\n    " + s }
	exempt := func(s string) string { return "version: 1\nexemptions:\n  - " + s }
	for _, tc := range []struct {
		name, src string
		want      []string
	}{
		// The file.
		{"empty", "", []string{"policy.yaml:1:1: the policy is empty: it needs at least version: 1"}},
		{"only comments", "# nothing\n", []string{"policy.yaml:1:1: the policy is empty: it needs at least version: 1"}},
		{"not YAML", "version: 1\nfunctions: [a\n", []string{"policy.yaml:2:12: not valid YAML: sequence end token ']' not found"}},
		{"tab as indentation", "defaults:\n\tmode: off", []string{"policy.yaml:2:1: not valid YAML: found character '\t' that cannot start any token"}},
		{"bad indentation", "version: 1\ndefaults:\n    mode: observe\n  undo_hold: 1h\n", []string{"policy.yaml:4:3: not valid YAML: value is not allowed in this context"}},
		{"two documents", "version: 1\n---\nversion: 1\n", []string{"policy.yaml:3:1: a policy file holds one YAML document without directives; a second part starts here"}},
		{"directive", "%YAML 1.1\n---\nversion: 1\n", []string{"policy.yaml:3:1: a policy file holds one YAML document without directives; a second part starts here"}},
		{"not UTF-8", "version: 1\n# é\xff\n", []string{"policy.yaml:2:4: the file is not UTF-8 text"}},
		{"a list", "- version: 1\n", []string{"policy.yaml:1:1: the policy must be a mapping, not a list"}},
		{"a string", "version\n", []string{"policy.yaml:1:1: the policy must be a mapping, not a string"}},
		{"anchor and alias", "version: &v 1\ndefaults: *v\n", []string{
			"policy.yaml:1:10: version must be a whole number, not an anchor or alias, which policy files can't have",
			"policy.yaml:2:11: defaults must be a mapping, not an anchor or alias, which policy files can't have",
		}},
		{"merge key", "version: 1\n<<: {}\n", []string{"policy.yaml:2:1: the policy has a key that is a merge key, which policy files can't have; a key must be a string"}},
		{"tag", "version: !!int 1\n", []string{"policy.yaml:1:10: version must be a whole number, not a YAML tag, which policy files can't have"}},
		{"keys of other types", "version: 1\n1: a\ntrue: b\n? c\n: d\n", []string{
			"policy.yaml:2:1: the policy has a key that is a whole number; a key must be a string",
			"policy.yaml:3:1: the policy has a key that is true or false; a key must be a string",
			"policy.yaml:4:1: the policy has a key that is something else, which policy files can't have; a key must be a string",
		}},
		{"duplicate key", "version: 1\ndefaults: {}\nversion: 1\n", []string{`policy.yaml:3:1: key "version" of the policy is given already, on line 1`}},
		{"unknown key", "version: 1\nfunction: {}\n", []string{`policy.yaml:2:1: unknown key "function" in the policy: did you mean "functions"?`}},
		{"unknown key far from any", "version: 1\nzzzzzzzz: {}\n", []string{`policy.yaml:2:1: unknown key "zzzzzzzz" in the policy; there are defaults, exemptions, functions, tracing, version`}},
		{"empty section", "version: 1\nfunctions:\n", []string{"policy.yaml:2:12: functions is empty: give it a mapping, or remove it"}},
		{"after a byte order mark", "\ufeffversion: 2\n", []string{"policy.yaml:1:10: version 2 is not known; there is version 1"}},
		{"with carriage returns", "version: 1\r\ndefaults:\r\n  mode: on\r\n", []string{`policy.yaml:3:9: unknown mode "on"; there are enforce, observe, off`}},
		{"after wide characters", `{"version": 1, "défauts": {}}`, []string{`policy.yaml:1:16: unknown key "défauts" in the policy: did you mean "defaults"?`}},

		// Version.
		{"no version", "defaults: {}\n", []string{"policy.yaml:1:1: the policy has no version: add version: 1"}},
		{"another version", "version: 2\n", []string{"policy.yaml:1:10: version 2 is not known; there is version 1"}},
		{"version as text", "version: '1'\n", []string{"policy.yaml:1:10: version must be a whole number, not a string"}},

		// Modes, caps, durations.
		{"unknown mode", "version: 1\ndefaults: {mode: enforced}\n", []string{`policy.yaml:2:18: unknown mode "enforced": did you mean "enforce"?`}},
		{"mode as a list", "version: 1\ndefaults: {mode: [off]}\n", []string{"policy.yaml:2:18: mode must be off, observe or enforce, not a list"}},
		{"unquoted false as mode", "version: 1\ndefaults: {mode: false}\n", []string{"policy.yaml:2:18: mode must be off, observe or enforce, not true or false"}},
		{"unknown cap", "version: 1\ndefaults: {caps: {blst: {limit: 1, window: 1h}}}\n", []string{`policy.yaml:2:19: unknown key "blst" in caps: did you mean "blast"?`}},
		{"limit of nothing", "version: 1\ndefaults: {caps: {blast: {limit: 0, window: 1h}}}\n", []string{"policy.yaml:2:34: limit must be at least 1; to stop a function set mode: off or observe"}},
		{"limit below nothing", "version: 1\ndefaults: {caps: {fight: {limit: -3, window: 1h}}}\n", []string{"policy.yaml:2:34: limit must be at least 1; to stop a function set mode: off or observe"}},
		{"limit beyond counting", "version: 1\ndefaults: {caps: {fight: {limit: 101, window: 1h}}}\n", []string{"policy.yaml:2:34: the fight cap can count up to 100 reverts, not 101"}},
		{"window beyond memory", "version: 1\ndefaults: {caps: {blast: {limit: 1, window: 745h}}}\n", []string{"policy.yaml:2:45: the blast cap can look back over at most 31 days"}},
		{"limit as text", "version: 1\ndefaults: {caps: {fight: {limit: '3', window: 1h}}}\n", []string{"policy.yaml:2:34: limit must be a whole number, not a string"}},
		{"limit with a fraction", "version: 1\ndefaults: {caps: {fight: {limit: 3.5, window: 1h}}}\n", []string{"policy.yaml:2:34: limit must be a whole number, not a fraction"}},
		{"limit out of range", "version: 1\ndefaults: {caps: {fight: {limit: 18446744073709551615, window: 1h}}}\n", []string{"policy.yaml:2:34: limit is out of range: 18446744073709551615"}},
		{"cap without window", "version: 1\ndefaults: {caps: {fight: {limit: 3}}}\n", []string{"policy.yaml:2:26: the fight cap has no window"}},
		{"cap without limit", "version: 1\ndefaults: {caps: {fight: {window: 3h}}}\n", []string{"policy.yaml:2:26: the fight cap has no limit"}},
		{"cap as a number", "version: 1\ndefaults: {caps: {fight: 3}}\n", []string{"policy.yaml:2:26: the fight cap must be a mapping, not a whole number"}},
		{"several bad values", "version: 1\ndefaults:\n  mode: x\n  caps: {fight: {limit: 0, window: soon}}\n  undo_hold: 3 days\n", []string{
			`policy.yaml:3:9: unknown mode "x"; there are enforce, observe, off`,
			"policy.yaml:4:25: limit must be at least 1; to stop a function set mode: off or observe",
			`policy.yaml:4:36: window is "soon"; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`,
			`policy.yaml:5:14: undo_hold is "3 days"; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`,
		}},
		{"duration as a number", "version: 1\ndefaults: {undo_hold: 10}\n", []string{`policy.yaml:2:23: undo_hold must be a duration, such as "10m", not a whole number`}},
		{"duration of nothing", "version: 1\ndefaults: {undo_hold: 0s}\n", []string{"policy.yaml:2:23: undo_hold must be longer than nothing"}},
		{"duration below nothing", "version: 1\ndefaults: {undo_hold: -1h}\n", []string{`policy.yaml:2:23: undo_hold is "-1h"; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`}},
		{"duration with a fraction", "version: 1\ndefaults: {undo_hold: 1.5h}\n", []string{`policy.yaml:2:23: undo_hold is "1.5h"; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`}},
		{"duration in milliseconds", "version: 1\ndefaults: {undo_hold: 10ms}\n", []string{`policy.yaml:2:23: undo_hold is "10ms"; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`}},
		{"duration out of range", "version: 1\ndefaults: {undo_hold: 9999999999h}\n", []string{`policy.yaml:2:23: undo_hold is "9999999999h"; write a duration in whole hours, minutes and seconds, such as "90s", "10m" or "1h30m"`}},
		{"share above all", "version: 1\ntracing: {noops: 1.01}\n", []string{"policy.yaml:2:18: noops is 1.01; it is a share, from 0 for none to 1 for all"}},
		{"share below none", "version: 1\ntracing: {noops: -1}\n", []string{"policy.yaml:2:18: noops is -1; it is a share, from 0 for none to 1 for all"}},
		{"share as text", "version: 1\ntracing: {noops: 5%}\n", []string{"policy.yaml:2:18: noops must be a number from 0 to 1, not a string"}},
		{"share that is no number", "version: 1\ntracing: {noops: .nan}\n", []string{"policy.yaml:2:18: noops must be a number from 0 to 1, not infinite or not a number"}},
		{"params among the defaults", "version: 1\ndefaults: {params: {}}\n", []string{`policy.yaml:2:12: unknown key "params" in defaults; there are caps, mode, undo_hold`}},

		// Functions.
		{"unknown function", "version: 1\nfunctions:\n  ec2-security-groups: {mode: enforce}\n", []string{`policy.yaml:3:3: unknown function "ec2-security-groups": did you mean "ec2-security-group"?`}},
		{"unknown function far from any", "version: 1\nfunctions: {zzz: {}}\n", []string{`policy.yaml:2:13: unknown function "zzz"; there are ec2-security-group, iam-access-key, s3-bucket-policy`}},
		{"function twice", "version: 1\nfunctions:\n  iam-access-key: {}\n  iam-access-key: {}\n", []string{`policy.yaml:4:3: key "iam-access-key" of functions is given already, on line 3`}},
		{"unknown key of a function", sg("mod: enforce"), []string{`policy.yaml:4:5: unknown key "mod" in function ec2-security-group: did you mean "mode"?`}},
		{"function without settings", "version: 1\nfunctions:\n  iam-access-key:\n", []string{"policy.yaml:3:19: function iam-access-key is empty: give it a mapping, or remove it"}},

		// Parameters.
		{"unknown parameter", sg("params: {risky_port: [22]}"), []string{`policy.yaml:4:14: unknown key "risky_port" in params: did you mean "risky_ports"?`}},
		{"parameter in other case", sg("params: {Risky_Ports: [22]}"), []string{`policy.yaml:4:14: unknown key "Risky_Ports" in params: did you mean "risky_ports"?`}},
		{"number for a list", sg("params: {risky_ports: 22}"), []string{"policy.yaml:4:27: params.risky_ports must be a list, not a whole number"}},
		{"text in a list of numbers", sg("params:\n      risky_ports:\n        - 22\n        - ssh"), []string{"policy.yaml:7:11: params.risky_ports[1] must be a whole number, not a string"}},
		{"number for text", sg("params: {name: 012}"), []string{`policy.yaml:4:20: params.name must be a string, not a whole number: put it in quotes, "012"`}},
		{"text for a truth value", sg("params: {strict: yes}"), []string{"policy.yaml:4:22: params.strict must be true or false, not a string"}},
		{"text for a number", sg("params: {ratio: half}"), []string{"policy.yaml:4:21: params.ratio must be a number, not a string"}},
		{"infinite number", sg("params: {ratio: .inf}"), []string{"policy.yaml:4:21: params.ratio must be a number, not infinite or not a number"}},
		{"number too large", sg("params: {ratio: 1.5e999}"), []string{"policy.yaml:4:21: params.ratio must be a number, not a string"}},
		{"number out of range", sg("params: {small: 128, level: -1}"), []string{
			"policy.yaml:4:21: params.small is out of range: 128",
			"policy.yaml:4:33: params.level is out of range: -1",
		}},
		{"null", sg("params: {name: null, maybe: ~}"), []string{
			"policy.yaml:4:20: params.name is empty: give it a string, or remove it",
			"policy.yaml:4:33: params.maybe is empty: give it a whole number, or remove it",
		}},
		{"text that its type refuses", sg("params: {allowed: {office: [10.0.0.0]}}"), []string{`policy.yaml:4:33: params.allowed.office[0]: netip.ParsePrefix("10.0.0.0"): no '/'`}},
		{"unknown key within", sg("params: {limits: {mots: 1}, rules: [{prot: 1}]}"), []string{
			`policy.yaml:4:23: unknown key "mots" in params.limits: did you mean "most"?`,
			`policy.yaml:4:42: unknown key "prot" in params.rules[0]: did you mean "port"?`,
		}},
		{"refused by Validate", sg("mode: enforce\n    params: {limits: {least: 9}}"), []string{"policy.yaml:5:13: params of function ec2-security-group: limits.least is more than limits.most"}},
		{"refused by Validate in a scope", sg("scopes:\n      - name: s\n        accounts: ['1']\n        params:\n          limits: {most: 0}"), []string{"policy.yaml:8:11: params of scope s: limits.least is more than limits.most"}},
		{"bad params are not blamed on scopes", sg("params: {limits: {most: 100}, nmae: x}\n    scopes: [{name: s, accounts: ['1'], params: {limits: {least: 50}}}]"), []string{`policy.yaml:4:35: unknown key "nmae" in params: did you mean "name"?`}},
		{"function without parameters", "version: 1\nfunctions: {iam-access-key: {params: {}}}", []string{"policy.yaml:2:38: function iam-access-key takes no parameters"}},
		{"function with no fields", "version: 1\nfunctions: {s3-bucket-policy: {params: {a: 1}}}", []string{`policy.yaml:2:41: unknown key "a" in params; there are none`}},

		// Scopes.
		{"scope without name", sg("scopes:\n      - accounts: ['1']"), []string{"policy.yaml:5:9: the scope has no name"}},
		{"scope with blank name", sg("scopes:\n      - {name: ' ', accounts: ['1']}"), []string{"policy.yaml:5:16: name is blank"}},
		{"scope name twice", sg("scopes:\n      - {name: a, accounts: ['1']}\n      - {name: a, accounts: ['2']}"), []string{`policy.yaml:6:16: scope "a" is given already, on line 5`}},
		{"scope that matches everything", sg("scopes:\n      - name: a\n        mode: enforce"), []string{"policy.yaml:5:9: scope a matches everything: give it accounts, regions or resources, or set what it says for the function"}},
		{"scope with bad lists", sg("scopes:\n      - {name: a, accounts: [], regions: us-*, resources: ['']}"), []string{
			"policy.yaml:5:29: accounts is an empty list, which would match nothing: remove it, or list patterns",
			"policy.yaml:5:42: regions must be a list, not a string",
			"policy.yaml:5:60: resources[0] is blank",
		}},
		{"account as a number", sg("scopes:\n      - {name: a, accounts: [123456789012, 012345670123]}"), []string{
			`policy.yaml:5:30: accounts[0] must be a string, not a whole number: put it in quotes, "123456789012"`,
			`policy.yaml:5:44: accounts[1] must be a string, not a whole number: put it in quotes, "012345670123"`,
		}},
		{"unknown key of a scope", sg("scopes:\n      - {name: a, account: ['1']}"), []string{
			"policy.yaml:5:9: scope a matches everything: give it accounts, regions or resources, or set what it says for the function",
			`policy.yaml:5:19: unknown key "account" in a scope: did you mean "accounts"?`,
		}},
		{"scopes as a mapping", sg("scopes: {name: a}"), []string{"policy.yaml:4:13: scopes must be a list, not a mapping"}},
		{"scope as text", sg("scopes: [a]"), []string{"policy.yaml:4:14: a scope must be a mapping, not a string"}},

		// Exemptions.
		{"nothing mandatory", exempt("account: '1'"), []string{
			"policy.yaml:3:5: the exemption has no id",
			"policy.yaml:3:5: the exemption has no reason; reason, owner and expires are mandatory",
			"policy.yaml:3:5: the exemption has no owner; reason, owner and expires are mandatory",
			"policy.yaml:3:5: the exemption has no expires; reason, owner and expires are mandatory",
		}},
		{"blank", exempt("{id: '', account: ' ', reason: '', owner: \"\\t\", expires: ''}"), []string{
			"policy.yaml:3:10: id is blank",
			"policy.yaml:3:23: account is blank",
			"policy.yaml:3:36: reason is blank",
			"policy.yaml:3:47: owner is blank",
			`policy.yaml:3:62: expires is ""; write a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z`,
		}},
		{"id twice", exempt("{id: a, account: '1', reason: r, owner: o, expires: 2027-01-01}\n  - {id: a, account: '1', reason: r, owner: o, expires: 2027-01-01}"), []string{`policy.yaml:4:10: exemption "a" is given already, on line 3`}},
		{"function alone", exempt("{id: a, function: iam-access-key, reason: r, owner: o, expires: 2027-01-01}"), []string{"policy.yaml:3:5: exemption a covers every resource: narrow it by resource, account, tag or actor, or set mode: off for the function"}},
		{"everything", exempt("{id: a, account: '*', reason: r, owner: o, expires: 2027-01-01}"), []string{`policy.yaml:3:22: account "*" does not narrow the exemption: remove it, or narrow it`}},
		{"of an unknown function", exempt("{id: a, function: iam-access-kye, account: '1', reason: r, owner: o, expires: 2027-01-01}"), []string{`policy.yaml:3:23: unknown function "iam-access-kye": did you mean "iam-access-key"?`}},
		{"tag without key", exempt("{id: a, tag: '=yes', reason: r, owner: o, expires: 2027-01-01}"), []string{`policy.yaml:3:18: tag "=yes" has no key: write key or key=value`}},
		{"no such day", exempt("{id: a, account: '1', reason: r, owner: o, expires: 2027-02-30}"), []string{`policy.yaml:3:57: expires is "2027-02-30"; write a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z`}},
		{"time without zone", exempt("{id: a, account: '1', reason: r, owner: o, expires: 2027-01-31T10:00:00}"), []string{`policy.yaml:3:57: expires is "2027-01-31T10:00:00"; write a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z`}},
		{"expiry as a number", exempt("{id: a, account: '1', reason: r, owner: o, expires: 2027}"), []string{"policy.yaml:3:57: expires must be a date, such as 2027-01-31, not a whole number"}},
		{"unknown key of an exemption", exempt("{id: a, accounts: ['1'], reason: r, owner: o, expires: 2027-01-01}"), []string{
			"policy.yaml:3:5: exemption a covers every resource: narrow it by resource, account, tag or actor, or set mode: off for the function",
			`policy.yaml:3:13: unknown key "accounts" in an exemption: did you mean "account"?`,
		}},
		{"exemption as text", exempt("a"), []string{"policy.yaml:3:5: an exemption must be a mapping, not a string"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Load([]byte(tc.src), "policy.yaml", fakes(), now)
			if err == nil || p != nil {
				t.Fatalf("policy %v, error %v, want an error only", p, err)
			}
			if diff := cmp.Diff(tc.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadErrorsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	_, err := policy.Load([]byte("version: 1\ndefaults:\n  mode: never\n"), "p.yaml", fakes(), now)
	var got *policy.Error
	if !errors.As(err, &got) {
		t.Fatalf("error %v is no *policy.Error", err)
	}
	want := &policy.Error{File: "p.yaml", Line: 3, Column: 9, Message: `unknown mode "never"; there are enforce, observe, off`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestLoadLimitsProblems(t *testing.T) {
	t.Parallel()
	src := "version: 1\nexemptions:\n" + strings.Repeat("- x\n", policy.MaxProblems+7)
	_, err := policy.Load([]byte(src), "policy.yaml", fakes(), now)
	lines := strings.Split(err.Error(), "\n")
	if got, want := lines[len(lines)-1], "policy.yaml: 7 more problems are not shown"; got != want || len(lines) != policy.MaxProblems+1 {
		t.Errorf("%d lines, the last %q, want %q", len(lines), got, want)
	}
}

func TestLoadFile(t *testing.T) {
	t.Parallel()
	if _, err := policy.LoadFile(filepath.Join("testdata", "full.yaml"), fakes(), now); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.yaml")
	if _, err := policy.LoadFile(missing, fakes(), now); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing file: %v", err)
	}
	for size, want := range map[int]string{
		policy.MaxSize:     "policy.yaml:1:1: the policy is empty: it needs at least version: 1",
		policy.MaxSize + 1: "policy.yaml: the file is larger than 1048576 bytes",
		policy.MaxSize * 2: "policy.yaml: the file is larger than 1048576 bytes",
	} {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(path, []byte(strings.Repeat("\n", size)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := policy.LoadFile(path, fakes(), now)
		if err == nil || err.Error() != filepath.Dir(path)+"/"+want {
			t.Errorf("%d bytes: %v, want %s", size, err, want)
		}
	}
}

func TestLoadRefusesParameterTypesItCannotSet(t *testing.T) {
	t.Parallel()
	type odd struct {
		Any  any            `json:"any"`
		Keys map[int]string `json:"keys"`
		Skip string         `json:"-"`
	}
	_, err := policy.Load([]byte("version: 1\nfunctions: {f: {params: {any: 1, keys: {a: b}, Skip: x}}}"), "policy.yaml",
		[]remedy.Function{{Name: "f", Params: odd{}}}, now)
	want := `policy.yaml:2:31: params.any can't be set in a policy: it is a Go interface {}
policy.yaml:2:40: params.keys can't be set in a policy: it is a Go map[int]string
policy.yaml:2:48: unknown key "Skip" in params; there are any, keys`
	if err == nil {
		t.Fatal("want an error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"full.yaml", "minimal.yaml", "policy.json"} {
		f.Add([]byte(sample(f, name)))
	}
	for _, s := range []string{"&0: *0\n*0:\n*0:", "{? {? ", "{0", ">\n>", "0::", "- ? - ?", "%YAML\n---", "a: |1-\n x", "[a: {b: ]}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := policy.Load(src, "policy.yaml", fakes(), now)
		if err != nil {
			var e *policy.Error
			if !errors.As(err, &e) || p != nil {
				t.Fatalf("policy %v with error %v", p, err)
			}
			return
		}
		ref := remedy.Ref{ID: "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1", Account: "111122223333", Region: "us-east-1"}
		for _, fn := range fakes() {
			d := p.Decide(fn.Name, ref)
			if d.Mode != remedy.Off && d.Mode != remedy.Observe && d.Mode != remedy.Enforce {
				t.Errorf("%s: mode %q", fn.Name, d.Mode)
			}
			if d.Blast.Limit < 1 || d.Blast.Window <= 0 || d.Fight.Limit < 1 || d.Fight.Window <= 0 || d.UndoHold <= 0 {
				t.Errorf("%s: unsafe %+v", fn.Name, d)
			}
			if _, ok := d.Params.(sgParams); ok != (fn.Name == "ec2-security-group") {
				t.Errorf("%s: parameters are %T", fn.Name, d.Params)
			}
			if x := p.Exempt(remedy.ExemptionQuery{Function: fn.Name, Resource: ref, Now: now}); x != nil && (x.ID == "" || x.Reason == "" || x.Owner == "") {
				t.Errorf("%s: exemption %+v", fn.Name, x)
			}
		}
	})
}
