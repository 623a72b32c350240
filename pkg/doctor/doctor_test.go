package doctor_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cloudtrailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/doctor"
	ledger "github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (d *deployment) findings() []doctor.Finding {
	return doctor.Examine(d.t.Context(), d.cfg, time.Now, d.patient)
}

func TestExamine_a_healthy_deployment(t *testing.T) {
	t.Parallel()
	d := deploy(t, mototest.Region)
	found := d.findings()
	var got []string
	for _, f := range found {
		got = append(got, f.Check+" "+f.Subject+" "+string(f.Result))
		if f.Result == doctor.OK && (f.Found == "" || f.Fix != "") {
			t.Errorf("finding %+v: want what was found, and nothing to do", f)
		}
	}
	want := []string{
		"identity us-east-1 ok", "clock this machine ok", "table ebb ok", "bus ebb ok",
		"rule aws-door ok", "rule iam-key ok", "rule github-repo ok",
		"function ebb_aws-door ok", "function ebb_github-repo ok", "function ebb_github-webhook ok", "function ebb_iam-key ok",
		"secret github ok", "secret webhook ok", "trail us-east-1 ok", "dead letters ebb-dead ok",
		"logs ebb_aws-door-logs ok", "logs ebb_github-repo-logs ok", "logs ebb_github-webhook-logs ok", "logs ebb_iam-key-logs ok",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if t.Failed() {
		t.Logf("%+v", found)
	}
}

func TestExamine_without_a_stack(t *testing.T) {
	t.Parallel()
	d := deploy(t, mototest.Region)
	d.patient.Deployment = doctor.Deployment{Table: "ebb", Bus: "ebb", Queue: "ebb-dead"}
	if ill := d.examine(); len(ill) > 0 {
		t.Errorf("not well: %+v", ill)
	}
	d.patient.Deployment = doctor.Deployment{Table: "ebb"}
	var got []string
	for _, f := range d.findings() {
		got = append(got, f.Check)
	}
	if diff := cmp.Diff([]string{"identity", "clock", "table", "function"}, got[:min(len(got), 4)]); diff != "" {
		t.Errorf("checks with only a table's name (-want +got):\n%s", diff)
	}
}

// TestExamine_breaks one thing after the other, and wants the one finding.
func TestExamine_breaks(t *testing.T) {
	t.Parallel()
	ebb := aws.String("ebb")
	tests := map[string]struct {
		breaks func(*testing.T, *deployment)
		check  string
		result doctor.Result
		found  string
		fix    string
	}{
		"no table": {func(t *testing.T, d *deployment) { d.patient.Table = "none"; d.settings("none", "ebb") },
			"table none", doctor.Failed, "nor in another region", "--table"},
		"a table in another region": {func(t *testing.T, d *deployment) {
			cfg := d.cfg.Copy()
			cfg.Region = "eu-central-1"
			if err := ledger.CreateTable(t.Context(), dynamodb.NewFromConfig(cfg), "far"); err != nil {
				t.Fatal(err)
			}
			d.patient.Table = "far"
			d.settings("far", "ebb")
		}, "table far", doctor.Failed, "there is one in eu-central-1", "AWS_REGION"},
		"another kind of table": {func(t *testing.T, d *deployment) {
			api := dynamodb.NewFromConfig(d.cfg)
			in := ledger.Schema("odd")
			in.KeySchema[1].AttributeName = aws.String("list_sk")
			in.AttributeDefinitions = append(in.AttributeDefinitions[:1], in.AttributeDefinitions[2:]...)
			in.DeletionProtectionEnabled = aws.Bool(true)
			must[*dynamodb.CreateTableOutput](t)(api.CreateTable(t.Context(), in))
			d.guard("odd")
		}, "table odd", doctor.Failed, "Its keys are pk (HASH), list_sk (RANGE), a ledger's are pk (HASH), sk (RANGE)", "not a ledger's table"},
		"no index": {func(t *testing.T, d *deployment) {
			in := ledger.Schema("bare")
			in.GlobalSecondaryIndexes, in.AttributeDefinitions = nil, in.AttributeDefinitions[:2]
			in.DeletionProtectionEnabled = aws.Bool(true)
			must[*dynamodb.CreateTableOutput](t)(dynamodb.NewFromConfig(d.cfg).CreateTable(t.Context(), in))
			d.guard("bare")
		}, "table bare", doctor.Failed, `no index "records"`, "Deploy"},
		"no deletion protection": {func(t *testing.T, d *deployment) {
			must[*dynamodb.UpdateTableOutput](t)(dynamodb.NewFromConfig(d.cfg).UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: ebb, DeletionProtectionEnabled: aws.Bool(false)}))
		}, "table ebb", doctor.Failed, "deletion protection is off", "--deletion-protection-enabled"},
		"no recovery": {func(_ *testing.T, d *deployment) { d.recovery(false) },
			"table ebb", doctor.Failed, "point-in-time recovery is off", "update-continuous-backups"},
		"no expiry": {func(t *testing.T, d *deployment) {
			must[*dynamodb.UpdateTimeToLiveOutput](t)(dynamodb.NewFromConfig(d.cfg).UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
				TableName: ebb, TimeToLiveSpecification: &dynamodbtypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(false)},
			}))
		}, "table ebb", doctor.Failed, "never expire", "update-time-to-live"},
		"a bus that is gone": {func(_ *testing.T, d *deployment) {
			d.patient.Bus = "gone"
			d.patient.Functions = []remedy.Function{door, key} // the rule for the other is gone with the bus
			d.settings("ebb", "gone")
		}, "bus gone", doctor.Failed, "no such event bus in us-east-1", "Deploy"},
		"no rule": {func(t *testing.T, d *deployment) { d.patient.Rules = d.patient.Rules[1:] },
			"rule aws-door", doctor.Failed, "No rule hands on aws.door: Open, Close", "Deploy"},
		"another pattern": {func(_ *testing.T, d *deployment) {
			d.rule(door.Name, strings.Replace(patterns[door.Name], `"Open",`, "", 1))
		}, "rule aws-door", doctor.Failed, "ebb_aws-door on the bus default has another pattern", "version"},
		"a pattern that takes failed calls": {func(_ *testing.T, d *deployment) {
			d.rule(door.Name, strings.Replace(patterns[door.Name], `,"errorCode":[{"exists":false}]`, "", 1))
		}, "rule aws-door", doctor.Failed, "another pattern", "version"},
		"a pattern that asks for more": {func(_ *testing.T, d *deployment) {
			d.rule(door.Name, strings.Replace(patterns[door.Name], `{"source"`, `{"account":["1"],"source"`, 1))
		}, "rule aws-door", doctor.Failed, "another pattern", "version"},
		"a rule that is disabled": {func(t *testing.T, d *deployment) {
			must[*eventbridge.DisableRuleOutput](t)(eventbridge.NewFromConfig(d.cfg).DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("ebb_github-repo"), EventBusName: ebb}))
		}, "rule github-repo", doctor.Failed, "is disabled", "enable-rule --name ebb_github-repo --event-bus-name ebb"},
		"a rule that starts nothing": {func(t *testing.T, d *deployment) {
			must[*eventbridge.RemoveTargetsOutput](t)(eventbridge.NewFromConfig(d.cfg).RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String("ebb_aws-door"), Ids: []string{"function"}}))
		}, "rule aws-door", doctor.Failed, "starts no function", "Deploy"},
		"a rule without a queue": {func(t *testing.T, d *deployment) {
			must[*eventbridge.PutTargetsOutput](t)(eventbridge.NewFromConfig(d.cfg).PutTargets(t.Context(), &eventbridge.PutTargetsInput{
				Rule: aws.String("ebb_aws-door"), Targets: []ebtypes.Target{{Id: aws.String("function"), Arn: aws.String("arn:aws:lambda:us-east-1:" + d.account.ID + ":function:ebb_aws-door")}},
			}))
		}, "rule aws-door", doctor.Failed, "no dead-letter queue for its target function", "Deploy"},
		"a product that is not deployed": {func(_ *testing.T, d *deployment) {
			d.patient.Functions = append(d.patient.Functions, remedy.Function{Name: "gitea-repo", Triggers: []remedy.Trigger{{Source: "gitea", Names: []string{"public"}}}})
		}, "rule gitea-repo", doctor.Warning, "not deployed", "gitea"},
		"a rule for a function that is gone": {func(_ *testing.T, d *deployment) { d.target(door.Name, "ebb_nobody") },
			"function ebb_nobody", doctor.Failed, "There is no such function", "Deploy"},
		"a function with another table": {func(_ *testing.T, d *deployment) { d.set("ebb_aws-door", map[string]string{"EBB_TABLE": "old"}) },
			"function ebb_aws-door", doctor.Failed, `Its EBB_TABLE is "old", the deployment's is "ebb"`, "Deploy"},
		"a function with another bus": {func(_ *testing.T, d *deployment) { d.set("ebb_aws-door", map[string]string{"EBB_BUS": "old"}) },
			"function ebb_aws-door", doctor.Failed, `Its EBB_BUS is "old"`, "Deploy"},
		"a function that was stopped": {func(t *testing.T, d *deployment) {
			must[*lambda.PutFunctionConcurrencyOutput](t)(lambda.NewFromConfig(d.cfg).PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("ebb_aws-door"), ReservedConcurrentExecutions: aws.Int32(0)}))
		}, "function ebb_aws-door", doctor.Failed, "reserved concurrency is 0", "kill switch"},
		"no secret": {func(_ *testing.T, d *deployment) {
			d.set("ebb_github-repo", map[string]string{"EBB_GITHUB_CREDENTIALS_ARN": "nothing"})
		}, "secret nothing", doctor.Failed, "there is no such secret", "put-secret-value"},
		"a secret of another form": {func(_ *testing.T, d *deployment) { d.secret("webhook", "hunter2") },
			"secret webhook", doctor.Failed, "not a JSON object", "put-secret-value"},
		"a secret without a key": {func(_ *testing.T, d *deployment) { d.secret("webhook", `{"current":""}`) },
			"secret webhook", doctor.Failed, `"current" is missing`, "put-secret-value"},
		"credentials that nobody filled in": {func(_ *testing.T, d *deployment) {
			d.secret("github", `{"token":"","app_id":"","private_key":""}`)
		}, "secret github", doctor.Failed, "holds no credentials", "put-secret-value"},
		"a trail that was stopped": {func(t *testing.T, d *deployment) {
			must[*cloudtrail.StopLoggingOutput](t)(cloudtrail.NewFromConfig(d.cfg).StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: aws.String("audit")}))
		}, "trail us-east-1", doctor.Failed, "audit was stopped", "start-logging --name audit"},
		"no trail": {func(t *testing.T, d *deployment) {
			must[*cloudtrail.DeleteTrailOutput](t)(cloudtrail.NewFromConfig(d.cfg).DeleteTrail(t.Context(), &cloudtrail.DeleteTrailInput{Name: aws.String("audit")}))
		}, "trail us-east-1", doctor.Failed, "No trail logs changes here", "create-trail"},
		"a trail of reads": {func(t *testing.T, d *deployment) {
			must[*cloudtrail.PutEventSelectorsOutput](t)(cloudtrail.NewFromConfig(d.cfg).PutEventSelectors(t.Context(), &cloudtrail.PutEventSelectorsInput{
				TrailName: aws.String("audit"), EventSelectors: []cloudtrailtypes.EventSelector{{IncludeManagementEvents: aws.Bool(true), ReadWriteType: cloudtrailtypes.ReadWriteTypeReadOnly}},
			}))
		}, "trail us-east-1", doctor.Failed, "audit leaves management events out", "management events"},
		"no queue": {func(_ *testing.T, d *deployment) { d.patient.Queue = "nowhere" },
			"dead letters nowhere", doctor.Failed, "no such queue", "Deploy"},
		"a dead letter": {func(t *testing.T, d *deployment) {
			must[*sqs.SendMessageOutput](t)(sqs.NewFromConfig(d.cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &d.queue, MessageBody: aws.String("{}")}))
		}, "dead letters ebb-dead", doctor.Warning, "1 events wait there, one since 0s", "docs/deploy.md"},
		"logs for ever": {func(t *testing.T, d *deployment) {
			must[*cloudwatchlogs.DeleteRetentionPolicyOutput](t)(cloudwatchlogs.NewFromConfig(d.cfg).DeleteRetentionPolicy(t.Context(), &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: aws.String("ebb_aws-door-logs")}))
		}, "logs ebb_aws-door-logs", doctor.Warning, "kept forever", "put-retention-policy --log-group-name ebb_aws-door-logs"},
		"no logs": {func(t *testing.T, d *deployment) {
			must[*cloudwatchlogs.DeleteLogGroupOutput](t)(cloudwatchlogs.NewFromConfig(d.cfg).DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("ebb_github-webhook-logs")}))
		}, "logs ebb_github-webhook-logs", doctor.Failed, "no such log group", "Deploy"},
		"spokes that are not set up": {func(_ *testing.T, d *deployment) { d.patient.Spokes = []string{"444455556666"} },
			"spoke 444455556666", doctor.Failed, "no EBB_SPOKE_ROLE", "OrganizationId"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, mototest.Region)
			tt.breaks(t, d)
			ill := d.examine()
			if len(ill) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(ill), ill)
			}
			f := ill[0]
			if f.Check+" "+f.Subject != tt.check || f.Result != tt.result || !strings.Contains(f.Found, tt.found) || !strings.Contains(f.Fix, tt.fix) {
				t.Errorf("finding = %+v, want %s %s with %q and %q", f, tt.check, tt.result, tt.found, tt.fix)
			}
			if strings.Contains(f.Found+f.Fix, "hunter2") {
				t.Errorf("finding = %+v: it tells the secret", f)
			}
			if n := doctor.Failures(ill); (n == 1) != (tt.result == doctor.Failed) {
				t.Errorf("%d failures", n)
			}
		})
	}
}

