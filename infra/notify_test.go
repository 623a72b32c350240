package infra_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
)

const notifyStack = "infra/notify.yaml"

// TestNotifierFunction holds the function that notifies: it is like the others,
// and a start that failed is not tried again, because the next is a minute away.
func TestNotifierFunction(t *testing.T) {
	t.Parallel()
	tmpl := templates(t)[notifyStack]
	got := tmpl.Resources["Notifier"].Properties
	for _, own := range []string{"Code", "Description", "Tags"} {
		delete(got, own)
	}
	want := object{
		"FunctionName": "${Stack}_notifier", "Role": "NotifierRole.Arn",
		"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": strs("arm64"),
		"MemorySize": 256.0, "Timeout": 60.0, "TracingConfig": object{"Mode": "Active"},
		"LoggingConfig": object{"LogFormat": "JSON", "LogGroup": "NotifierLogs"},
		"Environment": object{"Variables": object{
			"EBB_TABLE": "Table", "EBB_NOTIFY_FILE": "notify.yaml", "EBB_NOTIFY_SECRETS_ARN": "NotifySecrets", "POWERTOOLS_SERVICE_NAME": "Stack",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the function (-want +got):\n%s", diff)
	}
	invoke := object{"FunctionName": "Notifier", "Qualifier": "$LATEST", "MaximumEventAgeInSeconds": 60.0, "MaximumRetryAttempts": 0.0, "DestinationConfig": object{}}
	if diff := cmp.Diff(invoke, tmpl.Resources["NotifierEventInvokeConfig"].Properties); diff != "" {
		t.Errorf("retries of a start (-want +got):\n%s", diff)
	}
	alarms := object{"TemplateURL": "infra/function-alarms.yaml", "Parameters": object{"Stack": "Stack", "Function": "notifier", "Topic": "AlarmTopic"}}
	if diff := cmp.Diff(alarms, tmpl.Resources["NotifierAlarms"].Properties); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	if timeout := got["Timeout"].(float64); timeout > outbox.LeaseFor.Seconds() {
		t.Errorf("the function may take %v seconds, and have a channel to itself for %s", timeout, outbox.LeaseFor)
	}
	source, err := os.ReadFile("../functions/notifier/lambda/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for name := range want["Environment"].(object)["Variables"].(object) {
		if strings.HasPrefix(name, "EBB_") && name != "EBB_TABLE" && !strings.Contains(string(source), `"`+name+`"`) {
			t.Errorf("%s is set, the function does not read it", name)
		}
	}
}

// TestNotifierTakesResults holds the way from the bus to the function.
func TestNotifierTakesResults(t *testing.T) {
	t.Parallel()
	tmpl := templates(t)[notifyStack]
	rule := object{
		"Description": "Results and reports are for the notifier", "EventBusName": "Bus",
		"EventPattern": object{"source": strs("ebb"), "detail-type": list{object{"prefix": "remediation."}, digest.Event}},
		"Targets": list{object{
			"Id": "Results", "Arn": "Results.Arn", "DeadLetterConfig": object{"Arn": "DeadLetters"},
			"RetryPolicy": object{"MaximumEventAgeInSeconds": 86400.0, "MaximumRetryAttempts": 185.0},
		}},
	}
	if diff := cmp.Diff(rule, tmpl.Resources["Remediations"].Properties); diff != "" {
		t.Errorf("the rule (-want +got):\n%s", diff)
	}
	queue := object{
		"MessageRetentionPeriod": 345600.0, "SqsManagedSseEnabled": true,
		"VisibilityTimeout": 6 * tmpl.Resources["Notifier"].Properties["Timeout"].(float64), // as AWS advises
		"RedrivePolicy":     object{"deadLetterTargetArn": "DeadLetters", "maxReceiveCount": 10.0},
	}
	if diff := cmp.Diff(queue, tmpl.Resources["Results"].Properties); diff != "" {
		t.Errorf("the queue (-want +got):\n%s", diff)
	}
	mapping := object{
		"EventSourceArn": "Results.Arn", "FunctionName": "Notifier", "BatchSize": 100.0, "MaximumBatchingWindowInSeconds": 30.0,
		"FunctionResponseTypes": strs("ReportBatchItemFailures"), "ScalingConfig": object{"MaximumConcurrency": 2.0},
	}
	got := tmpl.Resources["NotifierResults"].Properties
	delete(got, "Tags")
	if diff := cmp.Diff(mapping, got); diff != "" {
		t.Errorf("what starts the function (-want +got):\n%s", diff)
	}
	tick := tmpl.Resources["Tick"].Properties
	target := object{
		"Arn": "Notifier.Arn", "RoleArn": "TickRole.Arn", "Input": "{}", "DeadLetterConfig": object{"Arn": "DeadLetters"},
		"RetryPolicy": object{"MaximumEventAgeInSeconds": 60.0, "MaximumRetryAttempts": 0.0},
	}
	if diff := cmp.Diff(any(target), tick["Target"]); diff != "" || tick["ScheduleExpression"] != "rate(1 minute)" {
		t.Errorf("the schedule: %v (-want +got):\n%s", tick["ScheduleExpression"], diff)
	}
}

// TestNotifierRoles holds what the function and its schedule may do: the outbox
// and dead letters, and nothing else of the ledger.
func TestNotifierRoles(t *testing.T) {
	t.Parallel()
	tmpl := templates(t)[notifyStack]
	ledger := allow("Outbox", "TableArn", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query")
	ledger["Condition"] = object{"ForAllValues:StringLike": object{"dynamodb:LeadingKeys": strs("NOTIFY", "NOTIFY#*", "DEAD", "DEAD#*")}}
	want := list{
		ledger,
		allow("Results", "Results.Arn", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
		allow("Secrets", "NotifySecrets", "secretsmanager:GetSecretValue"),
		object{"Fn::If": list{"WithTopics", allow("Topics", object{"Fn::Split": list{",", "Topics"}}, "sns:Publish"), "AWS::NoValue"}},
		allow("Logs", "NotifierLogs.Arn", "logs:CreateLogStream", "logs:PutLogEvents"),
		allow("Trace", "*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
	}
	role := object{
		"RoleName": "${Stack}_${AWS::Region}_notifier", "AssumeRolePolicyDocument": lambda,
		"PermissionsBoundary": object{"Fn::If": list{"Bounded", "PermissionsBoundary", "AWS::NoValue"}},
		"Policies":            list{object{"PolicyName": "notify", "PolicyDocument": object{"Version": "2012-10-17", "Statement": want}}},
	}
	if diff := cmp.Diff(role, tmpl.Resources["NotifierRole"].Properties); diff != "" {
		t.Errorf("the function's role (-want +got):\n%s", diff)
	}
	statements := list{allow("Start", "Notifier.Arn", "lambda:InvokeFunction"), allow("DeadLetters", "DeadLetters", "sqs:SendMessage")}
	policies := list{object{"PolicyName": "start", "PolicyDocument": object{"Version": "2012-10-17", "Statement": statements}}}
	if diff := cmp.Diff(any(policies), tmpl.Resources["TickRole"].Properties["Policies"]); diff != "" {
		t.Errorf("the schedule's role (-want +got):\n%s", diff)
	}
}

// TestNotifyParameters holds that nothing of it is there unless it is asked for,
// and which topics it takes.
func TestNotifyParameters(t *testing.T) {
	t.Parallel()
	root := templates(t)[infra.Root]
	if got := root.Resources["Notifications"].Condition; got != "WithNotify" || root.Parameters["Notify"].Default != "disabled" {
		t.Errorf("the stack has the condition %q, the parameter is %v", got, root.Parameters["Notify"].Default)
	}
	raw, err := transformed()
	if err != nil {
		t.Fatal(err)
	}
	var tmpl struct {
		Parameters map[string]struct{ AllowedPattern string }
	}
	if err := json.Unmarshal(raw[infra.Root], &tmpl); err != nil {
		t.Fatal(err)
	}
	const topic = "arn:aws:sns:eu-west-1:111122223333:ebb"
	takes := regexp.MustCompile(tmpl.Parameters["NotifyTopics"].AllowedPattern).MatchString
	var got []string
	for _, text := range []string{"", topic, topic + "," + topic, topic + ",", topic + ", " + topic, "*", "arn:aws:sns:*:*:*"} {
		if takes(text) {
			got = append(got, text)
		}
	}
	if want := []string{"", topic, topic + "," + topic}; !slices.Equal(want, got) {
		t.Errorf("NotifyTopics takes %q, want %q", got, want)
	}
}
