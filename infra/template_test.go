// Package infra_test holds the deployment's templates against the code.
package infra_test

import (
	"context"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// object is a mapping of a template. CloudFormation's functions with one
// argument (Ref, Fn::GetAtt, Fn::Sub) are that argument in it.
type object = map[string]any

type list = []any

// template is a template as CloudFormation gets it.
type template struct {
	Parameters map[string]parameter
	Resources  map[string]resource
	Size       int `json:"-"` // in bytes
}

type parameter struct {
	Type, Description string
	Default           any
}

type resource struct {
	Type           string
	Condition      string
	DeletionPolicy string
	Properties     object
}

// receivers are the functions that take the webhooks of products in: no rule
// starts them.
var receivers = []string{"gitea-webhook", "github-webhook"}

var transformed = sync.OnceValues(func() (map[string]json.RawMessage, error) {
	return infra.Templates(context.Background(), "..", infra.Root, infra.Spoke)
})

// templates gives every template by its path in the repository.
func templates(t *testing.T) map[string]template {
	t.Helper()
	raw, err := transformed()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]template{}
	for path, src := range raw {
		tmpl := template{Size: len(src)}
		if err := json.Unmarshal(src, &tmpl); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for id, r := range tmpl.Resources {
			r.Properties, _ = plain(r.Properties).(object)
			tmpl.Resources[id] = r
		}
		out[path] = tmpl
	}
	return out
}

