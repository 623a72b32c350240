package functionstest

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func image(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	image, err := api.RegisterImage(ctx, &ec2.RegisterImageInput{Name: aws.String("web")})
	if err != nil {
		return Stage{}, err
	}
	share := func(ctx context.Context, with types.LaunchPermission) error {
		_, err := api.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{
			ImageId: image.ImageId, LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{with}},
		})
		return err
	}
	if err := share(ctx, types.LaunchPermission{UserId: aws.String("444455556666")}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *image.ImageId,
		"ec2-image-sharing/make-public.json", "ami-0123456789abcdef0",
		"ec2-image-sharing/modify-failed.json", "ami-0123456789abcdef0")
	s.Spoil = func(ctx context.Context) error {
		return share(ctx, types.LaunchPermission{Group: types.PermissionGroupAll})
	}
	s.State = func(ctx context.Context) (shares []string, err error) {
		out, err := api.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{
			ImageId: image.ImageId, Attribute: types.ImageAttributeNameLaunchPermission,
		})
		if err != nil {
			return nil, err
		}
		for _, p := range out.LaunchPermissions {
			shares = append(shares, string(p.Group)+aws.ToString(p.UserId))
		}
		slices.Sort(shares)
		return shares, nil
	}
	s.Bad = []string{"444455556666", "all"}
	s.Good = []string{"444455556666"}
	return s, err
}
