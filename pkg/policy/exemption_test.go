package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestExempt(t *testing.T) {
	t.Parallel()
	const head = "version: 1\nexemptions:\n  - {id: x, reason: r, owner: o, expires: 2026-12-01, "
	query := remedy.ExemptionQuery{
		Function: "s3-bucket-policy",
		Resource: remedy.Ref{ID: "arn:aws:s3:::site", Account: "123456789012", Region: "us-east-1"},
		Tags:     map[string]string{"env": "prod", "empty": ""},
		Actor:    remedy.Actor{ID: "arn:aws:sts::1:assumed-role/deploy/ci", Name: "deploy"},
		Now:      now,
	}
	nameless, unknown := query, query
	nameless.Actor.ID = ""
	another := query
	another.Function = "nonsense"
	unknown.Actor = remedy.Actor{}
	for _, tc := range []struct {
		narrow string
		query  remedy.ExemptionQuery
		want   bool
	}{
		{`resource: "arn:aws:s3:::site"`, query, true},
		{`resource: "arn:*:sit?"`, query, true},
		{`resource: "site"`, query, false},
		{`resource: "arn:aws:s3:::SITE"`, query, false},
		{`account: "123456789012"`, query, true},
		{`account: "1234*"`, query, true},
		{`account: "999999999999"`, query, false},
		{`tag: env`, query, true},
		{`tag: empty`, query, true},
		{`tag: empty=`, query, true},
		{`tag: env=`, query, false},
		{`tag: env=prod`, query, true},
		{`tag: "env=p*"`, query, true},
		{`tag: env=dev`, query, false},
		{`tag: "e*"`, query, false},
		{`tag: ENV`, query, false},
		{`actor: "arn:aws:sts::*:assumed-role/deploy/*"`, query, true},
		{`actor: "arn:aws:sts::*:assumed-role/admin/*"`, query, false},
		{`actor: deploy`, query, false},
		{`actor: deploy`, nameless, true},
		{`actor: "?*"`, unknown, false},
		{`function: s3-bucket-policy, account: "1*"`, query, true},
		{`function: iam-access-key, account: "1*"`, query, false},
		{`function: iam-access-key, account: "1*"`, another, false},
		{`account: "1*"`, another, true},
		{`resource: "arn:*", account: "1*", tag: env, actor: "arn:*"`, query, true},
		{`resource: "brn:*", account: "1*", tag: env, actor: "arn:*"`, query, false},
		{`resource: "arn:*", account: "2*", tag: env, actor: "arn:*"`, query, false},
		{`resource: "arn:*", account: "1*", tag: vne, actor: "arn:*"`, query, false},
		{`resource: "arn:*", account: "1*", tag: env, actor: "brn:*"`, query, false},
	} {
		t.Run(tc.narrow, func(t *testing.T) {
			t.Parallel()
			if got := load(t, head+tc.narrow+"}").Exempt(tc.query); (got != nil) != tc.want {
				t.Errorf("Exempt = %v, want one: %t", got, tc.want)
			}
		})
	}
}

func TestExemptSaysWhich(t *testing.T) {
	t.Parallel()
	p := load(t, sample(t, "full.yaml"))
	query := remedy.ExemptionQuery{
		Function: "iam-access-key",
		Resource: remedy.Ref{Account: "333333333333"},
		Tags:     map[string]string{"ebb:exempt": "yes, please"},
		Actor:    remedy.Actor{ID: "arn:aws:sts::1:assumed-role/break-glass/me"},
		Now:      now,
	}
	want := &remedy.Exemption{
		ID: "tagged", Reason: "Teams may opt out by tag,\nfor a while.\n", Owner: "security",
		Expires: time.Date(2027, 6, 1, 10, 0, 0, 0, time.UTC), Account: "333333333333", Tag: "ebb:exempt=yes*",
	}
	got := p.Exempt(query)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("Exempt (-want +got):\n%s", diff)
	}
	got.Account = "changed"
	if diff := cmp.Diff(want, p.Exempt(query)); diff != "" {
		t.Errorf("the caller's change reached the policy (-want +got):\n%s", diff)
	}
	query.Function = "nonsense"
	if diff := cmp.Diff(want, p.Exempt(query)); diff != "" {
		t.Errorf("for an unknown function (-want +got):\n%s", diff)
	}
	query.Now = want.Expires
	if got := p.Exempt(query); got == nil || got.ID != "break-glass" {
		t.Errorf("once the first has expired: %v, want break-glass", got)
	}
}

