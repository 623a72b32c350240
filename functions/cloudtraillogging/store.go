package cloudtraillogging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of CloudTrail's API that the store calls.
type client interface {
	GetTrail(context.Context, *cloudtrail.GetTrailInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailOutput, error)
	GetTrailStatus(context.Context, *cloudtrail.GetTrailStatusInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error)
	GetEventSelectors(context.Context, *cloudtrail.GetEventSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error)
	GetInsightSelectors(context.Context, *cloudtrail.GetInsightSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetInsightSelectorsOutput, error)
	ListTags(context.Context, *cloudtrail.ListTagsInput, ...func(*cloudtrail.Options)) (*cloudtrail.ListTagsOutput, error)
	CreateTrail(context.Context, *cloudtrail.CreateTrailInput, ...func(*cloudtrail.Options)) (*cloudtrail.CreateTrailOutput, error)
	UpdateTrail(context.Context, *cloudtrail.UpdateTrailInput, ...func(*cloudtrail.Options)) (*cloudtrail.UpdateTrailOutput, error)
	DeleteTrail(context.Context, *cloudtrail.DeleteTrailInput, ...func(*cloudtrail.Options)) (*cloudtrail.DeleteTrailOutput, error)
	PutEventSelectors(context.Context, *cloudtrail.PutEventSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.PutEventSelectorsOutput, error)
	PutInsightSelectors(context.Context, *cloudtrail.PutInsightSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.PutInsightSelectorsOutput, error)
	StartLogging(context.Context, *cloudtrail.StartLoggingInput, ...func(*cloudtrail.Options)) (*cloudtrail.StartLoggingOutput, error)
	StopLogging(context.Context, *cloudtrail.StopLoggingInput, ...func(*cloudtrail.Options)) (*cloudtrail.StopLoggingOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return cloudtrail.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes trails, from their home region.
type store struct {
	client func(remedy.Ref) client
}

// Codes of CloudTrail's errors.
const (
	codeNoTrail    = "TrailNotFoundException"
	codeNoResource = "ResourceNotFoundException" // ListTags of a trail that is gone
	codeNoInsights = "InsightNotEnabledException"
	codeExists     = "TrailAlreadyExistsException"
)

// attempts is how often a trail is read that comes or goes meanwhile.
const attempts = 3

var errChanged = errors.New("the trail came or went while it was read")

// Read gives the trail, in one round of five calls. That there is none is a state.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := read(ctx, s.client(t.Ref()), t.arn())
	for n := 1; n < attempts && errors.Is(err, errChanged); n++ {
		state, err = read(ctx, s.client(t.Ref()), t.arn())
	}
	if err != nil {
		return State{}, fmt.Errorf("read trail %s: %w", t.arn(), err)
	}
	return state, nil
}

func read(ctx context.Context, c client, arn string) (State, error) {
	var trail *types.Trail
	var status *cloudtrail.GetTrailStatusOutput
	var selectors *cloudtrail.GetEventSelectorsOutput
	var insights []types.InsightSelector
	var tags map[string]string
	g, ctx := errgroup.WithContext(ctx)
	// A part of a trail that is gone is gone too: whether it is, GetTrail says.
	part := func(action string, call func() error) {
		g.Go(func() error {
			if err := call(); err != nil && !cloud.HasCode(err, codeNoTrail, codeNoResource) {
				return cloud.Explain(err, "cloudtrail:"+action)
			}
			return nil
		})
	}
	part("GetTrail", func() error {
		out, err := c.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: &arn})
		if err == nil {
			if trail = out.Trail; trail == nil {
				return errors.New("the answer holds no trail")
			}
		}
		return err
	})
	part("GetTrailStatus", func() (err error) {
		status, err = c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &arn})
		return err
	})
	part("GetEventSelectors", func() (err error) {
		selectors, err = c.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &arn})
		return err
	})
	part("GetInsightSelectors", func() error {
		out, err := c.GetInsightSelectors(ctx, &cloudtrail.GetInsightSelectorsInput{TrailName: &arn})
		switch {
		case cloud.HasCode(err, codeNoInsights):
			return nil
		case err == nil:
			insights = out.InsightSelectors
		}
		return err
	})
	part("ListTags", func() (err error) {
		tags, err = listTags(ctx, c, arn)
		return err
	})
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	switch {
	case trail == nil:
		return State{}, nil
	case status == nil || selectors == nil:
		return State{}, errChanged
	case status.IsLogging == nil:
		return State{}, errors.New("cloudtrail:GetTrailStatus: the answer does not say whether the trail logs")
	}
	return State{Tags: tags, Trail: &Trail{
		Settings: settings(trail), Logging: *status.IsLogging, Insights: insightsOf(insights),
		Selectors: selectorsOf(selectors), Advanced: advancedOf(selectors.AdvancedEventSelectors),
	}}, nil
}

