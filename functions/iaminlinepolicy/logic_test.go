package iaminlinepolicy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Statements that the tests put into policies, laid out in different ways.
const (
	logs    = "{ \"Sid\" : \"Logs\",\n  \"Effect\":\"Allow\", \"Action\":[\"logs:*\"],\"Resource\" : \"*\" }"
	bucket  = `{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`
	denyIAM = `{"Sid":"NoIAM","Effect":"Deny","Action":"iam:*","Resource":"*"}`
	all     = `{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}`
	butS3   = `{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`
	allIAM  = `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`
)

// text is a policy of these statements, one a line.
func text(statements ...string) string {
	return "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    " + strings.Join(statements, ",\n    ") + "\n  ]\n}"
}

func doc(t testing.TB, text string) policydoc.Identity {
	t.Helper()
	p, err := policydoc.ParseIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/ops"
	defaults := Function.Params.(Params)
	for name, c := range map[string]struct {
		statements []string
		arn        string
		params     Params
		want       []string // parts
	}{
		"no statements":                        {nil, role, defaults, nil},
		"harmless ones":                        {[]string{logs, bucket, denyIAM}, role, defaults, nil},
		"everything":                           {[]string{logs, all}, role, defaults, []string{"All"}},
		"everything and a denial":              {[]string{all, denyIAM}, role, defaults, []string{"All"}},
		"all but one service":                  {[]string{butS3}, role, defaults, []string{"#1"}},
		"all of IAM":                           {[]string{logs, allIAM, all}, role, defaults, []string{"#2", "All"}},
		"a break-glass role":                   {[]string{all}, role, Params{iamevent.Patterns{"role/op?"}}, nil},
		"the role of AWS Organizations":        {[]string{all}, "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole", defaults, nil},
		"a permission set of Identity Center":  {[]string{all}, "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_a_1", defaults, nil},
		"a user of the name of an allowed one": {[]string{all}, "arn:aws:iam::111122223333:user/OrganizationAccountAccessRole", defaults, []string{"All"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(of("role", "ops", "escalate"), State{Policy: doc(t, text(c.statements...)), ARN: c.arn}, c.params) {
				if v.Rule != "administrator-statement" || !strings.Contains(v.Message, "Policy escalate makes an administrator of role ops: statement "+v.Part+" allows all") {
					t.Errorf("violation %+v", v)
				}
				got = append(got, v.Part)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	const unknown = "unknown"
	one := `{"Statement": ` + all + `}`
	for name, c := range map[string]struct{ live, base, want string }{
		"a whole policy is not deleted for one statement": {text(logs, all, denyIAM), unknown, text(logs, denyIAM)},
		"deleted with its last statement":                 {text(all, butS3), unknown, ""},
		"a single statement, not in a list":               {one, unknown, ""},
		"the baseline's document, byte for byte":          {text(all), text(logs, bucket), text(logs, bucket)},
		"the baseline lost a statement":                   {text(logs, all, bucket), text(logs, denyIAM), text(logs, denyIAM)},
		"another came beside the baseline":                {text(logs, all, bucket), text(logs), text(logs, bucket)},
		"there was no such policy":                        {text(all), "", ""},
		"there was none, and harmless ones came along":    {text(logs, all), "", text(logs)},
		"the baseline was allowed to administrate":        {text(bucket, all), text(logs, all), text(logs)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := State{Policy: doc(t, c.live), ARN: "arn:aws:iam::111122223333:role/ops", Tags: map[string]string{"k": "v"}}
			base := remedy.Baseline[State]{Known: c.base != unknown}
			if base.Known && c.base != "" {
				base.State.Policy = doc(t, c.base)
			}
			got := repair(of("role", "ops", "x"), live, base, Params{})
			if got.Policy.String() != c.want {
				t.Errorf("policy = %s, want %s", got.Policy, c.want)
			}
			got.Policy = live.Policy
			if diff := cmp.Diff(live, got); diff != "" {
				t.Errorf("what is only read changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	small := doc(t, `{"Statement":[]}`)
	for want, c := range map[string]Change{
		`{"api":"iam:PutRolePolicy","params":{"PolicyDocument":"{\"Statement\":[]}","PolicyName":"x","RoleName":"ops"}}`: {of("role", "ops", "x"), small},
		`{"api":"iam:DeleteUserPolicy","params":{"PolicyName":"x","UserName":"u"}}`:                                      {Target: of("user", "u", "x")},
		`{"api":"iam:DeleteGroupPolicy","params":{"GroupName":"g","PolicyName":"x"}}`:                                    {Target: of("group", "g", "x")},
	} {
		got, err := json.Marshal(c.Call())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("call = %s, want %s", got, want)
		}
	}
	if got := diff(of("role", "ops", "x"), State{Policy: doc(t, text(logs))}, State{Policy: doc(t, `{"Statement":`+logs+`,"Version":"2012-10-17"}`)}); len(got) > 0 {
		t.Errorf("the same policy laid out anew leads to %v", got)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) State {
			s := State{ARN: "arn:aws:iam::1:role/ops", Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, label+" tags")}
			sts := rapid.SliceOfN(rapid.SampledFrom([]string{logs, bucket, denyIAM, all, butS3, allIAM}), 0, 5).Draw(t, label)
			if len(sts) > 0 {
				var err error
				if s.Policy, err = policydoc.ParseIdentity(text(sts...)); err != nil {
					t.Fatal(err)
				}
			}
			return s
		}
		a, b := draw("a"), draw("b")
		p := Params{rapid.SliceOf(rapid.SampledFrom([]string{"role/x", "role/ops"})).Draw(t, "allowed")}
		target := of("role", "ops", "x")
		base := remedy.Baseline[State]{State: b, Known: rapid.Bool().Draw(t, "known")}
		fixed := repair(target, a, base, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if len(check(target, a, p)) == 0 && !fixed.Policy.Equal(a.Policy.Document) {
			t.Fatal("a compliant policy is changed")
		}
		if !base.Known {
			for _, st := range fixed.Policy.Statements {
				if admin, _ := st.Admin(); admin && len(check(target, a, p)) > 0 {
					t.Fatal("an administrator's statement stays")
				}
			}
			if !a.Policy.Holds(fixed.Policy.Document) && !fixed.Policy.IsZero() {
				t.Fatal("a statement came that was not there")
			}
		}
		if len(diff(target, a, a)) > 0 {
			t.Fatal("diff of a state with itself is not empty")
		}
		got := a
		for _, c := range diff(target, a, b) {
			got.Policy = c.Policy
		}
		if !got.Policy.Equivalent(b.Policy.Document) {
			t.Fatal("the changes from a to b lead elsewhere")
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
	})
}
