package rdspublicaccess

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	call := []string{"rds:ModifyDBInstance"}
	allowed := Params{AllowedInstances: []string{"demo", "orders*"}}
	others := Params{AllowedInstances: []string{"demo-*"}}
	tags := map[string]string{"team": "data"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: State{Tags: tags}},
			{Name: "public and allowed", Params: &allowed, Live: State{Public: true}},
			{Name: "public", Live: State{true, tags}, Rules: []string{"public"}, Calls: call, Want: State{false, tags}},
			{
				Name: "became public, others are allowed", Params: &others, Baseline: &State{Public: false},
				Live: State{Public: true}, Rules: []string{"public"}, Calls: call, Want: State{Public: false},
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		t.Cleanup(func() {
			if f.class != "db.t4g.micro" || f.pending != "db.t4g.large" {
				t.Errorf("the class is %s and %s is pending, want db.t4g.micro and db.t4g.large", f.class, f.pending)
			}
		})
		return world(f, target,
			func(_ testing.TB, tags map[string]string) { f.tags = awsTags(tags) },
			func(testing.TB) { f.instance = "" })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := rds.NewFromConfig(account.Config)
	var instances atomic.Int64
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		target := Target{fmt.Sprint("orders-", instances.Add(1)), account.ID, mototest.Region}
		_, err := api.CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: &target.Instance, Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t4g.micro"),
			AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("admin1"), MasterUserPassword: aws.String("not-a-secret"),
		})
		must(t, err)
		return world(api, target,
			func(t testing.TB, tags map[string]string) {
				if len(tags) > 0 {
					_, err := api.AddTagsToResource(t.Context(), &rds.AddTagsToResourceInput{ResourceName: aws.String(target.Ref().ID), Tags: awsTags(tags)})
					must(t, err)
				}
			},
			func(t testing.TB) {
				_, err := api.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &target.Instance, SkipFinalSnapshot: aws.Bool(true)})
				must(t, err)
			})
	}
	remedytest.RunEmulated(t, s)
}

// world is an instance in an RDS, real enough.
func world(api client, target Target, setTags func(testing.TB, map[string]string), remove func(testing.TB)) remedytest.World[Target, State, Change] {
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			setTags(t, s.Tags)
			_, err := api.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{DBInstanceIdentifier: &target.Instance, PubliclyAccessible: &s.Public})
			must(t, err)
			ev := event(target.Account, `{"requestParameters":{"dBInstanceIdentifier":"`+target.Instance+`"}}`)
			ev.Region = target.Region
			return ev
		},
		State: func(t testing.TB) State {
			out, err := api.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &target.Instance})
			must(t, err)
			s := State{Public: *out.DBInstances[0].PubliclyAccessible}
			for _, tag := range out.DBInstances[0].TagList {
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
