package ec2flowlog

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{"fl-first", "111122223333", "us-east-1"}

// everything is a flow log with all that one can have.
func everything() Log {
	return Log{
		Resource: "vpc-0fake", Traffic: "REJECT", DestinationType: "s3", Destination: "arn:aws:s3:::acme-flows/net/",
		DeliveryRole: "arn:aws:iam::111122223333:role/flows", CrossAccountRole: "arn:aws:iam::111122223333:role/across",
		Format: "${version} ${srcaddr}", Interval: 60, Files: &Files{Format: "parquet", Hive: true, PerHour: true},
		TagFields: []TagField{{"instance", []string{"Name"}}}, Tags: map[string]string{"team": "net", tagReplaces: "fl-first"},
	}
}

func TestReadGivesAllThatApplyMakes(t *testing.T) {
	t.Parallel()
	byARN := everything()
	byARN.DestinationType, byARN.Destination, byARN.Files = "cloud-watch-logs", "arn:aws:logs:us-east-1:111122223333:log-group:flows", nil
	byName := byARN
	byName.Destination, byName.LogGroup = "", "flows"
	for name, want := range map[string]Log{"S3": everything(), "a log group by its ARN": byARN, "a log group by its name": byName} {
		f := newFake()
		if err := storeOf(f).Apply(t.Context(), target, creation{want}); err != nil {
			t.Fatal(err)
		}
		got, err := storeOf(f).Read(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		want.ID = "fl-00000000000000001"
		if diff := cmp.Diff(State{Log: &want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadPrefersTheFirst(t *testing.T) {
	t.Parallel()
	f := newFake()
	add := func(id string, tags ...types.Tag) {
		f.logs[id] = types.FlowLog{FlowLogId: &id, ResourceId: aws.String("vpc-1"), LogGroupName: aws.String(id), Tags: tags}
	}
	first := types.Tag{Key: aws.String(tagReplaces), Value: aws.String("fl-first")}
	add("fl-b", first)
	add("fl-a", first)
	add("fl-other")
	read := func(want string) {
		t.Helper()
		got, err := storeOf(f).Read(t.Context(), target)
		if err != nil || got.Log == nil || got.Log.ID != want {
			t.Errorf("Read = %+v, %v; want %s", got.Log, err, want)
		}
	}
	read("fl-a")
	add("fl-first")
	read("fl-first")
	clear(f.logs)
	if got, err := storeOf(f).Read(t.Context(), target); err != nil || got.Log != nil {
		t.Errorf("Read of one that is gone = %+v, %v; want a state without one", got, err)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	log := func(l types.FlowLog) func(*fake) {
		return func(f *fake) { f.logs["fl-first"] = l }
	}
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
	}{
		{"refused", func(f *fake) { f.fail["DescribeFlowLogs by flow-log-id"] = "UnauthorizedOperation" }, "grant ec2:DescribeFlowLogs "},
		{"refused by tag", func(f *fake) { f.fail["DescribeFlowLogs by tag:ebb:replaces"] = "UnauthorizedOperation" }, "grant ec2:DescribeFlowLogs "},
		{"throttled", func(f *fake) { f.fail["DescribeFlowLogs by tag:ebb:replaces"] = "RequestLimitExceeded" }, "RequestLimitExceeded"},
		{"a resource of an unknown kind", log(types.FlowLog{FlowLogId: aws.String("fl-first"), ResourceId: aws.String("i-1"), LogGroupName: aws.String("g")}), `resource "i-1"`},
		{"no destination", log(types.FlowLog{FlowLogId: aws.String("fl-first"), ResourceId: aws.String("vpc-1")}), "no destination"},
		{"no id", log(types.FlowLog{ResourceId: aws.String("vpc-1")}), "without an id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.Is(err, remedy.ErrGone) || remedy.IsPermanent(err) {
				t.Fatalf("error = %v, want one with %q that is tried again", err, tt.wantErr)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := storeOf(f)
	for range 2 {
		if err := s.Apply(t.Context(), target, creation{everything()}); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.logs) != 1 {
		t.Errorf("%d flow logs, want 1", len(f.logs))
	}
	for range 2 {
		if err := s.Apply(t.Context(), target, deletion{"fl-00000000000000001"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.logs) != 0 {
		t.Errorf("%d flow logs, want none", len(f.logs))
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for api, change := range map[string]Change{"CreateFlowLogs": creation{everything()}, "DeleteFlowLogs": deletion{"fl-1"}} {
		f := newFake()
		f.fail[api] = "UnauthorizedOperation"
		if err := storeOf(f).Apply(t.Context(), target, change); err == nil || !strings.Contains(err.Error(), "grant ec2:"+api+" ") {
			t.Errorf("%s refused: error = %v, want one that names the action to grant", api, err)
		}
		f.fail[api] = "RequestLimitExceeded"
		if err := storeOf(f).Apply(t.Context(), target, change); err == nil || remedy.IsPermanent(err) || errors.Is(err, remedy.ErrGone) {
			t.Errorf("%s throttled: error = %v, want one that is tried again", api, err)
		}
		if !slices.Contains(Function.Actions, "ec2:"+api) {
			t.Errorf("Function.Actions lacks ec2:%s", api)
		}
	}
	f := newFake()
	f.vpc = ""
	if err := storeOf(f).Apply(t.Context(), target, creation{everything()}); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("the VPC is gone: error = %v, want ErrGone", err)
	}
}

// TestSomebodyElseMadeItAgain has a flow log to the same destination, which EC2
// allows once: it is not Ebb's to tag, or to delete in an undo.
func TestSomebodyElseMadeItAgain(t *testing.T) {
	t.Parallel()
	f := newFake()
	other := everything()
	other.Tags = nil
	s := storeOf(f)
	if err := s.Apply(t.Context(), target, creation{other}); err != nil {
		t.Fatal(err)
	}
	err := s.Apply(t.Context(), target, creation{everything()})
	if err == nil || !strings.Contains(err.Error(), "give it the tag ebb:replaces = fl-first if it takes the place") {
		t.Errorf("error = %v, want one that says what a person can do", err)
	}
}
