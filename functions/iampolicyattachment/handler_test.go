package iampolicyattachment

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/iam-policy-attachment"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

// on is a target in the account of the samples.
func on(kind, name, policy string) Target {
	return Target{iamevent.Principal{Kind: kind, Name: name, Account: "111122223333", Region: "us-east-1"}, policy}
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	gov := on("user", "jane", "arn:aws-us-gov:iam::aws:policy/AdministratorAccess")
	gov.Region = "us-gov-west-1"
	want := map[string][]Target{
		"attach-admin-to-user.json": {on("user", "malicious-iam-user", awsAdmin)},
		"attach-admin-to-role.json": {on("role", "stratus-red-team-malicious-iam-role", awsAdmin)},
		"attach-own-to-group.json":  {on("group", "developers", "arn:aws:iam::111122223333:policy/team/NotAdmin")},
		"attach-in-govcloud.json":   {gov},
		"attach-denied.json":        nil, // a failed call
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d samples, %v; the table has %d", len(files), err, len(want))
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := sample(t, file)
			if !Function.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[file], got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ detail, want string }{
		"null parameters":  {`{"requestParameters":null}`, "names no user, group or role"},
		"nobody":           {`{"requestParameters":{"policyArn":"` + awsAdmin + `"}}`, "names no user, group or role"},
		"no policy":        {`{"requestParameters":{"userName":"jane"}}`, `policyArn "" is no ARN of a managed policy`},
		"a role's ARN":     {`{"requestParameters":{"userName":"jane","policyArn":"arn:aws:iam::111122223333:role/x"}}`, "is no ARN of a managed policy"},
		"a space in it":    {`{"requestParameters":{"userName":"jane","policyArn":"arn:aws:iam::aws:policy/a b"}}`, "is no ARN of a managed policy"},
		"wrong type":       {`{"requestParameters":{"userName":["jane"]}}`, "decode CloudTrail record of AttachUserPolicy"},
		"truncated":        {`{"requestParameters":{"userName":`, "unexpected end"},
		"a name with path": {`{"requestParameters":{"roleName":"a/b","policyArn":"` + awsAdmin + `"}}`, "is no name that IAM has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.iam", Name: "AttachUserPolicy", Account: "111122223333", Region: "us-east-1", Detail: json.RawMessage(c.detail),
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]Target{
		"arn:aws:iam::111122223333:role/ops/attached-policy/aws:policy/AdministratorAccess": on("role", "ops", awsAdmin),
		"arn:aws:iam::111122223333:user/j/attached-policy/111122223333:policy/team/a":       on("user", "j", "arn:aws:iam::111122223333:policy/team/a"),
	} {
		if got := target.Ref(); got.ID != want || got.Type != "AWS::IAM::"+target.Word()+"PolicyAttachment" || got.Account != target.Account {
			t.Errorf("Ref = %+v, want %s", got, want)
		}
	}
	if got := on("role", "ops", "no ARN").Ref().ID; got != "arn:aws:iam::111122223333:role/ops/attached-policy/" {
		t.Errorf("Ref of what no event gives = %s", got)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("Validate of the defaults = %v", err)
	}
	for name, p := range map[string]Params{
		"forbidden_policies": {ForbiddenPolicies: iamevent.Patterns{""}}, "allowed_principals": {AllowedPrincipals: iamevent.Patterns{"[a"}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Validate = %v, want an error that names %s", err, name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add([]byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "AttachUserPolicy", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.name() == "" || strings.ContainsAny(target.Name, "/:% \n") || strings.ContainsAny(target.Policy, " \n") {
				t.Errorf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck is what the function itself adds to an event.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "attach-admin-to-user.json")
	s := State{Attached: true, ARN: "arn:aws:iam::111122223333:user/malicious-iam-user"}
	p := Function.Params.(Params)
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(check(targets[0], s, p)); n != 1 {
			b.Fatalf("%d violations, want 1", n)
		}
	}
}
