package cloudtraillogging

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"
)

// fake is a region's CloudTrail with one trail at most.
type fake struct {
	mu        sync.Mutex
	trail     *types.Trail
	logging   bool
	basic     []types.EventSelector
	advanced  []types.AdvancedEventSelector
	insights  []types.InsightSelector
	tags      []types.Tag
	fail      map[string]error // by the call's name
	afterRead func()           // runs after each GetTrail
}

func newFake() *fake { return &fake{fail: map[string]error{}} }

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as told"} }

// enter begins a call about a trail, by its name or its ARN.
func (f *fake) enter(call string, trail *string) error {
	f.mu.Lock()
	if err := f.fail[call]; err != nil {
		return err
	}
	if f.trail == nil || *trail != *f.trail.Name && *trail != *f.trail.TrailARN {
		return apiError("TrailNotFoundException")
	}
	return nil
}

func (f *fake) GetTrail(_ context.Context, in *cloudtrail.GetTrailInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetTrail", in.Name); err != nil {
		return nil, err
	}
	trail := *f.trail
	if f.afterRead != nil {
		f.afterRead()
	}
	return &cloudtrail.GetTrailOutput{Trail: &trail}, nil
}

func (f *fake) GetTrailStatus(_ context.Context, in *cloudtrail.GetTrailStatusInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetTrailStatus", in.Name); err != nil {
		return nil, err
	}
	return &cloudtrail.GetTrailStatusOutput{IsLogging: aws.Bool(f.logging)}, nil
}

func (f *fake) GetEventSelectors(_ context.Context, in *cloudtrail.GetEventSelectorsInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetEventSelectors", in.TrailName); err != nil {
		return nil, err
	}
	return &cloudtrail.GetEventSelectorsOutput{EventSelectors: slices.Clone(f.basic), AdvancedEventSelectors: slices.Clone(f.advanced)}, nil
}

func (f *fake) GetInsightSelectors(_ context.Context, in *cloudtrail.GetInsightSelectorsInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.GetInsightSelectorsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetInsightSelectors", in.TrailName); err != nil {
		return nil, err
	}
	if len(f.insights) == 0 {
		return nil, apiError("InsightNotEnabledException")
	}
	return &cloudtrail.GetInsightSelectorsOutput{InsightSelectors: slices.Clone(f.insights)}, nil
}

func (f *fake) ListTags(_ context.Context, in *cloudtrail.ListTagsInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.ListTagsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListTags", &in.ResourceIdList[0]); err != nil {
		if f.trail == nil && f.fail["ListTags"] == nil {
			err = apiError("ResourceNotFoundException")
		}
		return nil, err
	}
	return &cloudtrail.ListTagsOutput{ResourceTagList: []types.ResourceTag{{ResourceId: &in.ResourceIdList[0], TagsList: f.tags}}}, nil
}

func (f *fake) CreateTrail(_ context.Context, in *cloudtrail.CreateTrailInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.CreateTrailOutput, error) {
	defer f.mu.Unlock()
	switch err := f.enter("CreateTrail", in.Name); {
	case err == nil:
		return nil, apiError("TrailAlreadyExistsException")
	case f.fail["CreateTrail"] != nil:
		return nil, err
	}
	t := &types.Trail{
		Name: in.Name, TrailARN: aws.String(audit.arn()), S3BucketName: in.S3BucketName, S3KeyPrefix: in.S3KeyPrefix, SnsTopicARN: in.SnsTopicName,
		CloudWatchLogsLogGroupArn: in.CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn: in.CloudWatchLogsRoleArn, KmsKeyId: in.KmsKeyId,
		IncludeGlobalServiceEvents: aws.Bool(in.IncludeGlobalServiceEvents == nil || *in.IncludeGlobalServiceEvents),
		IsMultiRegionTrail:         in.IsMultiRegionTrail, LogFileValidationEnabled: in.EnableLogFileValidation, IsOrganizationTrail: in.IsOrganizationTrail,
	}
	if err := valid(t); err != nil {
		return nil, err
	}
	f.trail, f.logging, f.tags, f.insights, f.advanced = t, false, in.TagsList, nil, nil
	f.basic = []types.EventSelector{{ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(true), DataResources: []types.DataResource{}}}
	return &cloudtrail.CreateTrailOutput{}, nil
}

func valid(t *types.Trail) error {
	if aws.ToBool(t.IsMultiRegionTrail) && !aws.ToBool(t.IncludeGlobalServiceEvents) {
		return apiError("InvalidParameterCombinationException")
	}
	return nil
}

func (f *fake) UpdateTrail(_ context.Context, in *cloudtrail.UpdateTrailInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.UpdateTrailOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("UpdateTrail", in.Name); err != nil {
		return nil, err
	}
	t := *f.trail
	set(&t.S3BucketName, in.S3BucketName)
	set(&t.S3KeyPrefix, in.S3KeyPrefix)
	set(&t.SnsTopicARN, in.SnsTopicName)
	set(&t.CloudWatchLogsLogGroupArn, in.CloudWatchLogsLogGroupArn)
	set(&t.CloudWatchLogsRoleArn, in.CloudWatchLogsRoleArn)
	set(&t.KmsKeyId, in.KmsKeyId)
	set(&t.IncludeGlobalServiceEvents, in.IncludeGlobalServiceEvents)
	set(&t.IsMultiRegionTrail, in.IsMultiRegionTrail)
	set(&t.LogFileValidationEnabled, in.EnableLogFileValidation)
	set(&t.IsOrganizationTrail, in.IsOrganizationTrail)
	if err := valid(&t); err != nil {
		return nil, err
	}
	f.trail = &t
	return &cloudtrail.UpdateTrailOutput{}, nil
}

func set[T any](field **T, to *T) {
	if to != nil {
		*field = to
	}
}

func (f *fake) DeleteTrail(_ context.Context, in *cloudtrail.DeleteTrailInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.DeleteTrailOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteTrail", in.Name); err != nil {
		return nil, err
	}
	f.trail = nil
	return &cloudtrail.DeleteTrailOutput{}, nil
}

func (f *fake) PutEventSelectors(_ context.Context, in *cloudtrail.PutEventSelectorsInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.PutEventSelectorsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutEventSelectors", in.TrailName); err != nil {
		return nil, err
	}
	if (len(in.EventSelectors) == 0) == (len(in.AdvancedEventSelectors) == 0) || len(in.EventSelectors) > 5 {
		return nil, apiError("InvalidEventSelectorsException")
	}
	f.basic, f.advanced = in.EventSelectors, in.AdvancedEventSelectors
	return &cloudtrail.PutEventSelectorsOutput{}, nil
}

func (f *fake) PutInsightSelectors(_ context.Context, in *cloudtrail.PutInsightSelectorsInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.PutInsightSelectorsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutInsightSelectors", in.TrailName); err != nil {
		return nil, err
	}
	f.insights = in.InsightSelectors
	return &cloudtrail.PutInsightSelectorsOutput{}, nil
}

func (f *fake) StartLogging(_ context.Context, in *cloudtrail.StartLoggingInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.StartLoggingOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("StartLogging", in.Name); err != nil {
		return nil, err
	}
	f.logging = true
	return &cloudtrail.StartLoggingOutput{}, nil
}

func (f *fake) StopLogging(_ context.Context, in *cloudtrail.StopLoggingInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.StopLoggingOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("StopLogging", in.Name); err != nil {
		return nil, err
	}
	f.logging = false
	return &cloudtrail.StopLoggingOutput{}, nil
}