// settings gives all functions another table or bus.
func (d *deployment) settings(table, bus string) {
	d.t.Helper()
	for _, name := range d.patient.Lambdas {
		d.set(name, map[string]string{"EBB_TABLE": table, "EBB_BUS": bus})
	}
}

// guard gives the patient another table, which is all right but for its keys.
func (d *deployment) guard(table string) {
	d.t.Helper()
	api := dynamodb.NewFromConfig(d.cfg)
	must[*dynamodb.UpdateTimeToLiveOutput](d.t)(api.UpdateTimeToLive(d.t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &table, TimeToLiveSpecification: &dynamodbtypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	}))
	must[*dynamodb.UpdateContinuousBackupsOutput](d.t)(api.UpdateContinuousBackups(d.t.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName: &table, PointInTimeRecoverySpecification: &dynamodbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	}))
	d.patient.Table = table
	d.settings(table, "ebb")
}

func (d *deployment) secret(name, value string) {
	d.t.Helper()
	must[*secretsmanager.PutSecretValueOutput](d.t)(secretsmanager.NewFromConfig(d.cfg).PutSecretValue(d.t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value}))
}

func TestExamine_dead_letters_that_get_lost(t *testing.T) {
	t.Parallel()
	d := deploy(t, mototest.Region)
	must[*sqs.SendMessageOutput](t)(sqs.NewFromConfig(d.cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &d.queue, MessageBody: aws.String("{}")}))
	later := func() time.Time { return time.Now().Add(9 * 24 * time.Hour) }
	var got []string
	for _, f := range doctor.Examine(t.Context(), d.cfg, later, d.patient) {
		if f.Result == doctor.Failed {
			got = append(got, f.Check+": "+f.Found)
		}
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "clock: It is 216h") || got[1] != "dead letters: 1 events wait there, one since 9 days: after 14 they are lost." {
		t.Errorf("failures = %q, want the clock's and the letter's", got)
	}
}

