package doctor_test

import (
	"archive/zip"
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/doctor"
	ledger "github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The functions that the tests deploy: one for calls of AWS, one for a service
// whose events come in one region, one for a product.
var (
	door = remedy.Function{Name: "aws-door", Triggers: []remedy.Trigger{{Source: "aws.door", Names: []string{"Open", "Close"}}}}
	key  = remedy.Function{Name: "iam-key", Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{"CreateAccessKey"}}}}
	repo = remedy.Function{Name: "github-repo", Triggers: []remedy.Trigger{{Source: "github", Names: []string{"public"}}}}
)

// The patterns of their rules, as a template has them.
var patterns = map[string]string{
	door.Name: `{"source":["aws.door"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventSource":["door.amazonaws.com"],"eventName":["Open","Close"],"errorCode":[{"exists":false}]}}`,
	key.Name:  `{"source":["aws.iam"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventSource":["iam.amazonaws.com"],"eventName":["CreateAccessKey"],"errorCode":[{"exists":false}]}}`,
	repo.Name: `{"source":["github"],"detail-type":["public"]}`,
}

// buses are where the rules are.
var buses = map[string]string{door.Name: "default", key.Name: "default", repo.Name: "ebb"}

// deployment is a healthy deployment on the emulator.
type deployment struct {
	t       *testing.T
	account mototest.Account
	cfg     aws.Config
	patient doctor.Patient
	queue   string // its URL
	role    string
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// deploy makes everything that a deployment has.
func deploy(t *testing.T, region string) *deployment {
	t.Helper()
	account := mototest.New(t)
	d := &deployment{t: t, account: account, cfg: account.Config.Copy()}
	d.cfg.Region = region
	ctx := t.Context()

	table := dynamodb.NewFromConfig(d.cfg)
	if err := ledger.CreateTable(ctx, table, "ebb"); err != nil {
		t.Fatal(err)
	}
	must[*dynamodb.UpdateTableOutput](t)(table.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: aws.String("ebb"), DeletionProtectionEnabled: aws.Bool(true)}))
	d.recovery(true)

	out := must[*sqs.CreateQueueOutput](t)(sqs.NewFromConfig(d.cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("ebb-dead")}))
	d.queue = *out.QueueUrl

	secrets := secretsmanager.NewFromConfig(d.cfg)
	for name, value := range map[string]string{"webhook": `{"current":"s3cret","previous":""}`, "github": `{"token":"t0ken"}`} {
		must[*secretsmanager.CreateSecretOutput](t)(secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value}))
	}

	role := must[*iam.CreateRoleOutput](t)(iam.NewFromConfig(d.cfg).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("ebb-functions"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	}))
	d.role = *role.Role.Arn

	events := eventbridge.NewFromConfig(d.cfg)
	must[*eventbridge.CreateEventBusOutput](t)(events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("ebb")}))
	d.function("ebb_github-webhook", map[string]string{"EBB_GITHUB_WEBHOOK_SECRET_ARN": "webhook", "EBB_TABLE": ""})
	for _, f := range []remedy.Function{door, key, repo} {
		settings := map[string]string{}
		if f.Name == repo.Name {
			settings["EBB_GITHUB_CREDENTIALS_ARN"] = "github"
		}
		d.function("ebb_"+f.Name, settings)
		d.rule(f.Name, patterns[f.Name])
		d.target(f.Name, "ebb_"+f.Name)
	}
	d.trail(region)

	d.patient = doctor.Patient{
		Functions: []remedy.Function{door, key, repo},
		Deployment: doctor.Deployment{
			Stack: "ebb", Table: "ebb", Bus: "ebb", Queue: d.queue,
			Rules:     []string{"ebb_aws-door", "ebb_github-repo", "ebb_iam-key"},
			Lambdas:   []string{"ebb_aws-door", "ebb_github-repo", "ebb_github-webhook", "ebb_iam-key"},
			LogGroups: []string{"ebb_aws-door-logs", "ebb_github-repo-logs", "ebb_github-webhook-logs", "ebb_iam-key-logs"},
		},
	}
	return d
}

