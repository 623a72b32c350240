package configrecorder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of AWS Config's API that the store calls.
type client interface {
	DescribeConfigurationRecorders(context.Context, *configservice.DescribeConfigurationRecordersInput, ...func(*configservice.Options)) (*configservice.DescribeConfigurationRecordersOutput, error)
	DescribeConfigurationRecorderStatus(context.Context, *configservice.DescribeConfigurationRecorderStatusInput, ...func(*configservice.Options)) (*configservice.DescribeConfigurationRecorderStatusOutput, error)
	DescribeDeliveryChannels(context.Context, *configservice.DescribeDeliveryChannelsInput, ...func(*configservice.Options)) (*configservice.DescribeDeliveryChannelsOutput, error)
	PutConfigurationRecorder(context.Context, *configservice.PutConfigurationRecorderInput, ...func(*configservice.Options)) (*configservice.PutConfigurationRecorderOutput, error)
	DeleteConfigurationRecorder(context.Context, *configservice.DeleteConfigurationRecorderInput, ...func(*configservice.Options)) (*configservice.DeleteConfigurationRecorderOutput, error)
	StartConfigurationRecorder(context.Context, *configservice.StartConfigurationRecorderInput, ...func(*configservice.Options)) (*configservice.StartConfigurationRecorderOutput, error)
	StopConfigurationRecorder(context.Context, *configservice.StopConfigurationRecorderInput, ...func(*configservice.Options)) (*configservice.StopConfigurationRecorderOutput, error)
	PutDeliveryChannel(context.Context, *configservice.PutDeliveryChannelInput, ...func(*configservice.Options)) (*configservice.PutDeliveryChannelOutput, error)
	DeleteDeliveryChannel(context.Context, *configservice.DeleteDeliveryChannelInput, ...func(*configservice.Options)) (*configservice.DeleteDeliveryChannelOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return configservice.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes the recorder of a region that customers manage.
type store struct {
	client func(remedy.Ref) client
}

// attempts is how often a recorder is read that comes or goes meanwhile.
const attempts = 3

var errChanged = errors.New("the recorder came or went while it was read")

// Read gives the recorder and the delivery channel, in one round of three
// calls. That there is none is a state.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := read(ctx, s.client(t.Ref()))
	for n := 1; n < attempts && errors.Is(err, errChanged); n++ {
		state, err = read(ctx, s.client(t.Ref()))
	}
	if err != nil {
		return State{}, fmt.Errorf("read AWS Config of account %s in %s: %w", t.Account, t.Region, err)
	}
	return state, nil
}

func read(ctx context.Context, c client) (State, error) {
	var recorder *types.ConfigurationRecorder
	var status *types.ConfigurationRecorderStatus
	var channel *types.DeliveryChannel
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		out, err := c.DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
		if err != nil {
			return cloud.Explain(err, "config:DescribeConfigurationRecorders")
		}
		recorder, err = one("recorders", slices.DeleteFunc(out.ConfigurationRecorders, func(r types.ConfigurationRecorder) bool {
			return aws.ToString(r.ServicePrincipal) != "" || strings.HasPrefix(aws.ToString(r.Name), linked)
		}))
		return err
	})
	g.Go(func() error {
		out, err := c.DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
		if err != nil {
			return cloud.Explain(err, "config:DescribeConfigurationRecorderStatus")
		}
		status, err = one("statuses", slices.DeleteFunc(out.ConfigurationRecordersStatus, func(s types.ConfigurationRecorderStatus) bool {
			return aws.ToString(s.ServicePrincipal) != "" || strings.HasPrefix(aws.ToString(s.Name), linked)
		}))
		return err
	})
	g.Go(func() error {
		out, err := c.DescribeDeliveryChannels(ctx, &configservice.DescribeDeliveryChannelsInput{})
		if err != nil {
			return cloud.Explain(err, "config:DescribeDeliveryChannels")
		}
		channel, err = one("delivery channels", out.DeliveryChannels)
		return err
	})
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	if (recorder == nil) != (status == nil) || recorder != nil && aws.ToString(recorder.Name) != aws.ToString(status.Name) {
		return State{}, errChanged
	}
	var state State
	if channel != nil {
		state.Channel = channelOf(*channel)
	}
	if recorder != nil {
		settings, err := settingsOf(*recorder)
		if err != nil {
			return State{}, err
		}
		state.Recorder = &Recorder{Settings: settings, Recording: status.Recording}
	}
	return state, nil
}