func listTags(ctx context.Context, c client, arn string) (map[string]string, error) {
	var tags map[string]string
	pages := cloudtrail.NewListTagsPaginator(c, &cloudtrail.ListTagsInput{ResourceIdList: []string{arn}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, resource := range page.ResourceTagList {
			for _, tag := range resource.TagsList {
				if tags == nil {
					tags = map[string]string{}
				}
				tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
		}
	}
	return tags, nil
}

// Apply makes the change's call. To start a trail that logs, to stop one that
// does not, and to put what is there is no error to CloudTrail.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api := s.client(t.Ref())
	var err error
	switch c.Operation {
	case create:
		u := c.Update
		_, err = api.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
			Name: &c.Trail, S3BucketName: u.S3BucketName, S3KeyPrefix: u.S3KeyPrefix, SnsTopicName: u.SnsTopicName,
			CloudWatchLogsLogGroupArn: u.CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn: u.CloudWatchLogsRoleArn, KmsKeyId: u.KmsKeyID,
			IncludeGlobalServiceEvents: u.IncludeGlobalServiceEvents, IsMultiRegionTrail: u.IsMultiRegionTrail,
			EnableLogFileValidation: u.EnableLogFileValidation, IsOrganizationTrail: u.IsOrganizationTrail, TagsList: tagList(c.Tags),
		})
		if cloud.HasCode(err, codeExists) {
			return nil // what it is like, the verification looks at
		}
	case update:
		u := c.Update
		_, err = api.UpdateTrail(ctx, &cloudtrail.UpdateTrailInput{
			Name: &c.Trail, S3BucketName: u.S3BucketName, S3KeyPrefix: u.S3KeyPrefix, SnsTopicName: u.SnsTopicName,
			CloudWatchLogsLogGroupArn: u.CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn: u.CloudWatchLogsRoleArn, KmsKeyId: u.KmsKeyID,
			IncludeGlobalServiceEvents: u.IncludeGlobalServiceEvents, IsMultiRegionTrail: u.IsMultiRegionTrail,
			EnableLogFileValidation: u.EnableLogFileValidation, IsOrganizationTrail: u.IsOrganizationTrail,
		})
	case remove:
		_, err = api.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: &c.Trail})
		if cloud.HasCode(err, codeNoTrail) {
			return nil
		}
	case putSelectors:
		_, err = api.PutEventSelectors(ctx, selectorsInput(c))
	case putInsights:
		_, err = api.PutInsightSelectors(ctx, insightsInput(c))
	case start:
		_, err = api.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: &c.Trail})
	case stop:
		_, err = api.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: &c.Trail})
	default:
		return remedy.Permanent(fmt.Errorf("trail %s: there is no operation %q", t.arn(), c.Operation))
	}
	return explain(err, t, c.Operation)
}

// explain says what a refused call means. A trail that went while Ebb worked on
// it is an error: the retry makes it again.
func explain(err error, t Target, op operation) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("trail %s: %w", t.arn(), cloud.Explain(err, "cloudtrail:"+string(op)))
	switch cloud.Code(err) {
	case "NotOrganizationMasterAccountException", "OrganizationsNotInUseException", "OrganizationNotInAllFeaturesModeException", "CloudTrailAccessNotEnabledException":
		return remedy.Permanent(fmt.Errorf("only the organization's management account or a delegated administrator can change this trail: %w", err))
	case "InsufficientDependencyServiceAccessPermissionException":
		return fmt.Errorf("the organization's trails need permissions of Organizations and IAM as well: %w", err)
	case "S3BucketDoesNotExistException", "KmsKeyNotFoundException", "MaximumNumberOfTrailsExceededException":
		return remedy.Permanent(fmt.Errorf("what the trail needs is not there any more: %w", err))
	case "InsufficientS3BucketPolicyException", "InsufficientSnsTopicPolicyException", "InsufficientEncryptionPolicyException",
		"InvalidCloudWatchLogsRoleArnException", "InvalidCloudWatchLogsLogGroupArnException", "KmsKeyDisabledException":
		return fmt.Errorf("CloudTrail can't write to where the trail delivers: put its bucket, key, topic or role right: %w", err)
	}
	return err
}

func tagList(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}

