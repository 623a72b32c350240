package infra_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions/report"
	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/host"
)

const reportStack = "infra/report.yaml"

// TestReportFunction holds the function that writes reports: it is like the
// others, but for the time and the memory that it takes.
func TestReportFunction(t *testing.T) {
	t.Parallel()
	tmpl := templates(t)[reportStack]
	got := tmpl.Resources["Report"].Properties
	for _, own := range []string{"Code", "Description", "Tags"} {
		delete(got, own)
	}
	want := object{
		"FunctionName": "${Stack}_report", "Role": "ReportRole.Arn",
		"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": strs("arm64"),
		"MemorySize": 1024.0, "Timeout": 900.0, "TracingConfig": object{"Mode": "Active"},
		"LoggingConfig": object{"LogFormat": "JSON", "LogGroup": "ReportLogs"},
		"Environment": object{"Variables": object{
			"EBB_TABLE": "Table", "EBB_BUS": "Bus", "EBB_BUCKET": "Bucket", "EBB_REPORT_TOPIC": "Topic", "EBB_TEAM_TAG": "TeamTag", "POWERTOOLS_SERVICE_NAME": "Stack",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the function (-want +got):\n%s", diff)
	}
	invoke := object{
		"FunctionName": "Report", "Qualifier": "$LATEST", "MaximumEventAgeInSeconds": 21600.0, "MaximumRetryAttempts": 2.0,
		"DestinationConfig": object{"OnFailure": object{"Destination": "DeadLetters"}},
	}
	if diff := cmp.Diff(invoke, tmpl.Resources["ReportEventInvokeConfig"].Properties); diff != "" {
		t.Errorf("retries and dead letters (-want +got):\n%s", diff)
	}
	logs := object{"LogGroupName": "/aws/lambda/${Stack}_report", "RetentionInDays": "LogRetentionDays"}
	if diff := cmp.Diff(logs, tmpl.Resources["ReportLogs"].Properties); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	alarms := object{"TemplateURL": "infra/function-alarms.yaml", "Parameters": object{"Stack": "Stack", "Function": "report", "Topic": "AlarmTopic"}}
	if diff := cmp.Diff(alarms, tmpl.Resources["ReportAlarms"].Properties); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
}

// TestReportSettings holds the settings to those that the function reads.
func TestReportSettings(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../functions/report/lambda/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	if strings.Contains(string(source), "host.SettingBus") {
		read = append(read, host.SettingBus)
	}
	for _, m := range regexp.MustCompile(`"(EBB_[A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		read = append(read, m[1])
	}
	set := templates(t)[reportStack].Resources["Report"].Properties["Environment"].(object)["Variables"].(object)
	for name := range set {
		if strings.HasPrefix(name, "EBB_") && name != "EBB_TABLE" && !slices.Contains(read, name) {
			t.Errorf("%s is set, the function reads %v", name, read)
		}
	}
}

// TestReportRoles holds what the function and its schedules may do: read the
// ledger, write reports and nothing else of the bucket, tell its own topic and Ebb's bus.
func TestReportRoles(t *testing.T) {
	t.Parallel()
	tmpl := templates(t)[reportStack]
	want := list{
		allow("Ledger", list{"TableArn", "${TableArn}/index/records"}, "dynamodb:BatchGetItem", "dynamodb:Query"),
		allow("Reports", "arn:${AWS::Partition}:s3:::${Bucket}/reports/*", "s3:GetObject", "s3:PutObject"),
		allow("Tell", "Topic", "sns:Publish"),
		allow("Bus", "BusArn", "events:PutEvents"),
		allow("DeadLetters", "DeadLetters", "sqs:SendMessage"),
		allow("Logs", "ReportLogs.Arn", "logs:CreateLogStream", "logs:PutLogEvents"),
		allow("Trace", "*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
	}
	bounded := object{"Fn::If": list{"Bounded", "PermissionsBoundary", "AWS::NoValue"}}
	role := object{
		"RoleName": "${Stack}_${AWS::Region}_report", "AssumeRolePolicyDocument": lambda, "PermissionsBoundary": bounded,
		"Policies": list{object{"PolicyName": "report", "PolicyDocument": object{"Version": "2012-10-17", "Statement": want}}},
	}
	if diff := cmp.Diff(role, tmpl.Resources["ReportRole"].Properties); diff != "" {
		t.Errorf("the function's role (-want +got):\n%s", diff)
	}
	statements := list{allow("Start", "Report.Arn", "lambda:InvokeFunction"), allow("DeadLetters", "DeadLetters", "sqs:SendMessage")}
	schedule := object{
		"PermissionsBoundary": bounded,
		"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": list{object{
			"Effect": "Allow", "Principal": object{"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
			"Condition": object{"StringEquals": object{"aws:SourceAccount": "AWS::AccountId"}},
		}}},
		"Policies": list{object{"PolicyName": "start", "PolicyDocument": object{"Version": "2012-10-17", "Statement": statements}}},
	}
	if diff := cmp.Diff(schedule, tmpl.Resources["ScheduleRole"].Properties); diff != "" {
		t.Errorf("the schedules' role (-want +got):\n%s", diff)
	}
}

// TestReportSchedules holds what the schedules ask for to what the function takes.
func TestReportSchedules(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for id, r := range templates(t)[reportStack].Resources {
		if r.Type != "AWS::Scheduler::Schedule" {
			continue
		}
		target := r.Properties["Target"].(object)
		// What EventBridge Scheduler puts there.
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
		input := strings.ReplaceAll(target["Input"].(string), "<aws.scheduler.scheduled-time>", "2026-11-21T06:00:00Z")
		order, err := report.Decode([]byte(input))
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		got[order.Name] = order.Days
		delete(target, "Input")
		want := object{
			"Arn": "Report.Arn", "RoleArn": "ScheduleRole.Arn", "DeadLetterConfig": object{"Arn": "DeadLetters"},
			"RetryPolicy": object{"MaximumEventAgeInSeconds": 21600.0, "MaximumRetryAttempts": 10.0},
		}
		if diff := cmp.Diff(want, target); diff != "" {
			t.Errorf("%s: target (-want +got):\n%s", id, diff)
		}
	}
	if diff := cmp.Diff(map[string]int{"daily": 1, "weekly": 7}, got); diff != "" {
		t.Errorf("reports and their days (-want +got):\n%s", diff)
	}
	rules := templates(t)[infra.Root].Resources["Bucket"].Properties["LifecycleConfiguration"].(object)["Rules"].(list)
	if !slices.ContainsFunc(rules, func(r any) bool { return r.(object)["Prefix"] == "reports/" && r.(object)["ExpirationInDays"] == 400.0 }) {
		t.Errorf("no rule of the bucket ends reports: %v", rules)
	}
}
