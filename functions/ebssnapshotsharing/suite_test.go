package ebssnapshotsharing

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const (
	call    = "ec2:ModifySnapshotAttribute"
	partner = "444455556666"
	backup  = "777788889999"
	unknown = "123456789012"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	listed := Params{AllowedAccounts: []string{partner, backup}}
	before := State{Accounts: []string{partner}}
	many := State{}
	for i := range 12 {
		many.Accounts = append(many.Accounts, fmt.Sprintf("2%011d", i))
	}
	manyAndPartner := State{Accounts: append(slices.Clone(many.Accounts), partner)}
	tags := map[string]string{"share": "partners"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: State{Tags: tags}},
			{Name: "shared with accounts, none listed", Live: State{Accounts: []string{unknown, partner}}},
			{Name: "shared with listed accounts", Params: &listed, Live: State{Accounts: []string{partner, backup}}},
			{
				Name: "public", Live: State{Public: true, Tags: tags},
				Rules: []string{"public"}, Calls: []string{call}, Want: State{Tags: tags},
			},
			{
				Name: "public and shared, none listed", Live: State{Public: true, Accounts: []string{unknown, partner}},
				Rules: []string{"public"}, Calls: []string{call}, Want: State{Accounts: []string{unknown, partner}},
			},
			{
				Name: "public and shared with listed accounts", Params: &listed, Live: State{Public: true, Accounts: []string{partner}},
				Rules: []string{"public"}, Calls: []string{call}, Want: State{Accounts: []string{partner}},
			},
			{
				Name: "one account is not listed", Params: &listed, Live: State{Accounts: []string{unknown, partner, backup}},
				Rules: []string{"foreign-account"}, Calls: []string{call}, Want: State{Accounts: []string{partner, backup}},
			},
			{
				Name: "public and a foreign account", Params: &listed, Live: State{Public: true, Accounts: []string{unknown, partner}},
				Rules: []string{"public", "foreign-account"}, Calls: []string{call, call}, Want: State{Accounts: []string{partner}},
			},
			{
				Name: "allowed sharing since the baseline stays", Params: &listed, Baseline: &before,
				Live:  State{Accounts: []string{unknown, backup}},
				Rules: []string{"foreign-account"}, Calls: []string{call}, Want: State{Accounts: []string{backup}},
			},
			{
				Name: "many foreign accounts go in one call", Params: &listed, Live: manyAndPartner,
				Rules: slices.Repeat([]string{"foreign-account"}, 12), Calls: []string{call}, Want: State{Accounts: []string{partner}},
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return world(f, Target{f.snapshot, "111122223333", "us-east-1"},
			func(_ testing.TB, tags map[string]string) { f.tags = awsTags(tags) },
			func(testing.TB) { f.snapshot = "" })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	volume, err := api.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(mototest.Region + "a"), Size: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		snapshot, err := api.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
		if err != nil {
			t.Fatal(err)
		}
		id := *snapshot.SnapshotId
		// The emulator goes through all snapshots to find one: leave none behind.
		t.Cleanup(func() {
			_, _ = api.DeleteSnapshot(context.Background(), &ec2.DeleteSnapshotInput{SnapshotId: &id})
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
				if _, err := api.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &id}); err != nil {
					t.Fatal(err)
				}
			})
	}
	remedytest.RunEmulated(t, s)
}

// normal leaves out the owner, which is another in each world, and the accounts' order.
func normal(s State) State {
	s.Owner = ""
	s.Accounts = slices.Sorted(slices.Values(s.Accounts))
	return s
}

// world is a snapshot in an EC2, real enough.
func world(api client, target Target, setTags func(testing.TB, map[string]string), remove func(testing.TB)) remedytest.World[Target, State, Change] {
	permissions := func(t testing.TB) (public bool, accounts []string) {
		out, err := api.DescribeSnapshotAttribute(t.Context(), &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: &target.SnapshotID, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.CreateVolumePermissions {
			if p.UserId != nil {
				accounts = append(accounts, *p.UserId)
			}
			public = public || p.Group == types.PermissionGroupAll
		}
		slices.Sort(accounts)
		return public, accounts
	}
	set := func(t testing.TB, op types.OperationType, groups, accounts []string) {
		if len(groups)+len(accounts) == 0 {
			return
		}
		if _, err := api.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &target.SnapshotID, OperationType: op, GroupNames: groups, UserIds: accounts,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			setTags(t, s.Tags)
			_, accounts := permissions(t)
			set(t, types.OperationTypeRemove, []string{"all"}, nil)
			set(t, types.OperationTypeRemove, nil, accounts)
			set(t, types.OperationTypeAdd, nil, s.Accounts)
			if s.Public {
				set(t, types.OperationTypeAdd, []string{"all"}, nil)
			}
			return remedy.Event{
				Source: "aws.ec2", Name: "ModifySnapshotAttribute", Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"snapshotId":"` + target.SnapshotID + `"}}`),
			}
		},
		State: func(t testing.TB) State {
			var s State
			s.Public, s.Accounts = permissions(t)
			out, err := api.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{target.SnapshotID}})
			if err != nil {
				t.Fatal(err)
			}
			for _, tag := range out.Snapshots[0].Tags {
				if s.Tags == nil {
					s.Tags = map[string]string{}
				}
				s.Tags[*tag.Key] = *tag.Value
			}
			return s
		},
	}
}