// examine gives the findings that are not well.
func (d *deployment) examine() []doctor.Finding {
	d.t.Helper()
	var ill []doctor.Finding
	for _, f := range d.findings() {
		if f.Result != doctor.OK {
			ill = append(ill, f)
		}
	}
	return ill
}

// recovery turns the table's point-in-time recovery on or off.
func (d *deployment) recovery(on bool) {
	d.t.Helper()
	must[*dynamodb.UpdateContinuousBackupsOutput](d.t)(dynamodb.NewFromConfig(d.cfg).UpdateContinuousBackups(d.t.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName: aws.String("ebb"), PointInTimeRecoverySpecification: &dynamodbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
	}))
}

// function deploys a function, with a group for its logs.
func (d *deployment) function(name string, settings map[string]string) {
	d.t.Helper()
	ctx := d.t.Context()
	logs := cloudwatchlogs.NewFromConfig(d.cfg)
	group := aws.String(name + "-logs")
	must[*cloudwatchlogs.CreateLogGroupOutput](d.t)(logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))
	must[*cloudwatchlogs.PutRetentionPolicyOutput](d.t)(logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: aws.Int32(90)}))

	var code bytes.Buffer
	w := zip.NewWriter(&code)
	must[any](d.t)(w.Create("bootstrap"))
	if err := w.Close(); err != nil {
		d.t.Fatal(err)
	}
	all := map[string]string{"EBB_TABLE": "ebb", "EBB_BUS": "ebb"}
	for k, v := range settings {
		all[k] = v
	}
	must[*lambda.CreateFunctionOutput](d.t)(lambda.NewFromConfig(d.cfg).CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &d.role, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()}, Environment: &lambdatypes.Environment{Variables: all},
		LoggingConfig: &lambdatypes.LoggingConfig{LogGroup: group},
	}))
}

// set changes settings of a function.
func (d *deployment) set(name string, settings map[string]string) {
	d.t.Helper()
	all := map[string]string{"EBB_TABLE": "ebb", "EBB_BUS": "ebb"}
	for k, v := range settings {
		all[k] = v
	}
	must[*lambda.UpdateFunctionConfigurationOutput](d.t)(lambda.NewFromConfig(d.cfg).UpdateFunctionConfiguration(d.t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &lambdatypes.Environment{Variables: all},
	}))
}

func (d *deployment) rule(function, pattern string) {
	d.t.Helper()
	must[*eventbridge.PutRuleOutput](d.t)(eventbridge.NewFromConfig(d.cfg).PutRule(d.t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("ebb_" + function), EventBusName: aws.String(buses[function]), EventPattern: &pattern,
	}))
}

func (d *deployment) target(function, starts string) {
	d.t.Helper()
	must[*eventbridge.PutTargetsOutput](d.t)(eventbridge.NewFromConfig(d.cfg).PutTargets(d.t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("ebb_" + function), EventBusName: aws.String(buses[function]),
		Targets: []ebtypes.Target{{
			Id: aws.String("function"), Arn: aws.String("arn:aws:lambda:" + d.cfg.Region + ":" + d.account.ID + ":function:" + starts),
			DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:" + d.cfg.Region + ":" + d.account.ID + ":ebb-dead")},
		}},
	}))
}

// trail makes a trail that logs, in one region.
func (d *deployment) trail(region string) {
	d.t.Helper()
	cfg := d.cfg.Copy()
	cfg.Region = region
	bucket := aws.String("trail-" + region + "-" + d.account.ID)
	in := &s3.CreateBucketInput{Bucket: bucket}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	must[*s3.CreateBucketOutput](d.t)(s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(d.t.Context(), in))
	api := cloudtrail.NewFromConfig(cfg)
	must[*cloudtrail.CreateTrailOutput](d.t)(api.CreateTrail(d.t.Context(), &cloudtrail.CreateTrailInput{Name: aws.String("audit"), S3BucketName: bucket}))
	must[*cloudtrail.StartLoggingOutput](d.t)(api.StartLogging(d.t.Context(), &cloudtrail.StartLoggingInput{Name: aws.String("audit")}))
}
