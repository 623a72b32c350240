package rdssnapshotsharing

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const (
	partner = "444455556666"
	backup  = "777788889999"
	unknown = "123456789012"
)

func suite(cluster bool) remedytest.Suite[Target, State, Change, Params] {
	call := []string{"rds:" + kind("ModifyDBSnapshotAttribute", cluster)}
	listed := Params{AllowedAccounts: []string{partner, backup}}
	before := State{Shared: []string{partner}}
	tags := map[string]string{"share": "partners"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal: func(s State) State {
			s.Shared = slices.Sorted(slices.Values(s.Shared))
			return s
		},
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: State{Tags: tags}},
			{Name: "shared with listed accounts", Params: &listed, Live: State{Shared: []string{partner, backup}}},
			{
				Name: "public, and shared with accounts, none listed", Live: State{[]string{unknown, everybody}, tags},
				Rules: []string{"public"}, Calls: call, Want: State{[]string{unknown}, tags},
			},
			{
				Name: "public and a foreign account go in one call", Params: &listed, Live: State{Shared: []string{unknown, partner, everybody}},
				Rules: []string{"foreign-account", "public"}, Calls: call, Want: State{Shared: []string{partner}},
			},
			{
				Name: "allowed sharing since the baseline stays", Params: &listed, Baseline: &before, Live: State{Shared: []string{unknown, backup}},
				Rules: []string{"foreign-account"}, Calls: call, Want: State{Shared: []string{backup}},
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	for _, cluster := range []bool{false, true} {
		s := suite(cluster)
		s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
			f := newFake(cluster)
			return world(f, of(cluster),
				func(_ testing.TB, tags map[string]string) { f.tags = awsTags(tags) },
				func(testing.TB) { f.snapshot = "" })
		}
		t.Run(fmt.Sprint("cluster: ", cluster), func(t *testing.T) { remedytest.Run(t, s) })
	}
}

func TestConformanceMoto(t *testing.T) {
	account := mototest.New(t)
	api := rds.NewFromConfig(account.Config)
	_, err := api.CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("orders"), Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t4g.micro"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("admin1"), MasterUserPassword: aws.String("not-a-secret"),
	})
	must(t, err)
	_, err = api.CreateDBCluster(t.Context(), &rds.CreateDBClusterInput{
		DBClusterIdentifier: aws.String("orders"), Engine: aws.String("aurora-postgresql"),
		MasterUsername: aws.String("admin1"), MasterUserPassword: aws.String("not-a-secret"),
	})
	must(t, err)
	var snapshots atomic.Int64
	for _, cluster := range []bool{false, true} {
		s := suite(cluster)
		s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
			id := fmt.Sprint("orders-", snapshots.Add(1))
			target := Target{id, cluster, account.ID, mototest.Region}
			var remove func(testing.TB)
			if cluster {
				_, err := api.CreateDBClusterSnapshot(t.Context(), &rds.CreateDBClusterSnapshotInput{DBClusterIdentifier: aws.String("orders"), DBClusterSnapshotIdentifier: &id})
				must(t, err)
				remove = func(t testing.TB) {
					_, err := api.DeleteDBClusterSnapshot(t.Context(), &rds.DeleteDBClusterSnapshotInput{DBClusterSnapshotIdentifier: &id})
					must(t, err)
				}
			} else {
				_, err := api.CreateDBSnapshot(t.Context(), &rds.CreateDBSnapshotInput{DBInstanceIdentifier: aws.String("orders"), DBSnapshotIdentifier: &id})
				must(t, err)
				remove = func(t testing.TB) {
					_, err := api.DeleteDBSnapshot(t.Context(), &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: &id})
					must(t, err)
				}
			}
			return world(api, target, func(t testing.TB, tags map[string]string) {
				if len(tags) > 0 {
					arn := target.Ref().ID
					_, err := api.AddTagsToResource(t.Context(), &rds.AddTagsToResourceInput{ResourceName: &arn, Tags: awsTags(tags)})
					must(t, err)
				}
			}, remove)
		}
		t.Run(fmt.Sprint("cluster: ", cluster), func(t *testing.T) { remedytest.RunEmulated(t, s) })
	}
}

// world is a snapshot in an RDS, real enough.
func world(api client, target Target, setTags func(testing.TB, map[string]string), remove func(testing.TB)) remedytest.World[Target, State, Change] {
	shared := func(t testing.TB) []string {
		if target.Cluster {
			out, err := api.DescribeDBClusterSnapshotAttributes(t.Context(), &rds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: &target.Snapshot})
			must(t, err)
			return out.DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes[0].AttributeValues
		}
		out, err := api.DescribeDBSnapshotAttributes(t.Context(), &rds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &target.Snapshot})
		must(t, err)
		return out.DBSnapshotAttributesResult.DBSnapshotAttributes[0].AttributeValues
	}
	modify := func(t testing.TB, add, remove []string) {
		var err error
		if target.Cluster {
			_, err = api.ModifyDBClusterSnapshotAttribute(t.Context(), &rds.ModifyDBClusterSnapshotAttributeInput{
				DBClusterSnapshotIdentifier: &target.Snapshot, AttributeName: aws.String("restore"), ValuesToAdd: add, ValuesToRemove: remove,
			})
		} else {
			_, err = api.ModifyDBSnapshotAttribute(t.Context(), &rds.ModifyDBSnapshotAttributeInput{
				DBSnapshotIdentifier: &target.Snapshot, AttributeName: aws.String("restore"), ValuesToAdd: add, ValuesToRemove: remove,
			})
		}
		must(t, err)
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			setTags(t, s.Tags)
			modify(t, nil, shared(t))
			modify(t, s.Shared, nil)
			return remedy.Event{
				Source: "aws.rds", Name: kind("ModifyDBSnapshotAttribute", target.Cluster), Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"` + kind("dBSnapshotIdentifier", target.Cluster) + `":"` + target.Snapshot + `"}}`),
			}
		},
		State: func(t testing.TB) State {
			s := State{Shared: slices.Sorted(slices.Values(shared(t)))}
			var tags []types.Tag
			if target.Cluster {
				out, err := api.DescribeDBClusterSnapshots(t.Context(), &rds.DescribeDBClusterSnapshotsInput{DBClusterSnapshotIdentifier: &target.Snapshot})
				must(t, err)
				tags = out.DBClusterSnapshots[0].TagList
			} else {
				out, err := api.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: &target.Snapshot})
				must(t, err)
				tags = out.DBSnapshots[0].TagList
			}
			for _, tag := range tags {
				if s.Tags == nil {
					s.Tags = map[string]string{}
				}
				s.Tags[*tag.Key] = *tag.Value
			}
			return s
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