// one gives the only entry of a list, or nil: a region has one of each at most.
func one[T any](what string, list []T) (*T, error) {
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return &list[0], nil
	}
	return nil, fmt.Errorf("the answer holds %d %s, and a region has one at most", len(list), what)
}

func settingsOf(r types.ConfigurationRecorder) (Settings, error) {
	s := Settings{Name: aws.ToString(r.Name), Role: aws.ToString(r.RoleARN), Mode: Mode{Frequency: continuous}} // what Config takes by itself
	g := r.RecordingGroup
	if g == nil {
		return Settings{}, fmt.Errorf("config:DescribeConfigurationRecorders: the answer does not say what recorder %s records", s.Name)
	}
	s.Group = Group{All: g.AllSupported, Global: g.IncludeGlobalResourceTypes, Only: names(g.ResourceTypes)}
	if e := g.ExclusionByResourceTypes; e != nil {
		s.Group.Without = names(e.ResourceTypes)
	}
	if m := r.RecordingMode; m != nil {
		s.Mode.Frequency = string(m.RecordingFrequency)
		for _, o := range m.RecordingModeOverrides {
			s.Mode.Overrides = append(s.Mode.Overrides, Override{
				Frequency: string(o.RecordingFrequency), Types: names(o.ResourceTypes), Description: aws.ToString(o.Description),
			})
		}
	}
	return s, nil
}

// names gives resource types as sorted texts; nil of none.
func names(list []types.ResourceType) []string {
	var out []string
	for _, t := range list {
		out = append(out, string(t))
	}
	slices.Sort(out)
	return out
}

func channelOf(c types.DeliveryChannel) *Channel {
	out := &Channel{
		Name: aws.ToString(c.Name), Bucket: aws.ToString(c.S3BucketName), Prefix: aws.ToString(c.S3KeyPrefix),
		Key: aws.ToString(c.S3KmsKeyArn), Topic: aws.ToString(c.SnsTopicARN),
	}
	if p := c.ConfigSnapshotDeliveryProperties; p != nil {
		out.Frequency = string(p.DeliveryFrequency)
	}
	return out
}

// Apply makes the change's call. To start what records, to stop what does not,
// and to put what is there is no error to Config.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api := s.client(t.Ref())
	var err error
	switch c.Operation {
	case putRecorder:
		_, err = api.PutConfigurationRecorder(ctx, &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: recorderInput(c.Recorder)})
	case deleteRecorder:
		_, err = api.DeleteConfigurationRecorder(ctx, &configservice.DeleteConfigurationRecorderInput{ConfigurationRecorderName: &c.Name})
	case start:
		_, err = api.StartConfigurationRecorder(ctx, &configservice.StartConfigurationRecorderInput{ConfigurationRecorderName: &c.Name})
	case stop:
		_, err = api.StopConfigurationRecorder(ctx, &configservice.StopConfigurationRecorderInput{ConfigurationRecorderName: &c.Name})
	case putChannel:
		_, err = api.PutDeliveryChannel(ctx, &configservice.PutDeliveryChannelInput{DeliveryChannel: channelInput(c.Channel)})
	case deleteChannel:
		_, err = api.DeleteDeliveryChannel(ctx, &configservice.DeleteDeliveryChannelInput{DeliveryChannelName: &c.Name})
	default:
		return remedy.Permanent(fmt.Errorf("AWS Config of account %s in %s: there is no operation %q", t.Account, t.Region, c.Operation))
	}
	if gone := cloud.HasCode(err, "NoSuchConfigurationRecorderException", "NoSuchDeliveryChannelException"); gone && (c.Operation == deleteRecorder || c.Operation == deleteChannel) {
		return nil
	}
	return explain(err, t, c)
}

