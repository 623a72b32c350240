package iamevent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestPrincipal(t *testing.T) {
	t.Parallel()
	at := remedy.Event{Account: "111122223333", Region: "us-east-1"}
	for name, c := range map[string]struct {
		request iamevent.Request
		ev      remedy.Event
		want    iamevent.Principal
		wantErr string
	}{
		"user":                        {iamevent.Request{User: "a+b=c,d.e@f_g-h"}, at, iamevent.Principal{Kind: "user", Name: "a+b=c,d.e@f_g-h", Account: "111122223333", Region: "us-east-1"}, ""},
		"group":                       {iamevent.Request{Group: "g"}, at, iamevent.Principal{Kind: "group", Name: "g", Account: "111122223333", Region: "us-east-1"}, ""},
		"role":                        {iamevent.Request{Role: "r"}, at, iamevent.Principal{Kind: "role", Name: "r", Account: "111122223333", Region: "us-east-1"}, ""},
		"nobody":                      {iamevent.Request{}, at, iamevent.Principal{}, "has no userName, groupName or roleName"},
		"two":                         {iamevent.Request{User: "u", Role: "r"}, at, iamevent.Principal{}, "names user u and role r"},
		"a path":                      {iamevent.Request{Role: "a/../b"}, at, iamevent.Principal{}, `roleName "a/../b" is no name`},
		"an ARN":                      {iamevent.Request{User: "arn:aws:iam::1:user/x"}, at, iamevent.Principal{}, "is no name"},
		"too long":                    {iamevent.Request{Group: strings.Repeat("g", 129)}, at, iamevent.Principal{}, "is no name"},
		"no account":                  {iamevent.Request{User: "u"}, remedy.Event{Region: "us-east-1"}, iamevent.Principal{}, `account ""`},
		"a line break after the name": {iamevent.Request{User: "u\n"}, at, iamevent.Principal{}, "is no name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.request.Principal(c.ev)
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("err = %v, want %q", err, c.wantErr)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	role := iamevent.Principal{Kind: "role", Name: "r", Account: "111122223333", Region: "us-gov-west-1"}
	want := remedy.Ref{Type: "AWS::IAM::RolePolicy", ID: "arn:aws-us-gov:iam::111122223333:role/r/inline-policy/x", Account: "111122223333", Region: "us-gov-west-1"}
	if diff := cmp.Diff(want, role.Ref("AWS::IAM::RolePolicy", "inline-policy/x")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := role.Ref("AWS::IAM::Role", "").ID; got != "arn:aws-us-gov:iam::111122223333:role/r" || role.Word() != "Role" {
		t.Errorf("ID = %s, Word = %s", got, role.Word())
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"role/break-glass/*", "role/break-glass/a/b", true},
		{"*/Admin", "role/path/ADMIN", true},
		{"role/ops-?", "role/ops-1", true},
		{"role/ops-?", "role/ops-12", false},
		{"role/ops", "role/ops-1", false},
		{"user/*", "role/x", false},
		{"*", "", true},
	} {
		if got := (iamevent.Patterns{"nothing", c.pattern}).Match(c.text); got != c.want {
			t.Errorf("Match of %q with %q = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
	for _, bad := range []string{"", "[a-", `x\`} {
		if err := (iamevent.Patterns{"ok", bad}).Validate("list"); err == nil || !strings.Contains(err.Error(), "list[1]") {
			t.Errorf("Validate of %q = %v, want an error that names it", bad, err)
		}
	}
}

func TestOfAWS(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport":                     true,
		"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_AdministratorAccess_1234567": true,
		"arn:aws:iam::111122223333:role/service-role/lambda":                                                                 false,
		"arn:aws:iam::111122223333:role/aws-service-role":                                                                    false,
		"arn:aws:iam::111122223333:user/aws-reserved/x":                                                                      false,
		"": false,
	} {
		if got := iamevent.OfAWS(arn); got != want {
			t.Errorf("OfAWS(%q) = %v, want %v", arn, got, want)
		}
	}
}