// plain takes the functions with one argument off.
func plain(v any) any {
	switch v := v.(type) {
	case list:
		out := make(list, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case object:
		if len(v) == 1 {
			for name, arg := range v {
				switch name {
				case "Ref", "Fn::Sub":
					return plain(arg)
				case "Fn::GetAtt":
					var parts []string
					for _, p := range arg.(list) {
						parts = append(parts, p.(string))
					}
					return strings.Join(parts, ".")
				}
			}
		}
		out := object{}
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	}
	return v
}

// deployed is a function and what belongs to it, in the template that has it.
type deployed struct {
	template
	name, path, id string
	awsSource      string // the service of its triggers, such as "s3"; empty for products
	product        string // whose events it takes, such as "github"; empty for AWS
	receives       bool   // whether it is a receiver
}

// all gives every function there is, the receivers included.
func all(t *testing.T) []deployed {
	t.Helper()
	var out []deployed
	for _, name := range receivers {
		out = append(out, deployed{name: name, path: infra.Root, product: strings.TrimSuffix(name, "-webhook"), receives: true})
	}
	for _, f := range functions.All {
		d := deployed{name: f.Name}
		source := f.Triggers[0].Source
		if service, ok := strings.CutPrefix(source, "aws."); ok {
			source, d.awsSource = service, service
		} else {
			d.product = source
		}
		d.path = "infra/functions/" + source + ".yaml"
		out = append(out, d)
	}
	tmpls := templates(t)
	for i := range out {
		out[i].template, out[i].id = tmpls[out[i].path], logicalID(out[i].name)
		if out[i].Resources[out[i].id].Type != "AWS::Lambda::Function" {
			t.Fatalf("%s has no function %s", out[i].path, out[i].id)
		}
	}
	return out
}

// prefix is how the template calls the stack of the deployment.
func (d deployed) prefix() string {
	if d.path == infra.Root {
		return "${AWS::StackName}"
	}
	return "${Stack}"
}

// resource gives what belongs to the function by the end of its logical id.
func (d deployed) resource(t *testing.T, suffix, typ string) resource {
	t.Helper()
	r, ok := d.Resources[d.id+suffix]
	if !ok || r.Type != typ {
		t.Fatalf("%s has no %s %s: %+v", d.path, typ, d.id+suffix, r)
	}
	if want := d.Resources[d.id].Condition; r.Condition != want {
		t.Errorf("%s: condition of %s is %q, the function's is %q", d.path, d.id+suffix, r.Condition, want)
	}
	return r
}

// owns reports whether a resource of the function's template is the function's:
// that of a function with a longer name is not.
func (d deployed) owns(id string) bool {
	for _, f := range functions.All {
		other := logicalID(f.Name)
		if len(other) > len(d.id) && strings.HasPrefix(other, d.id) && strings.HasPrefix(id, other) {
			return false
		}
	}
	return strings.HasPrefix(id, d.id)
}

// logicalID gives the name of a function's resource: "S3BucketPolicy".
func logicalID(name string) string {
	var out string
	for word := range strings.SplitSeq(name, "-") {
		out += strings.ToUpper(word[:1]) + word[1:]
	}
	return out
}

func TestFunctionsAreTheFolders(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("../functions/*/lambda/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, m := range mains {
		want = append(want, filepath.Base(filepath.Dir(filepath.Dir(m)))+"-arm64.zip")
	}
	for path, tmpl := range templates(t) {
		for id, r := range tmpl.Resources {
			if r.Type == "AWS::Lambda::Function" {
				code := r.Properties["Code"].(object)
				got = append(got, code["S3Key"].(string))
				if !strings.EqualFold(id+"-arm64.zip", code["S3Key"].(string)) {
					t.Errorf("%s: %s has the code %s", path, id, code["S3Key"])
				}
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions and their code (-want +got):\n%s", diff)
	}
}

func TestFunctionsAreAlike(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		got := d.resource(t, "", "AWS::Lambda::Function").Properties
		timeout := 60.0
		if d.receives {
			timeout = 10
		}
		for _, own := range []string{"Code", "Description", "Environment", "ReservedConcurrentExecutions", "Tags"} {
			delete(got, own)
		}
		want := object{
			"FunctionName": d.prefix() + "_" + d.name, "Role": d.id + "Role.Arn",
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": strs("arm64"),
			"MemorySize": 256.0, "Timeout": timeout, "TracingConfig": object{"Mode": "Active"},
			"LoggingConfig": object{"LogFormat": "JSON", "LogGroup": d.id + "Logs"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.name, diff)
		}
	}
}

func TestTriggersAreThePatterns(t *testing.T) {
	t.Parallel()
	tmpls := templates(t)
	for _, d := range all(t) {
		var got []object
		for _, id := range slices.Sorted(maps.Keys(tmpls[d.path].Resources)) {
			if r := d.Resources[id]; r.Type == "AWS::Events::Rule" && d.owns(id) {
				got = append(got, r.Properties)
			}
		}
		var want []object
		for _, trigger := range triggers(d.name) {
			eventBus := "Bus"
			if d.awsSource != "" {
				eventBus = "AwsBus"
			}
			want = append(want, object{
				"Name": "${Stack}_" + d.name, "EventBusName": eventBus, "State": "RuleState", "EventPattern": pattern(trigger),
				"Targets": list{object{
					"Id": d.id + "ChangeLambdaTarget", "Arn": d.id + ".Arn",
					"RetryPolicy":      object{"MaximumEventAgeInSeconds": 86400.0, "MaximumRetryAttempts": 185.0},
					"DeadLetterConfig": object{"Arn": "DeadLetters"},
				}},
			})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: what starts it (-want +got):\n%s", d.name, diff)
		}
	}
}

func triggers(name string) []remedy.Trigger {
	for _, f := range functions.All {
		if f.Name == name {
			return f.Triggers
		}
	}
	return nil
}

// pattern gives the event pattern of a trigger: AWS's calls come as CloudTrail
// tells of them, products' events under their own names.
func pattern(trigger remedy.Trigger) object {
	service, ok := strings.CutPrefix(trigger.Source, "aws.")
	if !ok {
		return object{"source": list{trigger.Source}, "detail-type": strs(trigger.Names...)}
	}
	return object{
		"source":      list{trigger.Source},
		"detail-type": list{"AWS API Call via CloudTrail"},
		"detail": object{
			"eventSource": list{service + ".amazonaws.com"},
			"eventName":   strs(trigger.Names...),
			"errorCode":   list{object{"exists": false}},
		},
	}
}

func TestFunctionsFailSafe(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		logs := object{"LogGroupName": "/aws/lambda/" + d.prefix() + "_" + d.name, "RetentionInDays": "LogRetentionDays"}
		if diff := cmp.Diff(logs, d.resource(t, "Logs", "AWS::Logs::LogGroup").Properties); diff != "" {
			t.Errorf("%s: log (-want +got):\n%s", d.name, diff)
		}
		alarms := object{
			"TemplateURL": "infra/function-alarms.yaml",
			"Parameters":  object{"Stack": strings.Trim(d.prefix(), "${}"), "Function": d.name, "Topic": "AlarmTopic"},
		}
		if diff := cmp.Diff(alarms, d.resource(t, "Alarms", "AWS::CloudFormation::Stack").Properties); diff != "" {
			t.Errorf("%s: alarms (-want +got):\n%s", d.name, diff)
		}
		if d.receives {
			continue // API Gateway waits for its answer: the sender tries again
		}
		invoke := object{
			"FunctionName": d.id, "Qualifier": "$LATEST",
			"MaximumEventAgeInSeconds": 21600.0, "MaximumRetryAttempts": 2.0,
			"DestinationConfig": object{"OnFailure": object{"Destination": "DeadLetters"}},
		}
		if diff := cmp.Diff(invoke, d.resource(t, "EventInvokeConfig", "AWS::Lambda::EventInvokeConfig").Properties); diff != "" {
			t.Errorf("%s: retries and dead letters (-want +got):\n%s", d.name, diff)
		}
	}
	root := templates(t)[infra.Root]
	if encrypted := root.Resources["DeadLetters"].Properties["SqsManagedSseEnabled"]; encrypted != true {
		t.Errorf("the queue of dead letters is encrypted: %v", encrypted)
	}
	var got []string
	for id, r := range templates(t)["infra/function-alarms.yaml"].Resources {
		if r.Type == "AWS::CloudWatch::Alarm" && cmp.Equal(r.Properties["AlarmActions"], any(list{"Topic"})) {
			got = append(got, id)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"Age", "Caps", "Errors", "Throttles"}, got); diff != "" {
		t.Errorf("alarms of a function that tell somebody (-want +got):\n%s", diff)
	}
}

// TestSettings holds the functions' environment: names and ARNs, and no secret.
func TestSettings(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	for _, d := range all(t) {
		names[d.awsSource] = append(names[d.awsSource], d.name)
	}
	for _, d := range all(t) {
		want := object{"EBB_BUS": "Bus", "POWERTOOLS_SERVICE_NAME": "Stack", "EBB_TABLE": "Table", "EBB_POLICY_FILE": "policy.yaml"}
		switch {
		case d.receives:
			want = object{"EBB_BUS": "Bus.Name", "POWERTOOLS_SERVICE_NAME": "AWS::StackName", "EBB_" + strings.ToUpper(d.product) + "_WEBHOOK_SECRET_ARN": d.id + "Secret"}
		case d.product != "":
			want["EBB_"+strings.ToUpper(d.product)+"_CREDENTIALS_ARN"] = logicalID(d.product) + "Credentials"
			if d.product == "gitea" { // there is no one instance of it
				want["EBB_GITEA_URL"] = "GiteaUrl"
			}
		default:
			want["EBB_ACCOUNT"] = "AWS::AccountId"
			want["EBB_SPOKE_ROLE"] = object{"Fn::If": list{"Spokes", "arn:${AWS::Partition}:iam::{account}:role/ebb-{function}", ""}}
			want["EBB_SPOKE_EXTERNAL_ID"] = object{"Fn::If": list{"Spokes", "${SpokeExternalId}:{account}:{function}", ""}}
			own := "{" + strings.Join(names[d.awsSource], ",") + "}"
			want["EBB_SELF"] = object{"Fn::Join": list{",", list{
				"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Stack}_${AWS::Region}_" + own,
				object{"Fn::If": list{"Spokes", "arn:${AWS::Partition}:iam::*:role/ebb-" + own, "AWS::NoValue"}},
			}}}
		}
		got := d.Resources[d.id].Properties["Environment"].(object)["Variables"]
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.name, diff)
		}
	}
}

func strs(ss ...string) list {
	var out list
	for _, s := range ss {
		out = append(out, s)
	}
	return out
}