// explain says what a refused call means. A recorder that went while Ebb worked
// on it is an error: the retry makes it again.
func explain(err error, t Target, c Change) error {
	if err == nil {
		return nil
	}
	explained := fmt.Errorf("AWS Config of account %s in %s: %w", t.Account, t.Region, cloud.Explain(err, "config:"+string(c.Operation)))
	switch {
	case cloud.Denied(err) && c.Operation == putRecorder:
		return fmt.Errorf("%w (and iam:PassRole for %s)", explained, c.Recorder.Role)
	case cloud.HasCode(err, "UnmodifiableEntityException"):
		return remedy.Permanent(fmt.Errorf("only the AWS service that made this recorder can change it: %w", explained))
	case cloud.HasCode(err, "NoSuchBucketException"):
		return remedy.Permanent(fmt.Errorf("the bucket %s is not there any more: %w", c.Channel.Bucket, explained))
	case cloud.HasCode(err, "InsufficientDeliveryPolicyException", "InvalidSNSTopicARNException", "InvalidS3KmsKeyArnException"):
		return fmt.Errorf("AWS Config can't deliver to bucket %s: put the bucket, its key or the topic right: %w", c.Channel.Bucket, explained)
	case cloud.HasCode(err, "InvalidRoleException"):
		return fmt.Errorf("AWS Config can't use the role %s: put it right: %w", c.Recorder.Role, explained)
	}
	return explained
}

func recorderInput(s Settings) *types.ConfigurationRecorder {
	group := &types.RecordingGroup{
		AllSupported: s.Group.All, IncludeGlobalResourceTypes: s.Group.Global, ResourceTypes: resourceTypes(s.Group.Only),
		RecordingStrategy: &types.RecordingStrategy{UseOnly: types.RecordingStrategyTypeInclusionByResourceTypes},
	}
	switch {
	case s.Group.All:
		group.RecordingStrategy.UseOnly = types.RecordingStrategyTypeAllSupportedResourceTypes
	case len(s.Group.Without) > 0:
		group.RecordingStrategy.UseOnly = types.RecordingStrategyTypeExclusionByResourceTypes
		group.ExclusionByResourceTypes = &types.ExclusionByResourceTypes{ResourceTypes: resourceTypes(s.Group.Without)}
	}
	mode := &types.RecordingMode{RecordingFrequency: types.RecordingFrequency(s.Mode.Frequency)}
	for _, o := range s.Mode.Overrides {
		mode.RecordingModeOverrides = append(mode.RecordingModeOverrides, types.RecordingModeOverride{
			RecordingFrequency: types.RecordingFrequency(o.Frequency), ResourceTypes: resourceTypes(o.Types), Description: some(o.Description),
		})
	}
	return &types.ConfigurationRecorder{Name: &s.Name, RoleARN: &s.Role, RecordingGroup: group, RecordingMode: mode}
}

func resourceTypes(list []string) []types.ResourceType {
	var out []types.ResourceType
	for _, name := range list {
		out = append(out, types.ResourceType(name))
	}
	return out
}

func channelInput(c Channel) *types.DeliveryChannel {
	in := &types.DeliveryChannel{
		Name: &c.Name, S3BucketName: &c.Bucket, S3KeyPrefix: some(c.Prefix), S3KmsKeyArn: some(c.Key), SnsTopicARN: some(c.Topic),
	}
	if c.Frequency != "" {
		in.ConfigSnapshotDeliveryProperties = &types.ConfigSnapshotDeliveryProperties{DeliveryFrequency: types.MaximumExecutionFrequency(c.Frequency)}
	}
	return in
}

// some gives a text, and nil of an empty one, which Config refuses.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
