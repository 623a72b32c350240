package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// lambdaFunction is one of Ebb's functions on Lambda.
type lambdaFunction struct {
	name, role, logs string
	settings         map[string]string
	state            types.State
	update           types.LastUpdateStatus
	reason           string
	stopped          bool // it may not run at all
}

// findFunctions reads the configurations of the functions that the stack has and
// that its rules start. One that has none of Ebb's settings is not Ebb's.
func (e *exam) findFunctions(ctx context.Context) (found []Finding) {
	client := lambda.NewFromConfig(e.cfg)
	names := slices.Clone(e.Lambdas)
	for _, r := range e.rules {
		if e.Stack != "" || slices.ContainsFunc(e.Functions, func(f remedy.Function) bool { return triggers(f, r) }) {
			names = append(names, r.starts()...)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		a := about{"function", name}
		out, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		switch {
		case cloud.HasCode(err, "ResourceNotFoundException"):
			found = append(found, a.fail(deployAgain, "There is no such function, but a rule starts it."))
			continue
		case err != nil:
			found = append(found, a.unknown(err, "lambda:GetFunctionConfiguration"))
			continue
		}
		l := lambdaFunction{name: name, role: aws.ToString(out.Role), state: out.State, update: out.LastUpdateStatus, reason: aws.ToString(out.LastUpdateStatusReason)}
		if out.Environment != nil {
			l.settings = out.Environment.Variables
		}
		if out.LoggingConfig != nil {
			l.logs = aws.ToString(out.LoggingConfig.LogGroup)
		}
		if l.settings[host.SettingTable] == "" && l.settings[host.SettingBus] == "" {
			continue
		}
		limit, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
		if err != nil {
			found = append(found, a.unknown(err, "lambda:GetFunctionConcurrency"))
		} else {
			l.stopped = limit.ReservedConcurrentExecutions != nil && *limit.ReservedConcurrentExecutions == 0
		}
		e.lambdas = append(e.lambdas, l)
	}
	return found
}

// checkFunctions holds the functions' settings to the deployment's parts.
func (e *exam) checkFunctions(context.Context) (found []Finding) {
	for _, l := range e.lambdas {
		a, before := about{"function", l.name}, len(found)
		if l.state != "" && l.state != types.StateActive && l.state != types.StateInactive {
			found = append(found, a.fail("aws lambda get-function-configuration says more; deploy the template again.", "Its state is %s.", l.state))
		}
		if l.update == types.LastUpdateStatusFailed {
			found = append(found, a.fail(deployAgain, "Its last update failed: %s.", l.reason))
		}
		if l.stopped {
			found = append(found, a.fail(fmt.Sprintf("If this is not meant to be: the stack's kill switch with State=on, or aws lambda delete-function-concurrency --function-name %s", l.name), "Its reserved concurrency is 0: it never runs."))
		}
		for _, s := range []struct{ setting, got, want string }{
			{host.SettingTable, l.settings[host.SettingTable], e.Table},
			{host.SettingBus, l.settings[host.SettingBus], e.Bus},
		} {
			if s.got != "" && s.want != "" && s.got != s.want {
				found = append(found, a.fail(deployAgain, "Its %s is %q, the deployment's is %q.", s.setting, s.got, s.want))
			}
		}
		if len(found) == before {
			found = append(found, a.ok("It can run, with this deployment's settings."))
		}
	}
	return found
}

// checkLogs looks at the groups that the functions log to, and the stack's others.
func (e *exam) checkLogs(ctx context.Context) (found []Finding) {
	groups := slices.Clone(e.LogGroups)
	for _, l := range e.lambdas {
		if l.logs != "" {
			groups = append(groups, l.logs)
		}
	}
	slices.Sort(groups)
	client := cloudwatchlogs.NewFromConfig(e.cfg)
	for _, name := range slices.Compact(groups) {
		a := about{"logs", name}
		out, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
		if err != nil {
			found = append(found, a.unknown(err, "logs:DescribeLogGroups"))
			continue
		}
		missing := true
		for _, g := range out.LogGroups { // the name itself comes before longer ones
			if aws.ToString(g.LogGroupName) != name {
				continue
			}
			missing = false
			if g.RetentionInDays == nil {
				found = append(found, a.warn(fmt.Sprintf("aws logs put-retention-policy --log-group-name %s --retention-in-days 90", name), "What is logged is kept forever."))
			} else {
				found = append(found, a.ok("What is logged is kept for %d days.", *g.RetentionInDays))
			}
		}
		if missing {
			found = append(found, a.fail(deployAgain, "There is no such log group: what the function logs is lost."))
		}
	}
	return found
}
