package guarddutydetector

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"github.com/aws/smithy-go"
)

// fake is a region's GuardDuty.
type fake struct {
	mu       sync.Mutex
	id       string // empty when there is no detector
	made     int
	detector guardduty.GetDetectorOutput
	fail     map[string]error // by the call's name
	calls    []string
}

func newFake() *fake { return &fake{fail: map[string]error{}} }

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as told"} }

func (f *fake) enter(call string) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	return f.fail[call]
}

func (f *fake) about(call string, id *string) error {
	if err := f.enter(call); err != nil {
		return err
	}
	if *id != f.id {
		return apiError("BadRequestException")
	}
	return nil
}

func (f *fake) ListDetectors(context.Context, *guardduty.ListDetectorsInput, ...func(*guardduty.Options)) (*guardduty.ListDetectorsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListDetectors"); err != nil {
		return nil, err
	}
	out := &guardduty.ListDetectorsOutput{DetectorIds: []string{}}
	if f.id != "" {
		out.DetectorIds = append(out.DetectorIds, f.id)
	}
	return out, nil
}

func (f *fake) GetDetector(_ context.Context, in *guardduty.GetDetectorInput, _ ...func(*guardduty.Options)) (*guardduty.GetDetectorOutput, error) {
	defer f.mu.Unlock()
	if err := f.about("GetDetector", in.DetectorId); err != nil {
		return nil, err
	}
	out := f.detector
	out.Features = nil
	for _, name := range foundational() {
		out.Features = append(out.Features, types.DetectorFeatureConfigurationResult{Name: types.DetectorFeatureResult(name), Status: types.FeatureStatusEnabled})
	}
	out.Features = append(out.Features, f.detector.Features...)
	return &out, nil
}

func (f *fake) CreateDetector(_ context.Context, in *guardduty.CreateDetectorInput, _ ...func(*guardduty.Options)) (*guardduty.CreateDetectorOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("CreateDetector"); err != nil {
		return nil, err
	}
	if f.id != "" {
		return nil, apiError("BadRequestException")
	}
	d := guardduty.GetDetectorOutput{FindingPublishingFrequency: types.FindingPublishingFrequencySixHours, Tags: in.Tags}
	if err := set(&d, in.Enable, in.FindingPublishingFrequency, in.Features); err != nil {
		return nil, err
	}
	f.made++
	f.id, f.detector = fmt.Sprintf("%032x", f.made), d
	return &guardduty.CreateDetectorOutput{DetectorId: &f.id}, nil
}

func (f *fake) UpdateDetector(_ context.Context, in *guardduty.UpdateDetectorInput, _ ...func(*guardduty.Options)) (*guardduty.UpdateDetectorOutput, error) {
	defer f.mu.Unlock()
	if err := f.about("UpdateDetector", in.DetectorId); err != nil {
		return nil, err
	}
	if err := set(&f.detector, in.Enable, in.FindingPublishingFrequency, in.Features); err != nil {
		return nil, err
	}
	return &guardduty.UpdateDetectorOutput{}, nil
}

// set changes what a call names, feature by feature.
func set(d *guardduty.GetDetectorOutput, enable *bool, frequency types.FindingPublishingFrequency, list []types.DetectorFeatureConfiguration) error {
	named := map[string]bool{}
	for _, f := range list {
		named[string(f.Name)] = true
	}
	if named[runtime] && named[eksRuntime] {
		return apiError("BadRequestException")
	}
	if enable != nil {
		d.Status = types.DetectorStatusDisabled
		if aws.ToBool(enable) {
			d.Status = types.DetectorStatusEnabled
		}
	}
	if frequency != "" {
		d.FindingPublishingFrequency = frequency
	}
	var out []types.DetectorFeatureConfigurationResult
	for _, f := range d.Features {
		if !named[string(f.Name)] {
			out = append(out, f)
		}
	}
	for _, f := range list {
		r := types.DetectorFeatureConfigurationResult{Name: types.DetectorFeatureResult(f.Name), Status: f.Status}
		for _, a := range f.AdditionalConfiguration {
			r.AdditionalConfiguration = append(r.AdditionalConfiguration, types.DetectorAdditionalConfigurationResult{Name: a.Name, Status: a.Status})
		}
		out = append(out, r)
	}
	d.Features = out
	return nil
}

func (f *fake) DeleteDetector(_ context.Context, in *guardduty.DeleteDetectorInput, _ ...func(*guardduty.Options)) (*guardduty.DeleteDetectorOutput, error) {
	defer f.mu.Unlock()
	if err := f.about("DeleteDetector", in.DetectorId); err != nil {
		return nil, err
	}
	f.id = ""
	return &guardduty.DeleteDetectorOutput{}, nil
}