func TestExamine_a_clock_that_is_a_little_off(t *testing.T) {
	t.Parallel()
	cfg := mototest.New(t).Config
	found := doctor.Examine(t.Context(), cfg, func() time.Time { return time.Now().Add(-time.Minute) }, doctor.Patient{})
	if len(found) < 2 || found[1].Check != "clock" || found[1].Result != doctor.Warning {
		t.Errorf("findings = %+v, want a warning about the clock", found)
	}
}

// refusing answers every call as AWS does when it may not be made.
type refusing struct{ but string }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.but != "" && strings.Contains(req.Header.Get("Authorization"), "/"+r.but+"/") {
		return http.DefaultTransport.RoundTrip(req)
	}
	return nil, errors.New("the network is down")
}

func TestExamine_without_credentials_stops(t *testing.T) {
	t.Parallel()
	cfg := mototest.New(t).Config
	cfg.HTTPClient, cfg.RetryMaxAttempts = &http.Client{Transport: refusing{}}, 1
	found := doctor.Examine(t.Context(), cfg, time.Now, doctor.Patient{Deployment: doctor.Deployment{Table: "ebb"}})
	if len(found) != 1 || found[0].Check != "identity" || found[0].Result != doctor.Failed || !strings.Contains(found[0].Fix, "credentials") {
		t.Errorf("findings = %+v, want one about the identity", found)
	}
}

