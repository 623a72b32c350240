package guarddutydetector

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of GuardDuty's API that the store calls.
type client interface {
	ListDetectors(context.Context, *guardduty.ListDetectorsInput, ...func(*guardduty.Options)) (*guardduty.ListDetectorsOutput, error)
	GetDetector(context.Context, *guardduty.GetDetectorInput, ...func(*guardduty.Options)) (*guardduty.GetDetectorOutput, error)
	CreateDetector(context.Context, *guardduty.CreateDetectorInput, ...func(*guardduty.Options)) (*guardduty.CreateDetectorOutput, error)
	UpdateDetector(context.Context, *guardduty.UpdateDetectorInput, ...func(*guardduty.Options)) (*guardduty.UpdateDetectorOutput, error)
	DeleteDetector(context.Context, *guardduty.DeleteDetectorInput, ...func(*guardduty.Options)) (*guardduty.DeleteDetectorOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return guardduty.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes a region's detector.
type store struct {
	client func(remedy.Ref) client
}

// codeBad is what GuardDuty says of an id that there is none of, and of much else.
const codeBad = "BadRequestException"

// Read gives the region's detector. The event's id is asked for beside the list
// of ids, so that it is one round unless the detector was made again since.
// That there is none is a state.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := read(ctx, s.client(t.Ref()), t)
	if err != nil {
		return State{}, fmt.Errorf("read the GuardDuty detector of account %s in %s: %w", t.Account, t.Region, err)
	}
	return state, nil
}

func read(ctx context.Context, c client, t Target) (State, error) {
	var id string
	var got *guardduty.GetDetectorOutput
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = find(gctx, c)
		return err
	})
	if t.ID != "" {
		g.Go(func() (err error) {
			got, err = c.GetDetector(gctx, &guardduty.GetDetectorInput{DetectorId: &t.ID})
			if cloud.HasCode(err, codeBad) {
				return nil // whether it is there, the list says
			}
			return cloud.Explain(err, "guardduty:GetDetector")
		})
	}
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	switch {
	case id == "":
		return State{}, nil
	case id != t.ID || got == nil:
		var err error
		if got, err = c.GetDetector(ctx, &guardduty.GetDetectorInput{DetectorId: &id}); err != nil {
			return State{}, cloud.Explain(err, "guardduty:GetDetector")
		}
	}
	return stateOf(id, got)
}

// find gives the id of the region's detector; empty when there is none.
func find(ctx context.Context, c client) (string, error) {
	var ids []string
	pages := guardduty.NewListDetectorsPaginator(c, &guardduty.ListDetectorsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", cloud.Explain(err, "guardduty:ListDetectors")
		}
		if page.DetectorIds == nil {
			return "", fmt.Errorf("guardduty:ListDetectors: the answer holds no list")
		}
		ids = append(ids, page.DetectorIds...)
	}
	switch len(ids) {
	case 0:
		return "", nil
	case 1:
		return ids[0], nil
	}
	return "", fmt.Errorf("guardduty:ListDetectors: the answer holds %d detectors, and a region has one at most", len(ids))
}

func stateOf(id string, d *guardduty.GetDetectorOutput) (State, error) {
	if d.Status == "" {
		return State{}, fmt.Errorf("guardduty:GetDetector: the answer does not say whether detector %s is enabled", id)
	}
	out := &Detector{ID: id, Enabled: d.Status == types.DetectorStatusEnabled, Frequency: string(d.FindingPublishingFrequency)}
	for _, f := range d.Features {
		if slices.Contains(foundational(), string(f.Name)) {
			continue
		}
		feature := Feature{Name: string(f.Name), Enabled: f.Status == types.FeatureStatusEnabled}
		for _, a := range f.AdditionalConfiguration {
			feature.Additional = append(feature.Additional, Option{Name: string(a.Name), Enabled: a.Status == types.FeatureStatusEnabled})
		}
		slices.SortFunc(feature.Additional, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
		out.Features = append(out.Features, feature)
	}
	slices.SortFunc(out.Features, byName)
	state := State{Detector: out}
	if len(d.Tags) > 0 {
		state.Tags = d.Tags
	}
	return state, nil
}

// Apply makes the change's call. To set what is set is no error to GuardDuty.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api := s.client(t.Ref())
	var err error
	switch c.Operation {
	case create:
		_, err = api.CreateDetector(ctx, &guardduty.CreateDetectorInput{
			Enable: c.Enable, FindingPublishingFrequency: types.FindingPublishingFrequency(c.Frequency), Features: features(c.Features), Tags: c.Tags,
		})
	case update:
		_, err = api.UpdateDetector(ctx, &guardduty.UpdateDetectorInput{
			DetectorId: &c.ID, Enable: c.Enable, FindingPublishingFrequency: types.FindingPublishingFrequency(c.Frequency), Features: features(c.Features),
		})
	case remove:
		_, err = api.DeleteDetector(ctx, &guardduty.DeleteDetectorInput{DetectorId: &c.ID})
	default:
		return remedy.Permanent(fmt.Errorf("GuardDuty of account %s in %s: there is no operation %q", t.Account, t.Region, c.Operation))
	}
	if cloud.HasCode(err, codeBad) && c.Operation != update {
		// The code does not say so, but the list does: it is made, or gone, already.
		if id, findErr := find(ctx, api); findErr == nil && (c.Operation == create) == (id != "") && id != c.ID {
			return nil
		}
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("GuardDuty of account %s in %s: %w", t.Account, t.Region, cloud.Explain(err, "guardduty:"+string(c.Operation)))
	if cloud.HasCode(err, codeBad) {
		return fmt.Errorf("GuardDuty refuses it; of a member account the administrator's account must do it, and not every region has every feature: %w", err)
	}
	return err
}

func features(list []Feature) []types.DetectorFeatureConfiguration {
	status := func(on bool) types.FeatureStatus {
		if on {
			return types.FeatureStatusEnabled
		}
		return types.FeatureStatusDisabled
	}
	var out []types.DetectorFeatureConfiguration
	for _, f := range list {
		c := types.DetectorFeatureConfiguration{Name: types.DetectorFeature(f.Name), Status: status(f.Enabled)}
		for _, a := range f.Additional {
			c.AdditionalConfiguration = append(c.AdditionalConfiguration, types.DetectorAdditionalConfiguration{
				Name: types.FeatureAdditionalConfiguration(a.Name), Status: status(a.Enabled),
			})
		}
		out = append(out, c)
	}
	return out
}
