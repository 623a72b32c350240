package moto_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
)

// TestManagedPoliciesOfAccounts has AWS's own policies attached in one account:
// in another they are not.
func TestManagedPoliciesOfAccounts(t *testing.T) {
	t.Parallel()
	const admin = "arn:aws:iam::aws:policy/AdministratorAccess"
	one, other := iam.NewFromConfig(mototest.New(t).Config), iam.NewFromConfig(mototest.New(t).Config)
	for range 2 { // what one account did before another is made must not be in it either
		_, err := one.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("jane")})
		check(t, err)
		_, err = one.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: aws.String("jane"), PolicyArn: aws.String(admin)})
		check(t, err)
		var got []int32
		for _, api := range []*iam.Client{one, other, iam.NewFromConfig(mototest.New(t).Config)} {
			out, err := api.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: aws.String(admin)})
			check(t, err)
			got = append(got, *out.Policy.AttachmentCount)
		}
		if diff := cmp.Diff([]int32{1, 0, 0}, got); diff != "" {
			t.Errorf("attachments in each account (-want +got):\n%s", diff)
		}
		one = iam.NewFromConfig(mototest.New(t).Config)
	}
}