func TestExamine_what_can_not_be_looked_at_has_failed(t *testing.T) {
	t.Parallel()
	cfg := mototest.New(t).Config
	cfg.HTTPClient, cfg.RetryMaxAttempts = &http.Client{Transport: refusing{but: "sts"}}, 1
	found := doctor.Examine(t.Context(), cfg, time.Now, doctor.Patient{Deployment: doctor.Deployment{Table: "ebb", Bus: "ebb", Queue: "ebb", LogGroups: []string{"ebb"}}})
	for _, f := range found {
		if f.Check == "identity" || f.Check == "clock" {
			continue
		}
		if f.Result != doctor.Failed || !strings.Contains(f.Found, "It can't be checked") || strings.Contains(f.Found, "\n") {
			t.Errorf("finding = %+v, want a failure that says so in one line", f)
		}
	}
	if doctor.Failures(found) < 5 {
		t.Errorf("findings = %+v, want one for each check", found)
	}
}

func TestExamine_events_that_come_in_another_region(t *testing.T) {
	t.Parallel()
	d := deploy(t, "eu-west-1")
	checks := func() (out []string) {
		for _, f := range d.examine() {
			out = append(out, f.Check+" "+f.Subject)
		}
		return out
	}
	if diff := cmp.Diff([]string{"trail us-east-1", "forwarding iam-key"}, checks()); diff != "" {
		t.Errorf("not well without forwarding (-want +got):\n%s", diff)
	}
	d.trail("us-east-1")
	cfg := d.cfg.Copy()
	cfg.Region = "us-east-1"
	events := eventbridge.NewFromConfig(cfg)
	forward := func(pattern, to string) {
		t.Helper()
		must[*eventbridge.PutRuleOutput](t)(events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("forward"), EventPattern: &pattern}))
		must[*eventbridge.PutTargetsOutput](t)(events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
			Rule: aws.String("forward"), Targets: []ebtypes.Target{{Id: aws.String("hub"), Arn: &to, RoleArn: &d.role}},
		}))
	}
	hub := "arn:aws:events:eu-west-1:" + d.account.ID + ":event-bus/default" // that is where the rule is
	more := strings.Replace(patterns[key.Name], `["CreateAccessKey"]`, `["AttachUserPolicy","CreateAccessKey"]`, 1)
	forward(strings.Replace(more, "CreateAccessKey", "DeleteAccessKey", 1), hub)
	if diff := cmp.Diff([]string{"forwarding iam-key"}, checks()); diff != "" {
		t.Errorf("not well when other events are forwarded (-want +got):\n%s", diff)
	}
	forward(more, strings.Replace(hub, "eu-west-1", "eu-west-2", 1))
	if diff := cmp.Diff([]string{"forwarding iam-key"}, checks()); diff != "" {
		t.Errorf("not well when they are forwarded elsewhere (-want +got):\n%s", diff)
	}
	forward(more, strings.Replace(hub, "/default", "/ebb", 1))
	if diff := cmp.Diff([]string{"forwarding iam-key"}, checks()); diff != "" {
		t.Errorf("not well when they come on a bus where no rule is (-want +got):\n%s", diff)
	}
	forward(more, hub)
	if diff := cmp.Diff([]string(nil), checks()); diff != "" {
		t.Errorf("not well (-want +got):\n%s", diff)
	}
}