func TestExemptUntilExpiry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		expires string
		end     time.Time
	}{
		{"2026-12-31", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"2028-02-29", time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC)},
		{"2026-12-31T18:00:00Z", time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC)},
		{"2026-12-31T18:00:00-05:00", time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)},
	} {
		t.Run(tc.expires, func(t *testing.T) {
			t.Parallel()
			p := load(t, `version: 1
exemptions: [{id: x, account: "1", reason: r, owner: o, expires: "`+tc.expires+`"}]`)
			query := remedy.ExemptionQuery{Resource: remedy.Ref{Account: "1"}, Function: "iam-access-key", Now: tc.end.Add(-1)}
			if p.Exempt(query) == nil {
				t.Error("not exempt in the last moment")
			}
			query.Now = tc.end
			if x := p.Exempt(query); x != nil {
				t.Errorf("exempt at its end: %v", x)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	exemption := func(id, expires string) string {
		return fmt.Sprintf("  - {id: %s, account: '1', reason: r, owner: me, expires: %s}\n", id, expires)
	}
	for _, tc := range []struct {
		name, src string
		want      []string
	}{
		{"expiry", "version: 1\nexemptions:\n" +
			exemption("long-gone", "2020-01-01") +
			exemption("just-gone", "2026-11-21T12:00:00Z") +
			exemption("still-here", "2026-11-21T12:00:01Z") +
			exemption("two-weeks", "2026-12-05T12:00:00Z") +
			exemption("later", "2026-12-05T12:00:01Z"),
			[]string{
				"policy.yaml:3:5: exemption long-gone expired at 2020-01-02T00:00:00Z and no longer applies: remove it, or decide anew",
				"policy.yaml:4:5: exemption just-gone expired at 2026-11-21T12:00:00Z and no longer applies: remove it, or decide anew",
				"policy.yaml:5:5: exemption still-here expires soon, at 2026-11-21T12:00:01Z: its owner is me",
				"policy.yaml:6:5: exemption two-weeks expires soon, at 2026-12-05T12:00:00Z: its owner is me",
			}},
		{"scopes", `version: 1
functions:
  s3-bucket-policy:
    scopes:
      - name: first
        accounts: ["1", "2"]
      - name: narrower
        accounts: ["2"]
        regions: ["us-*"]
      - name: partly
        accounts: ["2", "3"]
      - name: region
        regions: ["us-*"]
      - name: everything
        regions: ["*"]
      - name: too-late
        resources: ["x"]
`, []string{
			"policy.yaml:7:9: scope narrower can never match: scope first before it matches all of it",
			"policy.yaml:16:9: scope too-late can never match: scope everything before it matches all of it",
		}},
		{"none", sample(t, "full.yaml"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, load(t, tc.src).Warnings()); diff != "" {
				t.Errorf("Warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkDecideAndExempt(b *testing.B) {
	var src strings.Builder
	src.WriteString(sample(b, "full.yaml"))
	for i := range 47 {
		fmt.Fprintf(&src, `  - id: n%d
    resource: arn:aws:ec2:*:*:security-group/sg-%d
    account: "33333333333?"
    actor: arn:aws:sts::*:assumed-role/team-%d/*
    reason: r
    owner: o
    expires: 2030-01-01
`, i, i, i)
	}
	p, err := policy.Load([]byte(src.String()), "policy.yaml", fakes(), now)
	if err != nil {
		b.Fatal(err)
	}
	query := remedy.ExemptionQuery{
		Function: "ec2-security-group",
		Resource: remedy.Ref{ID: "arn:aws:ec2:us-east-1:333333333333:security-group/sg-0123456789abcdef0", Account: "333333333333", Region: "us-east-1"},
		Tags:     map[string]string{"env": "prod"},
		Actor:    remedy.Actor{ID: "arn:aws:sts::333333333333:assumed-role/deploy/ci"},
		Now:      now,
	}
	b.ReportAllocs()
	for b.Loop() {
		if p.Decide(query.Function, query.Resource).Scope != "production" || p.Exempt(query) != nil {
			b.Fatal("wrong decision")
		}
	}
}
