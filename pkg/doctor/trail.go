package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// globalRegions are where the events of global services come, by partition.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html
var globalRegions = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

// globalSources are the services whose events come there only.
var globalSources = []string{"aws.cloudfront", "aws.iam", "aws.organizations", "aws.route53"}

// fixTrail is what to do without a trail.
const fixTrail = "Make a trail for all regions that logs management events: aws cloudtrail create-trail --name NAME --s3-bucket-name BUCKET --is-multi-region-trail; aws cloudtrail start-logging --name NAME"

// checkTrail looks for a trail that logs changes in this region, and one that
// logs global services' where they come: EventBridge gets its events from there.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
func (e *exam) checkTrail(ctx context.Context) []Finding {
	regions := []string{e.cfg.Region}
	if global := globalRegions[e.caller.Partition]; global != "" && global != e.cfg.Region && slices.ContainsFunc(e.Functions, isGlobal) {
		regions = append(regions, global)
	}
	var found []Finding
	for _, region := range regions {
		found = append(found, e.trailIn(ctx, region))
	}
	return found
}

func isGlobal(f remedy.Function) bool {
	return slices.ContainsFunc(f.Triggers, func(t remedy.Trigger) bool { return slices.Contains(globalSources, t.Source) })
}

func (e *exam) trailIn(ctx context.Context, region string) Finding {
	a := about{"trail", region}
	cfg := e.cfg.Copy()
	cfg.Region = region
	client := cloudtrail.NewFromConfig(cfg)
	out, err := client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	if err != nil {
		return a.unknown(err, "cloudtrail:DescribeTrails")
	}
	var silent, partial []string
	for _, t := range out.TrailList {
		name := aws.ToString(t.Name)
		status, err := client.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN})
		if cloud.HasCode(err, "TrailNotFoundException") {
			continue // an organization's, which this account may not look at
		}
		if err != nil {
			return a.unknown(err, "cloudtrail:GetTrailStatus")
		}
		if !aws.ToBool(status.IsLogging) {
			silent = append(silent, name)
			continue
		}
		selectors, err := client.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN})
		if err != nil {
			return a.unknown(err, "cloudtrail:GetEventSelectors")
		}
		if !logsChanges(selectors) {
			partial = append(partial, name)
			continue
		}
		return a.ok("The trail %s logs changes.", name)
	}
	switch {
	case len(silent) > 0:
		return a.fail("aws cloudtrail start-logging --name "+silent[0], "No trail logs changes here: %s was stopped. No change reaches a function.", list(silent))
	case len(partial) > 0:
		return a.fail("Have the trail log management events, those that write at least.", "No trail logs changes here: %s leaves management events out. No change reaches a function.", list(partial))
	}
	return a.fail(fixTrail, "No trail logs changes here. No change reaches a function.")
}

// logsChanges reports whether a trail takes the management events that write. A
// trail without selectors takes all.
func logsChanges(s *cloudtrail.GetEventSelectorsOutput) bool {
	if len(s.EventSelectors) == 0 && len(s.AdvancedEventSelectors) == 0 {
		return true
	}
	for _, basic := range s.EventSelectors {
		if (basic.IncludeManagementEvents == nil || *basic.IncludeManagementEvents) && basic.ReadWriteType != types.ReadWriteTypeReadOnly {
			return true
		}
	}
	return slices.ContainsFunc(s.AdvancedEventSelectors, func(a types.AdvancedEventSelector) bool {
		management, readOnly := false, false
		for _, f := range a.FieldSelectors {
			switch aws.ToString(f.Field) {
			case "eventCategory":
				management = slices.Contains(f.Equals, "Management")
			case "readOnly":
				readOnly = slices.Contains(f.Equals, "true")
			}
		}
		return management && !readOnly
	})
}
