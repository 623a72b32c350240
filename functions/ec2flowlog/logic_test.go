package ec2flowlog

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	target := Target{FlowLog: "fl-1"}
	if got := check(target, State{Log: &Log{ID: "fl-2"}}, struct{}{}); got != nil {
		t.Errorf("check of a flow log that is there = %v, want none", got)
	}
	want := []remedy.Violation{{Rule: "flow-log-deleted", Part: "fl-1", Message: "Flow log fl-1 was deleted."}}
	if diff := cmp.Diff(want, check(target, State{}, struct{}{})); diff != "" {
		t.Errorf("check of one that is gone (-want +got):\n%s", diff)
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tags map[string]string
		want string
	}{
		"the first one":                  {nil, "fl-2"},
		"one in another's place":         {map[string]string{tagReplaces: "fl-1"}, "fl-1"},
		"a tag that is no flow log's id": {map[string]string{tagReplaces: "everything"}, "fl-2"},
	} {
		base := remedy.Baseline[State]{State: State{Log: &Log{ID: "fl-2", Tags: tt.tags}}, Known: true}
		if got := root(Target{FlowLog: "fl-2"}, base); got.FlowLog != tt.want {
			t.Errorf("%s: root = %s, want %s", name, got.FlowLog, tt.want)
		}
	}
	if got := root(Target{FlowLog: "fl-2"}, remedy.Baseline[State]{Known: true}); got.FlowLog != "fl-2" {
		t.Errorf("root without a flow log = %s, want fl-2", got.FlowLog)
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	group := State{Log: &Log{ID: "fl-2", Resource: "vpc-1", Traffic: "ALL", DestinationType: "cloud-watch-logs", LogGroup: "flows", DeliveryRole: "arn:aws:iam::111122223333:role/flows"}}
	bucket := State{Log: &Log{
		ID: "fl-1", Resource: "tgw-attach-1", DestinationType: "s3", Destination: "arn:aws:s3:::acme-flows", Format: "${version}", Interval: 60,
		CrossAccountRole: "arn:aws:iam::111122223333:role/x", Files: &Files{Format: "parquet", Hive: true, PerHour: true},
		TagFields: []TagField{{"instance", []string{"Name"}}}, Tags: map[string]string{"team": "net", "aws:cloudformation:stack-name": "flows"},
	}}
	const (
		remove = `{"api":"ec2:DeleteFlowLogs","params":{"FlowLogIds":["fl-2"]}}`
		create = `{"api":"ec2:CreateFlowLogs","params":{"DeliverCrossAccountRole":"arn:aws:iam::111122223333:role/x","DestinationOptions":{"FileFormat":"parquet","HiveCompatiblePartitions":true,"PerHourPartition":true},"LogDestination":"arn:aws:s3:::acme-flows","LogDestinationType":"s3","LogFormat":"${version}","MaxAggregationInterval":60,"ResourceIds":["tgw-attach-1"],"ResourceType":"TransitGatewayAttachment","TagFieldSpecifications":[{"ResourceType":"instance","TagKeys":["Name"]}],"TagSpecifications":[{"ResourceType":"vpc-flow-log","Tags":[{"Key":"ebb:replaces","Value":"fl-1"},{"Key":"team","Value":"net"}]}]}}`
	)
	again := *group.Log
	again.ID, again.Tags = "fl-9", map[string]string{tagReplaces: "fl-2"}
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"none and none", State{}, State{}, nil},
		{"only id and tags differ", group, State{Log: &again}, nil},
		{"made", State{}, bucket, []string{create}},
		{"deleted", group, State{}, []string{remove}},
		{"other settings", group, bucket, []string{remove, create}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(Target{FlowLog: "fl-1"}, tt.from, tt.to) {
				b, err := json.Marshal(c.Call())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResourceType(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"vpc-1": "VPC", "subnet-1": "Subnet", "eni-1": "NetworkInterface", "tgw-1": "TransitGateway", "tgw-attach-1": "TransitGatewayAttachment", "nat-1": "RegionalNatGateway", "i-1": "",
	} {
		if got := resourceType(id); got != want {
			t.Errorf("resourceType(%s) = %q, want %q", id, got, want)
		}
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	if rapid.Bool().Draw(t, "gone") {
		return State{}
	}
	l := Log{
		ID: rapid.SampledFrom([]string{"fl-1", "fl-2"}).Draw(t, "id"), Resource: rapid.SampledFrom([]string{"vpc-1", "eni-1"}).Draw(t, "resource"),
		Traffic: rapid.SampledFrom([]string{"ALL", "REJECT"}).Draw(t, "traffic"), DestinationType: "s3", Destination: "arn:aws:s3:::acme-flows",
		Tags: rapid.MapOfN(rapid.SampledFrom([]string{"team", tagReplaces}), rapid.SampledFrom([]string{"fl-1", "net"}), 0, 2).Draw(t, "tags"),
	}
	if rapid.Bool().Draw(t, "has files") {
		l.Files = &Files{Format: "parquet", Hive: rapid.Bool().Draw(t, "hive")}
	}
	return State{Log: &l}
})

func TestRepairProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, base := states.Draw(t, "live"), states.Draw(t, "baseline")
		before, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(before, &back); err != nil || !cmp.Equal(back, live, cmpopts.EquateEmpty()) {
			t.Fatalf("a state does not survive its JSON form: %s, %v", before, err)
		}
		target := Target{FlowLog: "fl-1"}
		got := repair(target, live, remedy.Baseline[State]{State: base, Known: true}, struct{}{})
		if left := check(target, got, struct{}{}); len(left) > 0 && base.Log != nil {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if after, err := json.Marshal(live); err != nil || string(after) != string(before) {
			t.Fatalf("repair changed its argument to %s, %v", after, err)
		}
		if live.Log != nil && !cmp.Equal(live, got) {
			t.Fatalf("a flow log that is there became %+v", got)
		}
		for _, c := range diff(target, live, got) {
			made, ok := c.(creation)
			if !ok || made.log.Tags[tagReplaces] != "fl-1" || !cmp.Equal(made.log.settings(), base.Log.settings(), cmpopts.EquateEmpty()) {
				t.Fatalf("the repair is %+v, want the baseline's flow log in the place of fl-1", c)
			}
		}
	})
}
