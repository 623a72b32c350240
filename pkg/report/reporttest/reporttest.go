// Package reporttest makes records to report on, the same each time.
package reporttest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Until is the moment after the newest record.
func Until() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// Hostile are texts that an attacker may put into an event.
func Hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
		`</style></title><svg onload=alert(1)>`, `=cmd|' /C calc'!A0`, `+1+1`, `-2`, `@SUM(1)`, "\t=1", "a,b\"c\nd;e", `{{.Report}}`,
		"\u202egnp.exe", "\x1b[2J\x00\x07", "| a | b |\n|---|", "[x](javascript:alert(1)) *b* _i_ `c`", "<!-- -->", "\xff\xfe", "é\u2028🌊",
	}
}

// Make says what records to make. The zero value gives a plausible mix.
type Make struct {
	Every     time.Duration            // between two records; 0 means a minute
	Resources int                      // how many there are; 0 means 40
	Text      func(int) string         // what takes the place of names and reasons; nil means plausible ones
	Outcome   func(int) remedy.Outcome // nil means a mix, most of it reverted
}

// Record gives the i-th newest record.
func (m Make) Record(i int) remedy.Record {
	every, resources := m.Every, m.Resources
	if every == 0 {
		every = time.Minute
	}
	if resources == 0 {
		resources = 40
	}
	functions := []string{"ec2-security-group", "s3-bucket-policy", "s3-public-access-block", "iam-access-key", "github-repository-visibility"}
	severities := []remedy.Severity{remedy.High, remedy.Critical, remedy.Medium, remedy.High, remedy.Low}
	teams := []string{"payments", "platform", "web", ""}
	text := m.Text
	if text == nil {
		text = func(int) string { return "" }
	}
	named := func(k int, plausible string) string {
		if s := text(i + k); s != "" {
			return s
		}
		return plausible
	}
	n := i * 7919 % resources // scattered, and the same each time
	f := n % len(functions)
	received := Until().Add(-time.Duration(i+1) * every)
	account := fmt.Sprintf("1111222233%02d", n%7)
	resource := fmt.Sprintf("arn:aws:ec2:eu-west-1:%s:security-group/sg-%04d", account, n)
	outcome := []remedy.Outcome{
		remedy.Reverted, remedy.Reverted, remedy.Observed, remedy.Reverted, remedy.Reverted, remedy.Exempt,
		remedy.Reverted, remedy.Held, remedy.Reverted, remedy.Failed, remedy.Reverted,
	}[i%11]
	if m.Outcome != nil {
		outcome = m.Outcome(i)
	}
	r := remedy.Record{
		ID: fmt.Sprintf("%020x", 1<<40+i), Function: functions[f], Severity: severities[f], Mode: remedy.Enforce, Outcome: outcome,
		Reason: named(0, "Port 22 is open to 0.0.0.0/0. Put back with 1 call to the nearest compliant state."),
		Event: remedy.EventRef{
			ID: fmt.Sprintf("event-%d", i), Source: "aws.ec2", Name: named(1, "AuthorizeSecurityGroupIngress"), Account: account, Time: received.Add(-8 * time.Second),
			Actor: remedy.Actor{
				Type: "AssumedRole", ID: named(2, fmt.Sprintf("arn:aws:sts::%s:assumed-role/deploy-%d/run-%d", account, n%5, i)),
				Name: fmt.Sprintf("deploy-%d", n%5), Session: fmt.Sprintf("run-%d", i), Via: "terraform/1.9", IP: "192.0.2.7",
			},
		},
		Resource:   remedy.Ref{Type: "AWS::EC2::SecurityGroup", ID: named(3, resource), Account: account, Region: "eu-west-1"},
		Tags:       map[string]string{"team": named(4, teams[n%len(teams)])},
		Violations: []remedy.Violation{{Rule: "world-open-port", Part: "sgr-1", Message: named(5, "Port 22 is open to 0.0.0.0/0.")}},
		Changes: []remedy.AppliedCall{{
			Call: remedy.Call{API: "ec2:RevokeSecurityGroupIngress", Params: map[string]any{"GroupId": named(6, "sg-1"), "SecurityGroupRuleIds": []string{"sgr-1"}}},
		}},
		Before: image(named(7, "0.0.0.0/0"), "10.0.0.0/8"),
		Times: remedy.Times{
			Changed: received.Add(-time.Duration(2+i%13) * time.Second), Received: received, Began: received.Add(20 * time.Millisecond),
			Decided: received.Add(120 * time.Millisecond), Recorded: received.Add(700 * time.Millisecond),
		},
	}
	if i%97 == 5 {
		r.Times.Changed = received.Add(-40 * time.Minute)
	}
	switch outcome {
	case remedy.Reverted:
		r.Attempt, r.After, r.Changes[0].At = 1, image("10.0.0.0/8"), received.Add(time.Duration(200+i%400)*time.Millisecond)
		r.Times.Intent, r.Times.Fixed = received.Add(140*time.Millisecond), r.Changes[0].At
		r.Times.Verified = r.Times.Fixed.Add(80 * time.Millisecond)
	case remedy.Observed:
		r.Mode = remedy.Observe
		r.Reason = named(14, "Port 22 is open to 0.0.0.0/0. In enforce mode Ebb would make 1 call to the nearest compliant state.")
	case remedy.Held:
		kind := []string{"fight", "blast"}[i%2]
		r.Cap = &remedy.CapReached{Kind: kind, Limit: 3, Window: time.Hour, Count: 3}
		r.Reason = named(8, "Port 22 is open to 0.0.0.0/0. Nothing was changed, because the "+kind+" cap is reached. A person must decide.")
	case remedy.Exempt:
		r.Exemption = &remedy.Exemption{ID: named(9, "bastion"), Owner: named(10, "platform"), Reason: named(11, "Bastions are reached from anywhere."), Expires: Until().AddDate(0, 0, 3+i%40)}
		r.Reason = named(12, "Exemption bastion covers it.")
	case remedy.Failed:
		r.Reason = named(14, "Port 22 is open to 0.0.0.0/0. It could not be put back: the role may not revoke the rule.")
		r.Error = named(13, "ec2:RevokeSecurityGroupIngress: UnauthorizedOperation")
		r.Changes[0].Error = r.Error
	}
	return r
}

// image gives a state in its JSON form.
func image(ranges ...string) json.RawMessage {
	out, err := json.Marshal(map[string]any{"group": "sg-1", "ingress": ranges})
	if err != nil {
		panic(err) // strings always can be encoded
	}
	return out
}

// Records gives the n newest records, the newest first.
func (m Make) Records(n int) []remedy.Record {
	out := make([]remedy.Record, n)
	for i := range out {
		out[i] = m.Record(i)
	}
	return out
}