func settings(t *types.Trail) Settings {
	return Settings{
		Bucket: aws.ToString(t.S3BucketName), Prefix: aws.ToString(t.S3KeyPrefix), Topic: aws.ToString(t.SnsTopicARN),
		LogGroup: aws.ToString(t.CloudWatchLogsLogGroupArn), LogRole: aws.ToString(t.CloudWatchLogsRoleArn), Key: aws.ToString(t.KmsKeyId),
		Global: aws.ToBool(t.IncludeGlobalServiceEvents), MultiRegion: aws.ToBool(t.IsMultiRegionTrail),
		Validation: aws.ToBool(t.LogFileValidationEnabled), Organization: aws.ToBool(t.IsOrganizationTrail),
	}
}

// selectorsOf gives the basic selectors. Having none at all means those of a new trail.
func selectorsOf(out *cloudtrail.GetEventSelectorsOutput) []Selector {
	if len(out.EventSelectors)+len(out.AdvancedEventSelectors) == 0 {
		return []Selector{everything()}
	}
	return each(out.EventSelectors, func(s types.EventSelector) Selector {
		return Selector{
			ReadWriteType: string(s.ReadWriteType), IncludeManagementEvents: s.IncludeManagementEvents == nil || *s.IncludeManagementEvents,
			DataResources: each(s.DataResources, func(r types.DataResource) DataResource {
				return DataResource{Type: aws.ToString(r.Type), Values: some(r.Values)}
			}),
			ExcludeManagementEventSources: some(s.ExcludeManagementEventSources),
		}
	})
}

func advancedOf(list []types.AdvancedEventSelector) []AdvancedSelector {
	return each(list, func(s types.AdvancedEventSelector) AdvancedSelector {
		return AdvancedSelector{Name: aws.ToString(s.Name), FieldSelectors: each(s.FieldSelectors, func(f types.AdvancedFieldSelector) FieldSelector {
			return FieldSelector{
				Field: aws.ToString(f.Field), Equals: some(f.Equals), StartsWith: some(f.StartsWith), EndsWith: some(f.EndsWith),
				NotEquals: some(f.NotEquals), NotStartsWith: some(f.NotStartsWith), NotEndsWith: some(f.NotEndsWith),
			}
		})}
	})
}

func insightsOf(list []types.InsightSelector) []Insight {
	return each(list, func(i types.InsightSelector) Insight {
		return Insight{InsightType: string(i.InsightType), EventCategories: each(i.EventCategories, func(c types.SourceEventCategory) string { return string(c) })}
	})
}

func selectorsInput(c Change) *cloudtrail.PutEventSelectorsInput {
	in := &cloudtrail.PutEventSelectorsInput{TrailName: &c.Trail}
	if len(c.Advanced) == 0 { // a trail has the one kind or the other
		in.EventSelectors = each(c.Selectors, func(s Selector) types.EventSelector {
			return types.EventSelector{
				ReadWriteType: types.ReadWriteType(s.ReadWriteType), IncludeManagementEvents: &s.IncludeManagementEvents,
				DataResources: each(s.DataResources, func(r DataResource) types.DataResource {
					return types.DataResource{Type: &r.Type, Values: r.Values}
				}),
				ExcludeManagementEventSources: s.ExcludeManagementEventSources,
			}
		})
		return in
	}
	in.AdvancedEventSelectors = each(c.Advanced, func(s AdvancedSelector) types.AdvancedEventSelector {
		out := types.AdvancedEventSelector{FieldSelectors: each(s.FieldSelectors, func(f FieldSelector) types.AdvancedFieldSelector {
			return types.AdvancedFieldSelector{
				Field: &f.Field, Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith,
			}
		})}
		if s.Name != "" {
			out.Name = &s.Name
		}
		return out
	})
	return in
}

func insightsInput(c Change) *cloudtrail.PutInsightSelectorsInput {
	in := &cloudtrail.PutInsightSelectorsInput{TrailName: &c.Trail, InsightSelectors: []types.InsightSelector{}} // none switches them off
	for _, i := range c.Insights {
		in.InsightSelectors = append(in.InsightSelectors, types.InsightSelector{
			InsightType:     types.InsightType(i.InsightType),
			EventCategories: each(i.EventCategories, func(c string) types.SourceEventCategory { return types.SourceEventCategory(c) }),
		})
	}
	return in
}

// each gives f of each entry, and nil of none.
func each[A, B any](list []A, f func(A) B) []B {
	var out []B
	for _, v := range list {
		out = append(out, f(v))
	}
	return out
}

// some gives a list, and nil of an empty one: the two mean the same.
func some(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}
