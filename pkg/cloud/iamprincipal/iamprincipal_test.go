package iamprincipal_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// fake answers for each name with err, or with an ARN that has it.
type fake struct{ err error }

var tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}

func (f fake) GetUser(_ context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	return &iam.GetUserOutput{User: &types.User{Arn: aws.String("user/" + *in.UserName), Tags: tags}}, f.err
}

func (f fake) GetGroup(_ context.Context, in *iam.GetGroupInput, _ ...func(*iam.Options)) (*iam.GetGroupOutput, error) {
	return &iam.GetGroupOutput{Group: &types.Group{Arn: aws.String("group/" + *in.GroupName)}}, f.err
}

func (f fake) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	return &iam.GetRoleOutput{Role: &types.Role{Arn: aws.String("role/" + *in.RoleName), Tags: tags}}, f.err
}

func TestRead(t *testing.T) {
	t.Parallel()
	web := map[string]string{"team": "web"}
	for kind, want := range map[string]iamprincipal.Principal{
		iamevent.User: {ARN: "user/x", Tags: web}, iamevent.Group: {ARN: "group/x"}, iamevent.Role: {ARN: "role/x", Tags: web},
	} {
		p := iamevent.Principal{Kind: kind, Name: "x"}
		got, err := iamprincipal.Read(t.Context(), fake{}, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		if _, err := iamprincipal.Read(t.Context(), fake{&smithy.GenericAPIError{Code: "NoSuchEntity"}}, p); !errors.Is(err, remedy.ErrGone) {
			t.Errorf("%s that does not exist: %v, want ErrGone", kind, err)
		}
		if _, err := iamprincipal.Read(t.Context(), fake{&smithy.GenericAPIError{Code: "AccessDenied"}}, p); err == nil || !strings.Contains(err.Error(), "grant iam:Get"+p.Word()) {
			t.Errorf("%s that is refused: %v, want an error that names the action", kind, err)
		}
	}
	if _, err := iamprincipal.Read(t.Context(), fake{}, iamevent.Principal{Kind: "x"}); err == nil {
		t.Error("an unknown kind is no error")
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"%7B%22a%22%3A%20%22b+c%2Bd%25%22%7D": `{"a": "b+c+d%"}`,
		`{"a":"100%25"}`:                      `{"a":"100%25"}`,
		"":                                    "",
	} {
		if got, err := iamprincipal.Document(&in); err != nil || got != want {
			t.Errorf("Document(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	if _, err := iamprincipal.Document(aws.String("%7")); err == nil {
		t.Error("a text that is cut is no error")
	}
}