// TestExamine_events_that_come_over_the_bus is about a deployment with spokes:
// its rules are on its own bus, to which each account forwards.
func TestExamine_events_that_come_over_the_bus(t *testing.T) {
	t.Parallel()
	d := deploy(t, mototest.Region)
	d.patient.Functions = []remedy.Function{key}
	events := eventbridge.NewFromConfig(d.cfg)
	arn := func(service, resource string) *string {
		return aws.String("arn:aws:" + service + ":us-east-1:" + d.account.ID + ":" + resource)
	}
	put := func(bus string, target ebtypes.Target) {
		t.Helper()
		must[*eventbridge.PutRuleOutput](t)(events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("ebb_iam-key"), EventBusName: &bus, EventPattern: aws.String(patterns[key.Name])}))
		must[*eventbridge.PutTargetsOutput](t)(events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("ebb_iam-key"), EventBusName: &bus, Targets: []ebtypes.Target{target}}))
	}
	queue := &ebtypes.DeadLetterConfig{Arn: arn("sqs", "ebb-dead")}
	put("ebb", ebtypes.Target{Id: aws.String("function"), Arn: arn("lambda", "function:ebb_iam-key"), DeadLetterConfig: queue})

	// A rule of the same pattern that hands on to another bus starts nothing.
	put("default", ebtypes.Target{Id: aws.String("function"), Arn: arn("events", "event-bus/other"), RoleArn: &d.role})
	ill := d.examine()
	if len(ill) != 1 || ill[0].Check != "forwarding" || !strings.Contains(ill[0].Found, "the default bus in us-east-1, and no rule there forwards them to the bus ebb") {
		t.Errorf("not well: %+v, want one finding about forwarding", ill)
	}
	put("default", ebtypes.Target{Id: aws.String("function"), Arn: arn("events", "event-bus/ebb"), RoleArn: &d.role})
	if ill := d.examine(); len(ill) > 0 {
		t.Errorf("not well: %+v", ill)
	}
}

