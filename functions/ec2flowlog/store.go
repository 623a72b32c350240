package ec2flowlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	DescribeFlowLogs(context.Context, *ec2.DescribeFlowLogsInput, ...func(*ec2.Options)) (*ec2.DescribeFlowLogsOutput, error)
	CreateFlowLogs(context.Context, *ec2.CreateFlowLogsInput, ...func(*ec2.Options)) (*ec2.CreateFlowLogsOutput, error)
	DeleteFlowLogs(context.Context, *ec2.DeleteFlowLogsInput, ...func(*ec2.Options)) (*ec2.DeleteFlowLogsOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads, makes and deletes flow logs.
type store struct {
	client func(remedy.Ref) client
}

// What EC2 answers.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
const (
	codeNoLog = "InvalidFlowLogId.NotFound"
	codeLog   = "FlowLogAlreadyExists"
)

// codesNoResource are the answers when what is to be monitored is gone.
var codesNoResource = []string{
	"InvalidVpcID.NotFound", "InvalidVpcId.NotFound", "InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound",
	"InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.NotFound",
	"InvalidTransitGatewayID.NotFound", "InvalidTransitGatewayAttachmentID.NotFound", "NatGatewayNotFound",
}

// Read gives the flow log, or the one that stands in its place.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var own, others []Log
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { own, err = find(gctx, c, "flow-log-id", t.FlowLog); return err })
	g.Go(func() (err error) { others, err = find(gctx, c, "tag:"+tagReplaces, t.FlowLog); return err })
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read flow log %s: %w", t.FlowLog, err)
	}
	if all := slices.Concat(own, others); len(all) > 0 {
		return State{Log: &all[0]}, nil
	}
	return State{}, nil
}

// find gives the flow logs that a filter lets through, by their ids.
func find(ctx context.Context, c client, filter, value string) ([]Log, error) {
	pages := ec2.NewDescribeFlowLogsPaginator(c, &ec2.DescribeFlowLogsInput{
		Filter: []types.Filter{{Name: &filter, Values: []string{value}}},
	})
	var out []Log
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "ec2:DescribeFlowLogs")
		}
		for _, l := range page.FlowLogs {
			log, err := fromAWS(l)
			if err != nil {
				return nil, err
			}
			out = append(out, log)
		}
	}
	slices.SortFunc(out, func(a, b Log) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// fromAWS gives a flow log as the API describes it. One that could not be made
// again is an error: it would be a baseline that is of no use.
func fromAWS(l types.FlowLog) (Log, error) {
	out := Log{
		ID:               aws.ToString(l.FlowLogId),
		Resource:         aws.ToString(l.ResourceId),
		Traffic:          string(l.TrafficType),
		DestinationType:  cmp.Or(string(l.LogDestinationType), string(types.LogDestinationTypeCloudWatchLogs)),
		Destination:      aws.ToString(l.LogDestination),
		DeliveryRole:     aws.ToString(l.DeliverLogsPermissionArn),
		CrossAccountRole: aws.ToString(l.DeliverCrossAccountRole),
		Format:           aws.ToString(l.LogFormat),
		Interval:         aws.ToInt32(l.MaxAggregationInterval),
	}
	if out.DestinationType == string(types.LogDestinationTypeCloudWatchLogs) && l.LogGroupName != nil {
		out.LogGroup, out.Destination = *l.LogGroupName, "" // one of them may be given
	}
	switch {
	case out.ID == "":
		return Log{}, errors.New("ec2:DescribeFlowLogs: the answer holds a flow log without an id")
	case resourceType(out.Resource) == "":
		return Log{}, fmt.Errorf("flow log %s is of resource %q, of a kind that is not known here", out.ID, out.Resource)
	case out.Destination == "" && out.LogGroup == "":
		return Log{}, fmt.Errorf("flow log %s has no destination", out.ID)
	}
	if o := l.DestinationOptions; o != nil {
		out.Files = &Files{Format: string(o.FileFormat), Hive: aws.ToBool(o.HiveCompatiblePartitions), PerHour: aws.ToBool(o.PerHourPartition)}
	}
	for _, f := range l.TagFieldSpecifications {
		out.TagFields = append(out.TagFields, TagField{string(f.ResourceType), f.TagKeys})
	}
	for _, t := range l.Tags {
		if out.Tags == nil {
			out.Tags = map[string]string{}
		}
		out.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out, nil
}

// Apply makes or deletes a flow log.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	switch c := c.(type) {
	case creation:
		return s.create(ctx, t, c.log)
	case deletion:
		out, err := s.client(t.Ref()).DeleteFlowLogs(ctx, &ec2.DeleteFlowLogsInput{FlowLogIds: []string{c.id}})
		if err == nil {
			err = refusal(out.Unsuccessful)
		}
		if cloud.HasCode(err, codeNoLog) {
			return nil
		}
		if err := cloud.Explain(err, "ec2:DeleteFlowLogs"); err != nil {
			return fmt.Errorf("delete flow log %s: %w", c.id, err)
		}
		return nil
	}
	return fmt.Errorf("apply to flow log %s: unknown change %T", t.FlowLog, c)
}

