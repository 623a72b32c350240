// Package iamprincipal is what the stores of IAM functions share: users, groups
// and roles with their tags, and the policies in IAM's answers.
package iamprincipal

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
)

// NoEntity is IAM's code for whatever does not exist.
const NoEntity = "NoSuchEntity"

// Reader is the part of an IAM client that [Read] needs.
type Reader interface {
	GetUser(context.Context, *iam.GetUserInput, ...func(*iam.Options)) (*iam.GetUserOutput, error)
	GetGroup(context.Context, *iam.GetGroupInput, ...func(*iam.Options)) (*iam.GetGroupOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
}

// Principal is what IAM says of a user, group or role.
type Principal struct {
	ARN  string            // with its path
	Tags map[string]string // nil when it has none; a group never has any
}

// Read gives the principal. One that does not exist is [remedy.ErrGone].
func Read(ctx context.Context, c Reader, p iamevent.Principal) (Principal, error) {
	switch p.Kind {
	case iamevent.User:
		out, err := c.GetUser(ctx, &iam.GetUserInput{UserName: &p.Name})
		if err != nil {
			return Principal{}, cloud.Explain(err, "iam:GetUser", NoEntity)
		}
		return Principal{aws.ToString(out.User.Arn), Tags(out.User.Tags)}, nil
	case iamevent.Group:
		out, err := c.GetGroup(ctx, &iam.GetGroupInput{GroupName: &p.Name, MaxItems: aws.Int32(1)}) // its members are not of interest
		if err != nil {
			return Principal{}, cloud.Explain(err, "iam:GetGroup", NoEntity)
		}
		return Principal{ARN: aws.ToString(out.Group.Arn)}, nil
	case iamevent.Role:
		out, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: &p.Name})
		if err != nil {
			return Principal{}, cloud.Explain(err, "iam:GetRole", NoEntity)
		}
		return Principal{aws.ToString(out.Role.Arn), Tags(out.Role.Tags)}, nil
	}
	return Principal{}, fmt.Errorf("%q is no kind of principal", p.Kind)
}

// Tags gives tags as a map, nil when there are none.
func Tags(tags []types.Tag) map[string]string {
	var out map[string]string
	for _, t := range tags {
		if out == nil {
			out = make(map[string]string, len(tags))
		}
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// Document gives the text of a policy in an answer of IAM, which is encoded as
// part of a URL. An emulator may leave that out; a brace tells, which is never
// there in a text that is encoded.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html
func Document(encoded *string) (string, error) {
	text := aws.ToString(encoded)
	if strings.Contains(text, "{") {
		return text, nil
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return "", fmt.Errorf("decode the policy in IAM's answer: %w", err)
	}
	return decoded, nil
}
