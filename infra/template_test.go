// Package infra_test holds the deployment templates against the code.
package infra_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// object is a YAML mapping. CloudFormation's short forms (!Ref, !GetAtt) are
// their argument in it.
type object = map[string]any

type list = []any

type template struct {
	Globals struct {
		Function object `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]resource `yaml:"Resources"`
}

type resource struct {
	Type           string `yaml:"Type"`
	Condition      string `yaml:"Condition"`
	DeletionPolicy string `yaml:"DeletionPolicy"`
	Properties     object `yaml:"Properties"`
}

// receivers are the functions that no event of the bus starts, by folder.
var receivers = map[string]string{"githubwebhook": "GithubWebhook"}

func load(t *testing.T) template {
	t.Helper()
	raw, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out template
	if err := yaml.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// logicalID gives the name of a function's resource: "S3BucketPolicy".
func logicalID(f remedy.Function) string {
	var out string
	for word := range strings.SplitSeq(f.Name, "-") {
		out += strings.ToUpper(word[:1]) + word[1:]
	}
	return out
}

func folder(f remedy.Function) string { return strings.ReplaceAll(f.Name, "-", "") }

func TestFunctionsAreTheFolders(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("../functions/*/lambda/main.go")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for f, id := range receivers {
		ids[f] = id
	}
	for _, f := range functions.All {
		ids[folder(f)] = logicalID(f)
	}
	want := map[string]string{}
	for _, m := range mains {
		f := filepath.Base(filepath.Dir(filepath.Dir(m)))
		want[ids[f]] = "dist/" + f + "/arm64"
	}
	got := map[string]string{}
	for id, r := range load(t).Resources {
		if r.Type == "AWS::Serverless::Function" {
			got[id] = r.Properties["CodeUri"].(string)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions and their code (-want +got):\n%s", diff)
	}
}

func TestTriggersAreThePatterns(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	for _, f := range functions.All {
		want := list{}
		for _, trigger := range f.Triggers {
			want = append(want, rule(trigger))
		}
		got := list{}
		for _, name := range sorted(property(t, tmpl, logicalID(f), "Events").(object)) {
			got = append(got, property(t, tmpl, logicalID(f), "Events").(object)[name])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: what starts it (-want +got):\n%s", f.Name, diff)
		}
	}
}

// rule gives the event source that a trigger needs: AWS's calls arrive on the
// default bus, products' events on Ebb's own.
func rule(trigger remedy.Trigger) object {
	properties := object{
		"RetryPolicy":      object{"MaximumEventAgeInSeconds": uint64(86400), "MaximumRetryAttempts": uint64(185)},
		"DeadLetterConfig": object{"Arn": "DeadLetters.Arn"},
	}
	if service, ok := strings.CutPrefix(trigger.Source, "aws."); ok {
		properties["Pattern"] = object{
			"source":      list{trigger.Source},
			"detail-type": list{"AWS API Call via CloudTrail"},
			"detail": object{
				"eventSource": list{service + ".amazonaws.com"},
				"eventName":   strs(trigger.Names...),
				"errorCode":   list{object{"exists": false}},
			},
		}
	} else {
		properties["EventBusName"] = "Bus"
		properties["Pattern"] = object{"source": list{trigger.Source}, "detail-type": strs(trigger.Names...)}
	}
	return object{"Type": "EventBridgeRule", "Properties": properties}
}

func TestActionsAreThePolicies(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	put := func(sid string) object {
		return object{"Sid": sid, "Effect": "Allow", "Action": "events:PutEvents", "Resource": "Bus.Arn"}
	}
	ledger := object{
		"Sid": "Ledger", "Effect": "Allow",
		"Action":   strs("dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
		"Resource": strs("Ledger.Arn", "${Ledger.Arn}/index/records"),
	}
	want := map[string]list{"GithubWebhook": {put("Intake")}}
	for _, f := range functions.All {
		var statements list
		if slices.ContainsFunc(f.Triggers, func(t remedy.Trigger) bool { return strings.HasPrefix(t.Source, "aws.") }) {
			statements = list{object{"Sid": "Remediate", "Effect": "Allow", "Action": strs(f.Actions...), "Resource": "*"}}
		}
		want[logicalID(f)] = append(statements, ledger, put("Results"))
	}
	for id, statements := range want {
		policies := list{object{"Version": "2012-10-17", "Statement": statements}}
		if diff := cmp.Diff(policies, property(t, tmpl, id, "Policies").(list)); diff != "" {
			t.Errorf("%s: what its role may do (-want +got):\n%s", id, diff)
		}
	}
}

func TestFunctionsFailSafe(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	want := object{
		"MaximumEventAgeInSeconds": uint64(21600), "MaximumRetryAttempts": uint64(2),
		"DestinationConfig": object{"OnFailure": object{"Type": "SQS", "Destination": "DeadLetters.Arn"}},
	}
	if diff := cmp.Diff(want, tmpl.Globals.Function["EventInvokeConfig"].(object)); diff != "" {
		t.Errorf("retries and dead letters (-want +got):\n%s", diff)
	}
	if encrypted := property(t, tmpl, "DeadLetters", "SqsManagedSseEnabled"); encrypted != true {
		t.Errorf("the queue of dead letters is encrypted: %v", encrypted)
	}
	for id, r := range tmpl.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		if _, ok := r.Properties["EventInvokeConfig"]; ok {
			t.Errorf("%s overrides the retries and dead letters of all functions", id)
		}
		logs := tmpl.Resources[id+"Logs"]
		if logs.Type != "AWS::Logs::LogGroup" || logs.Condition != r.Condition || logs.Properties["RetentionInDays"] == nil {
			t.Errorf("%s has no log group with a retention: %+v", id, logs)
		}
		if diff := cmp.Diff(any(object{"LogFormat": "JSON", "LogGroup": id + "Logs"}), r.Properties["LoggingConfig"]); diff != "" {
			t.Errorf("%s: logging (-want +got):\n%s", id, diff)
		}
	}
}

// TestSelfIsEveryRole holds that a change by any of the functions is known to
// be Ebb's own.
func TestSelfIsEveryRole(t *testing.T) {
	t.Parallel()
	var want list
	for _, f := range functions.All {
		if strings.HasPrefix(f.Triggers[0].Source, "aws.") {
			want = append(want, logicalID(f)+"Role.Arn")
		}
	}
	variables := load(t).Globals.Function["Environment"].(object)["Variables"].(object)
	if diff := cmp.Diff(any(list{",", want}), variables["EBB_SELF"]); diff != "" {
		t.Errorf("EBB_SELF (-want +got):\n%s", diff)
	}
}

// TestTableIsTheLedgers compares the table with the one that the ledger makes
// for itself in tests.
func TestTableIsTheLedgers(t *testing.T) {
	t.Parallel()
	var made tableMaker
	if err := dynamodb.CreateTable(t.Context(), &made, "ebb"); err != nil {
		t.Fatal(err)
	}
	index := made.table.GlobalSecondaryIndexes[0]
	var attributes list
	for _, a := range made.table.AttributeDefinitions {
		attributes = append(attributes, object{"AttributeName": *a.AttributeName, "AttributeType": string(a.AttributeType)})
	}
	want := object{
		"BillingMode":          string(made.table.BillingMode),
		"AttributeDefinitions": attributes,
		"KeySchema":            keys(made.table.KeySchema),
		"GlobalSecondaryIndexes": list{object{
			"IndexName": *index.IndexName, "KeySchema": keys(index.KeySchema),
			"Projection": object{"ProjectionType": string(index.Projection.ProjectionType), "NonKeyAttributes": strs(index.Projection.NonKeyAttributes...)},
		}},
		"TimeToLiveSpecification": object{"AttributeName": *made.ttl.AttributeName, "Enabled": *made.ttl.Enabled},
		// What production has beyond that.
		"PointInTimeRecoverySpecification": object{"PointInTimeRecoveryEnabled": true},
		"SSESpecification":                 object{"SSEEnabled": true},
		"DeletionProtectionEnabled":        true,
	}
	table := load(t).Resources["Ledger"]
	if diff := cmp.Diff(want, table.Properties); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if len(made.table.GlobalSecondaryIndexes) != 1 || table.DeletionPolicy != "Retain" {
		t.Errorf("%d indexes, want one; deletion policy %q, want Retain", len(made.table.GlobalSecondaryIndexes), table.DeletionPolicy)
	}
}

// tableMaker notes how the ledger makes its table.
type tableMaker struct {
	table *awsdynamodb.CreateTableInput
	ttl   *types.TimeToLiveSpecification
}

func (m *tableMaker) CreateTable(_ context.Context, in *awsdynamodb.CreateTableInput, _ ...func(*awsdynamodb.Options)) (*awsdynamodb.CreateTableOutput, error) {
	m.table = in
	return &awsdynamodb.CreateTableOutput{}, nil
}

func (m *tableMaker) DescribeTable(context.Context, *awsdynamodb.DescribeTableInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.DescribeTableOutput, error) {
	return &awsdynamodb.DescribeTableOutput{Table: &types.TableDescription{TableStatus: types.TableStatusActive}}, nil
}

func (m *tableMaker) UpdateTimeToLive(_ context.Context, in *awsdynamodb.UpdateTimeToLiveInput, _ ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateTimeToLiveOutput, error) {
	m.ttl = in.TimeToLiveSpecification
	return &awsdynamodb.UpdateTimeToLiveOutput{}, nil
}

func keys(schema []types.KeySchemaElement) list {
	var out list
	for _, k := range schema {
		out = append(out, object{"AttributeName": aws.ToString(k.AttributeName), "KeyType": string(k.KeyType)})
	}
	return out
}

func property(t *testing.T, tmpl template, id, name string) any {
	t.Helper()
	v, ok := tmpl.Resources[id].Properties[name]
	if !ok {
		t.Fatalf("%s has no %s", id, name)
	}
	return v
}

func sorted(o object) []string {
	names := make([]string, 0, len(o))
	for k := range o {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func strs(ss ...string) list {
	var out list
	for _, s := range ss {
		out = append(out, s)
	}
	return out
}