func (s store) create(ctx context.Context, t Target, l Log) error {
	out, err := s.client(t.Ref()).CreateFlowLogs(ctx, input(l))
	if err == nil {
		err = refusal(out.Unsuccessful)
	}
	if cloud.HasCode(err, codeLog) {
		// It may be the one that an earlier attempt made, or somebody else's.
		if live, readErr := s.Read(ctx, t); readErr == nil && live.Log != nil {
			return nil
		}
		return fmt.Errorf("make flow log %s again: %s has a flow log to the same destination by now: give it the tag %s = %s if it takes the place: %w",
			t.FlowLog, l.Resource, tagReplaces, t.FlowLog, err)
	}
	if err := cloud.Explain(err, "ec2:CreateFlowLogs", codesNoResource...); err != nil {
		return fmt.Errorf("make flow log %s of %s again: %w", t.FlowLog, l.Resource, err)
	}
	return nil
}

// refusal gives what EC2 did not do although the call worked, as the error that
// it would be alone.
func refusal(items []types.UnsuccessfulItem) error {
	for _, i := range items {
		if i.Error != nil {
			return &smithy.GenericAPIError{Code: aws.ToString(i.Error.Code), Message: aws.ToString(i.Error.Message)}
		}
	}
	return nil
}

func input(l Log) *ec2.CreateFlowLogsInput {
	in := &ec2.CreateFlowLogsInput{
		ResourceIds: []string{l.Resource}, ResourceType: types.FlowLogsResourceType(resourceType(l.Resource)),
		TrafficType: types.TrafficType(l.Traffic), LogDestinationType: types.LogDestinationType(l.DestinationType),
		LogDestination: optional(l.Destination), LogGroupName: optional(l.LogGroup), LogFormat: optional(l.Format),
		DeliverLogsPermissionArn: optional(l.DeliveryRole), DeliverCrossAccountRole: optional(l.CrossAccountRole),
	}
	if l.Interval != 0 {
		in.MaxAggregationInterval = &l.Interval
	}
	if f := l.Files; f != nil {
		in.DestinationOptions = &types.DestinationOptionsRequest{
			FileFormat: types.DestinationFileFormat(f.Format), HiveCompatiblePartitions: &f.Hive, PerHourPartition: &f.PerHour,
		}
	}
	for _, f := range l.TagFields {
		in.TagFieldSpecifications = append(in.TagFieldSpecifications, types.TagFieldSpecificationRequest{
			ResourceType: types.TaggableResourceType(f.ResourceType), TagKeys: f.Keys,
		})
	}
	tags := make([]types.Tag, 0, len(l.Tags))
	for _, k := range slices.Sorted(maps.Keys(l.Tags)) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(l.Tags[k])})
	}
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVpcFlowLog, Tags: tags}}
	return in
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
