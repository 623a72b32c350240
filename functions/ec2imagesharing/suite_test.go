package ec2imagesharing

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const (
	call      = "ec2:ModifyImageAttribute"
	partner   = "444455556666"
	backup    = "777788889999"
	unknown   = "123456789012"
	ours      = "arn:aws:organizations::444455556666:organization/o-a1b2c3d4e5"
	ourUnit   = "arn:aws:organizations::444455556666:ou/o-a1b2c3d4e5/ou-ab12-cd34ef56"
	theirs    = "arn:aws:organizations::777788889999:organization/o-zzzzzzzzzz"
	theirUnit = "arn:aws:organizations::777788889999:ou/o-zzzzzzzzzz/ou-zz99-zz99zz99"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	listed := Params{AllowedAccounts: []string{partner, backup}, AllowedOrganizations: []string{"o-a1b2c3d4e5"}}
	before := State{Accounts: []string{partner}}
	tags := map[string]string{"share": "partners"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: State{Tags: tags}},
			{Name: "shared with allowed ones", Params: &listed, Live: State{Accounts: []string{partner}, Organizations: []string{ours}, Units: []string{ourUnit}}},
			{
				Name: "public, and shared with others, none listed", Live: State{Public: true, Accounts: []string{unknown}, Units: []string{theirUnit}, Tags: tags},
				Rules: []string{"public"}, Calls: []string{call}, Want: State{Accounts: []string{unknown}, Units: []string{theirUnit}, Tags: tags},
			},
			{
				Name: "one account and one organization are not listed", Params: &listed,
				Live:  State{Accounts: []string{unknown, partner, backup}, Organizations: []string{ours, theirs}},
				Rules: []string{"foreign-account", "foreign-organization"}, Calls: []string{call, call},
				Want: State{Accounts: []string{partner, backup}, Organizations: []string{ours}},
			},
			{
				Name: "public and a foreign unit", Params: &listed, Live: State{Public: true, Units: []string{ourUnit, theirUnit}},
				Rules: []string{"public", "foreign-unit"}, Calls: []string{call, call}, Want: State{Units: []string{ourUnit}},
			},
			{
				Name: "allowed sharing since the baseline stays", Params: &listed, Baseline: &before,
				Live:  State{Accounts: []string{unknown, backup}},
				Rules: []string{"foreign-account"}, Calls: []string{call}, Want: State{Accounts: []string{backup}},
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return world(f, Target{f.image, "111122223333", "us-east-1"},
			func(_ testing.TB, tags map[string]string) { f.tags = awsTags(tags) },
			func(testing.TB) { f.image = "" })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	var images atomic.Int64
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		image, err := api.RegisterImage(t.Context(), &ec2.RegisterImageInput{Name: aws.String(fmt.Sprint("web-", images.Add(1)))})
		if err != nil {
			t.Fatal(err)
		}
		id := *image.ImageId
		t.Cleanup(func() {
			_, _ = api.DeregisterImage(context.Background(), &ec2.DeregisterImageInput{ImageId: &id})
		})
		return world(api, Target{id, account.ID, mototest.Region},
			func(t testing.TB, tags map[string]string) {
				if len(tags) == 0 {
					return
				}
				if _, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: awsTags(tags)}); err != nil {
					t.Fatal(err)
				}
			},
			func(t testing.TB) {
				if _, err := api.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id}); err != nil {
					t.Fatal(err)
				}
			})
	}
	remedytest.RunEmulated(t, s)
}

// normal leaves out the owner, which is another in each world, and the lists' order.
func normal(s State) State {
	s.Owner = ""
	s.Accounts = slices.Sorted(slices.Values(s.Accounts))
	s.Organizations = slices.Sorted(slices.Values(s.Organizations))
	s.Units = slices.Sorted(slices.Values(s.Units))
	return s
}

// world is an image in an EC2, real enough.
func world(api client, target Target, setTags func(testing.TB, map[string]string), remove func(testing.TB)) remedytest.World[Target, State, Change] {
	permissions := func(t testing.TB) []types.LaunchPermission {
		out, err := api.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{
			ImageId: &target.ImageID, Attribute: types.ImageAttributeNameLaunchPermission,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.LaunchPermissions
	}
	modify := func(t testing.TB, change types.LaunchPermissionModifications) {
		if len(change.Add)+len(change.Remove) == 0 {
			return
		}
		if _, err := api.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{ImageId: &target.ImageID, LaunchPermission: &change}); err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			setTags(t, s.Tags)
			var want []types.LaunchPermission
			if s.Public {
				want = append(want, types.LaunchPermission{Group: types.PermissionGroupAll})
			}
			for _, id := range s.Accounts {
				want = append(want, types.LaunchPermission{UserId: &id})
			}
			for _, arn := range s.Organizations {
				want = append(want, types.LaunchPermission{OrganizationArn: &arn})
			}
			for _, arn := range s.Units {
				want = append(want, types.LaunchPermission{OrganizationalUnitArn: &arn})
			}
			modify(t, types.LaunchPermissionModifications{Remove: permissions(t)})
			modify(t, types.LaunchPermissionModifications{Add: want})
			return remedy.Event{
				Source: "aws.ec2", Name: "ModifyImageAttribute", Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"imageId":"` + target.ImageID + `"}}`),
			}
		},
		State: func(t testing.TB) State {
			var s State
			for _, p := range permissions(t) {
				switch {
				case p.UserId != nil:
					s.Accounts = append(s.Accounts, *p.UserId)
				case p.OrganizationArn != nil:
					s.Organizations = append(s.Organizations, *p.OrganizationArn)
				case p.OrganizationalUnitArn != nil:
					s.Units = append(s.Units, *p.OrganizationalUnitArn)
				default:
					s.Public = p.Group == types.PermissionGroupAll
				}
			}
			out, err := api.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{target.ImageID}})
			if err != nil {
				t.Fatal(err)
			}
			for _, tag := range out.Images[0].Tags {
				if s.Tags == nil {
					s.Tags = map[string]string{}
				}
				s.Tags[*tag.Key] = *tag.Value
			}
			return normal(s)
		},
	}
}