func TestExamine_spokes(t *testing.T) {
	t.Parallel()
	d, spoke := deploy(t, mototest.Region), mototest.New(t)
	d.patient.Spokes = []string{spoke.ID}
	hub := map[string]string{"EBB_ACCOUNT": d.account.ID, "EBB_SPOKE_ROLE": "arn:aws:iam::{account}:role/ebb-{function}", "EBB_SPOKE_EXTERNAL_ID": "acme-{function}"}
	d.set("ebb_aws-door", hub)
	ofSpoke := func() doctor.Finding {
		t.Helper()
		for _, f := range d.findings() {
			if f.Check == "spoke" {
				return f
			}
		}
		t.Fatal("no finding about the spoke")
		return doctor.Finding{}
	}
	if f := ofSpoke(); f.Result != doctor.OK || f.Subject != spoke.ID || !strings.Contains(f.Found, "All 2 roles") {
		t.Errorf("a spoke that lets everybody in: %+v", f)
	}

	// The emulator lets everybody assume every role; this stands before it.
	d.cfg.HTTPClient = &http.Client{Transport: refuseRole("role/ebb-iam-key")}
	if f := ofSpoke(); f.Result != doctor.Warning || !strings.Contains(f.Found, "arn:aws:iam::"+spoke.ID+":role/ebb-iam-key") || strings.Contains(f.Found, "aws-door") {
		t.Errorf("refused to somebody whom the trust policy need not know: %+v", f)
	}
	d.patient.Deployment = doctor.Deployment{Table: "ebb"}
	d.patient.Functions = []remedy.Function{key}
	d.patient.Env = remedy.Env{Getenv: func(name string) string { return hub[name] }}
	must[*eventbridge.DeleteRuleOutput](t)(func() (*eventbridge.DeleteRuleOutput, error) {
		api := eventbridge.NewFromConfig(d.cfg)
		if _, err := api.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String("ebb_iam-key"), Ids: []string{"function"}}); err != nil {
			return nil, err
		}
		return api.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: aws.String("ebb_iam-key")})
	}())
	if f := ofSpoke(); f.Result != doctor.Failed || !strings.Contains(f.Fix, "infra/spoke.yaml") || !strings.Contains(f.Fix, "ExternalId") {
		t.Errorf("refused, and nothing tells for which role it should be: %+v", f)
	}
}

// refuseRole refuses one role as its trust policy would.
type refuseRole string

func (r refuseRole) RoundTrip(req *http.Request) (*http.Response, error) {
	if !assumes(req, string(r)) {
		return http.DefaultTransport.RoundTrip(req)
	}
	return denied(req), nil
}
