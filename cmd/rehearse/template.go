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
// of, and what that means for the rehearsal.
var cannotCreate = map[string]string{
	"AWS::ApiGatewayV2::Api":          "deliveries are made as API Gateway makes them; routes and throttling are not tried",
	"AWS::ApiGatewayV2::Stage":        "with the API",
	"AWS::Backup::BackupPlan":         "backups are not tried",
	"AWS::Backup::BackupSelection":    "backups are not tried",
	"AWS::Backup::BackupVault":        "backups are not tried",
	"AWS::CloudWatch::Alarm":          "whether alarms go off is not tried",
	"AWS::Events::EventBusPolicy":     "whether the bus takes a spoke's events is not tried: here it takes all",
	"AWS::Lambda::EventSourceMapping": "the notifier's batch is made as Lambda makes it",
	"AWS::Lambda::EventInvokeConfig":  "retries and dead letters of invocations are not tried",
	"AWS::Logs::QueryDefinition":      "saved queries are not run",
	"AWS::S3::BucketPolicy":           "that only TLS is taken is not tried",
	"AWS::SNS::Subscription":          "whether alarms arrive is not tried",
	"AWS::SNS::TopicPolicy":           "whether alarms arrive is not tried",
	"AWS::SQS::QueuePolicy":           "who may send dead letters is not tried",
	"AWS::Scheduler::Schedule":        "the canary's change is not made; the notifier's start is made by hand",
	"AWS::SecretsManager::Secret":     "made by Secrets Manager's own API instead, as the template says",
}

// attached ends the name of an output with the managed policies of a role.
const attached = "ManagedPolicies"

// reduce takes out of templates what the emulator can't create. What refers to
// it gets the value of standIn instead. It gives how many resources of each
// type it took out.
func reduce(templates map[string]*template, standIn func(id string, r *resource) (string, error)) (map[string]int, error) {
	count := map[string]int{}
	for _, t := range templates {
		e := editor{gone: map[string]string{}, buses: map[string]bool{}}
		for id, r := range t.Resources {
			e.buses[id] = r.Type == "AWS::Events::EventBus"
			if _, ok := cannotCreate[r.Type]; !ok {
				continue
			}
			value, err := standIn(id, r)
			if err != nil {
				return nil, fmt.Errorf("make a stand-in for %s: %w", id, err)
			}
			e.gone[id] = value
			count[r.Type]++
			delete(t.Resources, id)
		}
		for id, r := range t.Resources {
			r.Properties, _ = choose(e.edit(r.Properties)).(object)
			r.DependsOn = e.remaining(r.DependsOn)
			if arns, ok := r.Properties["ManagedPolicyArns"]; ok { // the emulator attaches none: see stack.attach
				if t.Outputs == nil {
					t.Outputs = map[string]object{}
				}
				o := object{"Value": object{"Fn::Join": []any{",", arns}}}
				if r.Condition != "" {
					o["Condition"] = r.Condition
				}
				t.Outputs[id+attached] = o
			}
			for _, p := range inline(r) { // the emulator would keep Python's notation of it
				p["PolicyDocument"] = object{"Fn::ToJsonString": p["PolicyDocument"]}
			}
		}
		for name, o := range t.Outputs {
			if ofNested(o["Value"]) { // the emulator has none of an updated stack, and then of none
				delete(t.Outputs, name)
				continue
			}
			t.Outputs[name], _ = e.edit(o).(object)
		}
	}
	return count, nil
}

// ofNested reports whether a value is an output of a nested stack.
func ofNested(v any) bool {
	value, _ := v.(object)
	attr, ok := value["Fn::GetAtt"].([]any)
	if !ok || len(attr) != 2 {
		return false
	}
	name, _ := attr[1].(string)
	return strings.HasPrefix(name, "Outputs.")
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

// editor changes what refers to resources.
type editor struct {
	gone  map[string]string // what stands in for resources that are taken out
	buses map[string]bool   // a reference to one is no name on the emulator
	names map[string]string // new logical ids
}

// edit gives a part of a template with the references changed.
func (e editor) edit(v any) any {
	switch v := v.(type) {
	case object:
		if id, ok := v["Ref"].(string); ok && len(v) == 1 {
			if value, ok := e.gone[id]; ok {
				return value
			}
			if e.buses[id] {
				return object{"Fn::GetAtt": []any{id, "Name"}}
			}
			return object{"Ref": e.name(id)}
		}
		if attr, ok := v["Fn::GetAtt"].([]any); ok && len(v) == 1 {
			if value, ok := e.gone[attr[0].(string)]; ok {
				return value
			}
			return object{"Fn::GetAtt": []any{e.name(attr[0].(string)), attr[1]}}
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			text = substitute(text, e.gone)
			for old, name := range e.names {
				text = strings.NewReplacer("${"+old+"}", "${"+name+"}", "${"+old+".", "${"+name+".").Replace(text)
			}
			return object{"Fn::Sub": text}
		}
		out := object{}
		for k, member := range v {
			out[k] = e.edit(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = e.edit(element)
		}
		return out
	}
	return v
}

// name gives a resource's logical id, as it is to be.
func (e editor) name(id string) string {
	if name, ok := e.names[id]; ok {
		return name
	}
	return id
}

// rename gives resources other logical ids.
func (t *template) rename(names map[string]string) {
	e := editor{names: names}
	resources := map[string]*resource{}
	for id, r := range t.Resources {
		r.Properties, _ = e.edit(r.Properties).(object)
		r.DependsOn = e.remaining(r.DependsOn)
		resources[e.name(id)] = r
	}
	t.Resources = resources
	for name, o := range t.Outputs {
		t.Outputs[name], _ = e.edit(o).(object)
	}
}

// substitute puts values into the text of a Fn::Sub.
func substitute(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// remaining gives a DependsOn without the resources that are gone.
func (e editor) remaining(dependsOn any) any {
	var ids []any
	switch d := dependsOn.(type) {
	case string:
		ids = []any{d}
	case []any:
		ids = d
	}
	ids = slices.DeleteFunc(ids, func(id any) bool { _, ok := e.gone[id.(string)]; return ok })
	for i, id := range ids {
		ids[i] = e.name(id.(string))
	}
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
