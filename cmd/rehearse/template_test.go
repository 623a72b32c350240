package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decode(t *testing.T, text string) *template {
	t.Helper()
	var out template
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestReduce(t *testing.T) {
	t.Parallel()
	templates := map[string]*template{"x": decode(t, `{"Resources": {
		"Alarm": {"Type": "AWS::CloudWatch::Alarm"},
		"Bus": {"Type": "AWS::Events::EventBus"},
		"Topic": {"Type": "AWS::SNS::Topic", "DependsOn": ["Alarm", "Bus"], "Properties": {
			"A": {"Ref": "Alarm"}, "B": {"Fn::GetAtt": ["Alarm", "Arn"]}, "C": {"Fn::Sub": "${Alarm} ${Bus}"}, "D": {"Ref": "Bus"}, "E": {"Ref": "Topic"},
			"F": ["x", {"Fn::If": ["On", "y", {"Ref": "AWS::NoValue"}]}, {"Fn::If": ["Off", {"Ref": "AWS::NoValue"}, "z"]}]}},
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["m"], "Policies": [{"PolicyDocument": {"Statement": []}}]}}},
		"Outputs": {"O": {"Value": {"Ref": "Alarm"}}, "N": {"Value": {"Fn::GetAtt": ["Nested", "Outputs.Topic"]}}}}`)}
	count, err := reduce(templates, func(id string, _ *resource) (string, error) { return "no " + id, nil })
	if err != nil {
		t.Fatal(err)
	}
	want := decode(t, `{"Resources": {
		"Bus": {"Type": "AWS::Events::EventBus"},
		"Topic": {"Type": "AWS::SNS::Topic", "DependsOn": ["Bus"], "Properties": {
			"A": "no Alarm", "B": "no Alarm", "C": {"Fn::Sub": "no Alarm ${Bus}"}, "D": {"Fn::GetAtt": ["Bus", "Name"]}, "E": {"Ref": "Topic"},
			"F": {"Fn::If": ["Off",
				{"Fn::If": ["On", ["x", "y"], ["x"]]},
				{"Fn::If": ["On", ["x", "y", "z"], ["x", "z"]]}]}}},
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["m"], "Policies": [{"PolicyDocument": {"Fn::ToJsonString": {"Statement": []}}}]}}},
		"Outputs": {"O": {"Value": "no Alarm"}, "RoleManagedPolicies": {"Value": {"Fn::Join": [",", ["m"]]}}}}`)
	if diff := cmp.Diff(text(t, want), text(t, templates["x"])); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"AWS::CloudWatch::Alarm": 1}, count); diff != "" {
		t.Errorf("taken out (-want +got):\n%s", diff)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestReplaced(t *testing.T) {
	t.Parallel()
	const was = `{"Resources": {
		"Ledger": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": ["pk"], "BillingMode": "a"}},
		"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": {"Ref": "AWS::StackName"}}},
		"Logs": {"Type": "AWS::Logs::LogGroup"}}}`
	tests := map[string]struct {
		is   string
		want int
	}{
		"what changes in place": {`{"Resources": {
			"Ledger": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": ["pk"], "BillingMode": "b"}},
			"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": {"Ref": "AWS::StackName"}}}}}`, 0},
		"another key": {`{"Resources": {
			"Ledger": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": ["pk", "sk"], "BillingMode": "a"}},
			"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": {"Ref": "AWS::StackName"}}}}}`, 1},
		"a name, and none": {`{"Resources": {
			"Ledger": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": ["pk"], "TableName": "ebb"}},
			"Bus": {"Type": "AWS::Events::EventBus"}}}`, 2},
		"another logical id": {`{"Resources": {
			"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": ["pk"]}},
			"Bus": {"Type": "AWS::SQS::Queue"}}}`, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := replaced(decode(t, was), decode(t, tt.is)); len(got) != tt.want {
				t.Errorf("errors = %v, want %d", got, tt.want)
			}
		})
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	got := decode(t, `{"Resources": {"A": {"Type": "x"}, "B": {"Type": "y", "DependsOn": "A", "Properties": {
		"Ref": {"Ref": "A"}, "Att": {"Fn::GetAtt": ["A", "Arn"]}, "Sub": {"Fn::Sub": "${A} ${A.Arn} ${AB}"}}}}, "Outputs": {"O": {"Value": {"Ref": "A"}}}}`)
	got.rename(map[string]string{"A": "C"})
	want := decode(t, `{"Resources": {"C": {"Type": "x"}, "B": {"Type": "y", "DependsOn": ["C"], "Properties": {
		"Ref": {"Ref": "C"}, "Att": {"Fn::GetAtt": ["C", "Arn"]}, "Sub": {"Fn::Sub": "${C} ${C.Arn} ${AB}"}}}}, "Outputs": {"O": {"Value": {"Ref": "C"}}}}`)
	if diff := cmp.Diff(text(t, want), text(t, got)); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}
