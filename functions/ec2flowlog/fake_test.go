package ec2flowlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// fake is the flow logs of an account with one VPC, with EC2's answers. Pages
// hold one flow log.
type fake struct {
	mu    sync.Mutex
	vpc   string // empty when it is gone
	logs  map[string]types.FlowLog
	made  int
	fail  map[string]string // the code that a call is answered with
	calls []string
}

func newFake() *fake {
	return &fake{vpc: "vpc-0fake", logs: map[string]types.FlowLog{}, fail: map[string]string{}}
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as EC2 says it"}
}

func (f *fake) enter(call string) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	if code := f.fail[call]; code != "" {
		return apiError(code)
	}
	return nil
}

func (f *fake) DescribeFlowLogs(_ context.Context, in *ec2.DescribeFlowLogsInput, _ ...func(*ec2.Options)) (*ec2.DescribeFlowLogsOutput, error) {
	filter := in.Filter[0]
	defer f.mu.Unlock()
	if err := f.enter("DescribeFlowLogs by " + *filter.Name); err != nil {
		return nil, err
	}
	var all []types.FlowLog
	for _, id := range slices.Sorted(maps.Keys(f.logs)) {
		values := map[string]string{"flow-log-id": id, "resource-id": aws.ToString(f.logs[id].ResourceId)}
		for _, t := range f.logs[id].Tags {
			values["tag:"+*t.Key] = *t.Value
		}
		if slices.Contains(filter.Values, values[*filter.Name]) {
			all = append(all, f.logs[id])
		}
	}
	var at int
	_, _ = fmt.Sscan(aws.ToString(in.NextToken), &at)
	out := &ec2.DescribeFlowLogsOutput{FlowLogs: all[at:min(at+1, len(all))]}
	if at+1 < len(all) {
		out.NextToken = aws.String(fmt.Sprint(at + 1))
	}
	return out, nil
}

func (f *fake) CreateFlowLogs(_ context.Context, in *ec2.CreateFlowLogsInput, _ ...func(*ec2.Options)) (*ec2.CreateFlowLogsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("CreateFlowLogs"); err != nil {
		return nil, err
	}
	refused := func(code string) (*ec2.CreateFlowLogsOutput, error) {
		return &ec2.CreateFlowLogsOutput{Unsuccessful: []types.UnsuccessfulItem{{
			ResourceId: &in.ResourceIds[0], Error: &types.UnsuccessfulItemError{Code: &code, Message: aws.String("as EC2 says it")},
		}}}, nil
	}
	if in.ResourceIds[0] != f.vpc {
		return refused("InvalidVpcId.NotFound")
	}
	for _, l := range f.logs {
		if aws.ToString(l.ResourceId) == f.vpc && aws.ToString(l.LogDestination) == aws.ToString(in.LogDestination) && aws.ToString(l.LogGroupName) == aws.ToString(in.LogGroupName) {
			return refused("FlowLogAlreadyExists")
		}
	}
	f.made++
	log := types.FlowLog{
		FlowLogId: aws.String(fmt.Sprintf("fl-%017x", f.made)), ResourceId: &in.ResourceIds[0], TrafficType: in.TrafficType,
		LogDestinationType: in.LogDestinationType, LogDestination: in.LogDestination, LogGroupName: in.LogGroupName, LogFormat: in.LogFormat,
		DeliverLogsPermissionArn: in.DeliverLogsPermissionArn, DeliverCrossAccountRole: in.DeliverCrossAccountRole,
		MaxAggregationInterval: in.MaxAggregationInterval, FlowLogStatus: aws.String("ACTIVE"),
	}
	if o := in.DestinationOptions; o != nil {
		log.DestinationOptions = &types.DestinationOptionsResponse{FileFormat: o.FileFormat, HiveCompatiblePartitions: o.HiveCompatiblePartitions, PerHourPartition: o.PerHourPartition}
	}
	for _, s := range in.TagFieldSpecifications {
		log.TagFieldSpecifications = append(log.TagFieldSpecifications, types.TagFieldSpecificationResponse{ResourceType: s.ResourceType, TagKeys: s.TagKeys})
	}
	for _, s := range in.TagSpecifications {
		log.Tags = s.Tags
	}
	f.logs[*log.FlowLogId] = log
	return &ec2.CreateFlowLogsOutput{FlowLogIds: []string{*log.FlowLogId}}, nil
}

func (f *fake) DeleteFlowLogs(_ context.Context, in *ec2.DeleteFlowLogsInput, _ ...func(*ec2.Options)) (*ec2.DeleteFlowLogsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteFlowLogs"); err != nil {
		return nil, err
	}
	out := &ec2.DeleteFlowLogsOutput{}
	for _, id := range in.FlowLogIds {
		if _, ok := f.logs[id]; !ok {
			out.Unsuccessful = append(out.Unsuccessful, types.UnsuccessfulItem{
				ResourceId: &id, Error: &types.UnsuccessfulItemError{Code: aws.String("InvalidFlowLogId.NotFound"), Message: aws.String("as EC2 says it")},
			})
		}
		delete(f.logs, id)
	}
	return out, nil
}
