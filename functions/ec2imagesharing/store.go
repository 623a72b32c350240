package ec2imagesharing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
	DescribeImageAttribute(context.Context, *ec2.DescribeImageAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeImageAttributeOutput, error)
	ModifyImageAttribute(context.Context, *ec2.ModifyImageAttributeInput, ...func(*ec2.Options)) (*ec2.ModifyImageAttributeOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes who may launch images.
type store struct {
	client func(remedy.Ref) client
}

// explain says what an error of EC2 means for an image. Unavailable is one
// that was deregistered a moment ago.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func explain(err error, action string) error {
	return cloud.Explain(err, action, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
}

// Read gives the image's launch permissions, owner and tags, in one round of two calls.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var image types.Image
	var permissions []types.LaunchPermission
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		// EC2 leaves disabled and deprecated images out unless asked.
		out, err := c.DescribeImages(ctx, &ec2.DescribeImagesInput{
			ImageIds: []string{t.ImageID}, IncludeDisabled: aws.Bool(true), IncludeDeprecated: aws.Bool(true),
		})
		if err != nil {
			return explain(err, "ec2:DescribeImages")
		}
		if len(out.Images) > 0 {
			image = out.Images[0]
		}
		return nil
	})
	g.Go(func() error {
		out, err := c.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{
			ImageId: &t.ImageID, Attribute: types.ImageAttributeNameLaunchPermission,
		})
		if err != nil {
			return explain(err, "ec2:DescribeImageAttribute")
		}
		if aws.ToString(out.ImageId) != t.ImageID {
			return errors.New("ec2:DescribeImageAttribute: the answer is not about the image asked for")
		}
		permissions = out.LaunchPermissions
		return nil
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read image %s: %w", t.ImageID, err)
	}
	if aws.ToString(image.ImageId) != t.ImageID {
		// For a while EC2 has such an answer for a deregistered image; the other call says whether it is one.
		return State{}, fmt.Errorf("read image %s: ec2:DescribeImages: the answer does not hold the image, although it has launch permissions", t.ImageID)
	}
	state := State{Accounts: []string{}, Organizations: []string{}, Units: []string{}, Owner: aws.ToString(image.OwnerId)}
	for _, p := range permissions {
		switch {
		case p.Group == types.PermissionGroupAll:
			state.Public = true
		case p.UserId != nil:
			state.Accounts = append(state.Accounts, *p.UserId)
		case p.OrganizationArn != nil:
			state.Organizations = append(state.Organizations, *p.OrganizationArn)
		case p.OrganizationalUnitArn != nil:
			state.Units = append(state.Units, *p.OrganizationalUnitArn)
		default:
			return State{}, fmt.Errorf("read image %s: it has a launch permission for group %q, which is not known here", t.ImageID, p.Group)
		}
	}
	slices.Sort(state.Accounts)
	slices.Sort(state.Organizations)
	slices.Sort(state.Units)
	for _, tag := range image.Tags {
		if state.Tags == nil {
			state.Tags = make(map[string]string, len(image.Tags))
		}
		state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return state, nil
}

// Apply makes the change's call. To add what is there, or to remove what is
// not, is no error to EC2.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	entries := make([]types.LaunchPermission, len(c.Entries))
	for i, e := range c.Entries {
		switch c.Kind {
		case group:
			entries[i].Group = types.PermissionGroup(e)
		case account:
			entries[i].UserId = &e
		case organization:
			entries[i].OrganizationArn = &e
		case unit:
			entries[i].OrganizationalUnitArn = &e
		}
	}
	var permissions types.LaunchPermissionModifications
	if c.Operation == add {
		permissions.Add = entries
	} else {
		permissions.Remove = entries
	}
	_, err := s.client(t.Ref()).ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{ImageId: &c.Image, LaunchPermission: &permissions})
	return explain(err, "ec2:ModifyImageAttribute")
}
