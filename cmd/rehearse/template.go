package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// template is a CloudFormation template, transformed.
type template struct {
	Parameters map[string]object `json:",omitempty"`
	Conditions object            `json:",omitempty"`
	Mappings   object            `json:",omitempty"`
	Resources  map[string]*resource
	Outputs    map[string]object `json:",omitempty"`
}

type resource struct {
	Type           string
	Condition      string `json:",omitempty"`
	DependsOn      any    `json:",omitempty"`
	DeletionPolicy string `json:",omitempty"`
	Properties     object `json:",omitempty"`
}

// transform makes CloudFormation templates of the SAM templates below dir: those
// at the paths, and the nested stacks that they name. The keys are paths in dir.
func transform(ctx context.Context, root, dir string, paths ...string) (map[string]*template, error) {
	python := filepath.Join(root, ".tools/sam-translator/bin/python")
	cmd := exec.CommandContext(ctx, python, append([]string{filepath.Join(root, "infra/transform.py"), dir}, paths...)...) // #nosec G204 -- our own
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "PYTHONDONTWRITEBYTECODE=1"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("transform %s: %w: %s; run `make tools`", strings.Join(paths, ", "), err, &stderr)
	}
	var templates map[string]*template
	if err := json.Unmarshal(out, &templates); err != nil {
		return nil, fmt.Errorf("transform %s: %w", strings.Join(paths, ", "), err)
	}
	return templates, nil
}

// cannotCreate are the resources that the emulator's CloudFormation makes none
// of, and what that leaves untried.
var cannotCreate = map[string]string{
	"AWS::ApiGatewayV2::Api":         "payloads are made as API Gateway makes them; routes and throttling are not tried",
	"AWS::ApiGatewayV2::Stage":       "",
	"AWS::Backup::BackupPlan":        "",
	"AWS::Backup::BackupSelection":   "",
	"AWS::Backup::BackupVault":       "",
	"AWS::CloudWatch::Alarm":         "that alarms go off is not tried",
	"AWS::Events::EventBusPolicy":    "whether the bus takes a spoke's events is not tried",
	"AWS::Lambda::EventInvokeConfig": "retries and dead letters of invocations are not tried",
	"AWS::S3::BucketPolicy":          "TLS only is not tried",
	"AWS::SNS::Subscription":         "",
	"AWS::SNS::TopicPolicy":          "",
	"AWS::SQS::QueuePolicy":          "who may send dead letters is not tried",
	"AWS::Scheduler::Schedule":       "the canary's change is not made",
	"AWS::SecretsManager::Secret":    "made by Secrets Manager's own API instead",
}

// reduce takes out of templates what the emulator can't create. What refers to
// it gets the value of standIn instead. It gives how many resources of each
// type it took out.
func reduce(templates map[string]*template, standIn func(id string, r *resource) (string, error)) (map[string]int, error) {
	count := map[string]int{}
	for _, t := range templates {
		gone := map[string]string{}
		for id, r := range t.Resources {
			if _, ok := cannotCreate[r.Type]; !ok {
				continue
			}
			value, err := standIn(id, r)
			if err != nil {
				return nil, fmt.Errorf("make a stand-in for %s: %w", id, err)
			}
			gone[id] = value
			count[r.Type]++
			delete(t.Resources, id)
		}
		for _, r := range t.Resources {
			r.Properties, _ = choose(without(r.Properties, gone)).(object)
			r.DependsOn = remaining(r.DependsOn, gone)
			for _, p := range inline(r) { // the emulator would keep Python's notation of it
				p["PolicyDocument"] = object{"Fn::ToJsonString": p["PolicyDocument"]}
			}
		}
		for name, o := range t.Outputs {
			t.Outputs[name], _ = without(o, gone).(object)
		}
	}
	return count, nil
}

// inline gives the inline policies of a role.
func inline(r *resource) (policies []object) {
	if list, ok := r.Properties["Policies"].([]any); ok && r.Type == "AWS::IAM::Role" {
		for _, p := range list {
			policies = append(policies, p.(object))
		}
	}
	return policies
}

// without puts values in the place of references to resources that are gone.
func without(v any, gone map[string]string) any {
	switch v := v.(type) {
	case object:
		if id, ok := v["Ref"].(string); ok && len(v) == 1 {
			if value, ok := gone[id]; ok {
				return value
			}
		}
		if attr, ok := v["Fn::GetAtt"].([]any); ok && len(v) == 1 {
			if value, ok := gone[attr[0].(string)]; ok {
				return value
			}
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			return object{"Fn::Sub": substitute(text, gone)}
		}
		out := object{}
		for k, e := range v {
			out[k] = without(e, gone)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = without(e, gone)
		}
		return out
	}
	return v
}

// substitute does the same in the text of a Fn::Sub.
func substitute(text string, gone map[string]string) string {
	for id, value := range gone {
		text = strings.ReplaceAll(text, "${"+id+"}", value)
	}
	return text
}

// remaining gives a DependsOn without the resources that are gone.
func remaining(dependsOn any, gone map[string]string) any {
	var ids []any
	switch d := dependsOn.(type) {
	case string:
		ids = []any{d}
	case []any:
		ids = d
	}
	ids = slices.DeleteFunc(ids, func(id any) bool { _, ok := gone[id.(string)]; return ok })
	if len(ids) == 0 {
		return nil
	}
	return ids
}

// choose moves a condition that decides whether a list has an element to the
// whole list. The emulator would put nothing where the element is not to be.
func choose(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, e := range v {
			out[k] = choose(e)
		}
		return out
	case []any:
		var condition any
		for _, e := range v {
			if c, yes, no, ok := branches(e); ok && (yes == nil || no == nil) {
				condition = c
			}
		}
		if condition == nil {
			out := make([]any, len(v))
			for i, e := range v {
				out[i] = choose(e)
			}
			return out
		}
		var with, without []any
		for _, e := range v {
			yes, no := e, e
			if c, y, n, ok := branches(e); ok && c == condition {
				yes, no = y, n
			}
			if yes != nil {
				with = append(with, yes)
			}
			if no != nil {
				without = append(without, no)
			}
		}
		return object{"Fn::If": []any{condition, choose(with), choose(without)}}
	}
	return v
}

// branches gives the two branches of a Fn::If. AWS::NoValue is nil.
func branches(v any) (condition string, yes, no any, ok bool) {
	o, _ := v.(object)
	parts, ok := o["Fn::If"].([]any)
	if !ok {
		return "", nil, nil, false
	}
	for i, p := range parts {
		if r, _ := p.(object); r["Ref"] == "AWS::NoValue" {
			parts[i] = nil
		}
	}
	return parts[0].(string), parts[1], parts[2], true
}
