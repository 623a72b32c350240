package infra_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var lambda = object{
	"Version": "2012-10-17",
	"Statement": list{object{
		"Effect": "Allow", "Principal": object{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
	}},
}

func allow(sid string, resource any, actions ...string) object {
	out := object{"Sid": sid, "Effect": "Allow", "Action": strs(actions...), "Resource": resource}
	if len(actions) == 1 {
		out["Action"] = actions[0]
	}
	return out
}

// TestRoles holds each function's role: its own statements allow its Actions and
// nothing else, the others are the same for all.
func TestRoles(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		role := d.resource(t, "Role", "AWS::IAM::Role").Properties
		statements := role["Policies"].(list)[0].(object)["PolicyDocument"].(object)["Statement"].(list)
		want := list{}
		switch {
		case d.receives:
			want = append(want, allow("Intake", "Bus.Arn", "events:PutEvents"), allow("Secret", d.id+"Secret", "secretsmanager:GetSecretValue"))
		case d.product != "":
			want = append(want, allow("Credentials", logicalID(d.product)+"Credentials", "secretsmanager:GetSecretValue"))
		default:
			want = append(want, remediation(t, d, statements)...)
		}
		want = append(want, allow("Logs", d.id+"Logs.Arn", "logs:CreateLogStream", "logs:PutLogEvents"))
		if d.receives {
			want = append(want, allow("Trace", "*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"))
		}
		if d.awsSource != "" {
			spokes := allow("Spokes", "arn:${AWS::Partition}:iam::*:role/ebb-"+d.name, "sts:AssumeRole", "sts:TagSession")
			spokes["Condition"] = object{"StringEquals": object{"aws:ResourceOrgID": "OrganizationId"}}
			want = append(want, object{"Fn::If": list{"Spokes", spokes, "AWS::NoValue"}})
		}
		name := "remediate"
		wantRole := object{
			"RoleName":                 d.prefix() + "_${AWS::Region}_" + d.name,
			"AssumeRolePolicyDocument": lambda,
			"PermissionsBoundary":      object{"Fn::If": list{"Bounded", "PermissionsBoundary", "AWS::NoValue"}},
		}
		if d.receives {
			name = "receive"
		} else {
			wantRole["ManagedPolicyArns"] = list{"FunctionPolicy"}
		}
		wantRole["Policies"] = list{object{"PolicyName": name, "PolicyDocument": object{"Version": "2012-10-17", "Statement": want}}}
		if diff := cmp.Diff(wantRole, role); diff != "" {
			t.Errorf("%s: role (-want +got):\n%s", d.name, diff)
		}
	}
}

// remediation gives those of a role's statements that are the function's own,
// once they are known to allow exactly its Actions.
func remediation(t *testing.T, d deployed, statements list) list {
	t.Helper()
	i := slices.IndexFunc(statements, func(s any) bool { return s.(object)["Sid"] == "Logs" })
	if i < 0 {
		t.Fatalf("%s: no statement Logs", d.name)
	}
	own := statements[:i]
	var got []string
	for _, s := range own {
		if s.(object)["Effect"] != "Allow" {
			t.Errorf("%s: a statement does not allow: %v", d.name, s)
		}
		for _, a := range s.(object)["Action"].(list) {
			got = append(got, a.(string))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(actions(d.name), got); diff != "" {
		t.Errorf("%s: what its role may do (-want +got):\n%s", d.name, diff)
	}
	return own
}

func actions(name string) []string {
	for _, f := range functions.All {
		if f.Name == name {
			return slices.Sorted(slices.Values(f.Actions))
		}
	}
	return nil
}

// TestFunctionPolicy holds what every function may do.
func TestFunctionPolicy(t *testing.T) {
	t.Parallel()
	want := list{
		allow("Ledger", "Ledger.Arn",
			"dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
		allow("Results", "Bus.Arn", "events:PutEvents"),
		allow("DeadLetters", "DeadLetters.Arn", "sqs:SendMessage"),
		allow("Trace", "*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
	}
	got := templates(t)[infra.Root].Resources["FunctionPolicy"].Properties["PolicyDocument"].(object)["Statement"]
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("what every function may do (-want +got):\n%s", diff)
	}
}

// star is a resource that is everything, as the templates write it.
var star = regexp.MustCompile(`^\s*(Resource: |- )"\*"(.*)$`)

// TestEveryStarHasAReason wants, beside each resource that is everything, why it is.
func TestEveryStarHasAReason(t *testing.T) {
	t.Parallel()
	for path, tmpl := range templates(t) {
		raw, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		var written int
		for n, line := range strings.Split(string(raw), "\n") {
			m := star.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			written++
			if reason, ok := strings.CutPrefix(m[2], " # "); !ok || len(strings.Fields(reason)) < 3 {
				t.Errorf("%s:%d: say in a comment beside it why this is everything: %s", path, n+1, strings.TrimSpace(line))
			}
		}
		if stars := countStars(tmpl.Resources); stars != written {
			t.Errorf(`%s: %d statements are for everything, %d say so as Resource: "*"`, path, stars, written)
		}
	}
}

func countStars(resources map[string]resource) (n int) {
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case list:
			for _, e := range v {
				walk(e)
			}
		case object:
			if r, ok := v["Resource"]; ok && v["Effect"] != nil {
				if r == "*" || slices.Contains(asList(r), any("*")) {
					n++
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	for _, r := range resources {
		walk(any(r.Properties))
	}
	return n
}

func asList(v any) list {
	l, _ := v.(list)
	return l
}

// TestSpokes holds the template of the spokes: it forwards what starts AWS's
// functions and nothing else, and has a role for each of them that may do what
// the function's role may in the hub.
func TestSpokes(t *testing.T) {
	t.Parallel()
	spoke := templates(t)[infra.Spoke]
	names := map[string][]string{} // of events, by service
	want := map[string]resource{}
	for _, d := range all(t) {
		if d.awsSource == "" {
			continue
		}
		for _, tr := range triggers(d.name) {
			names[d.awsSource] = append(names[d.awsSource], tr.Names...)
		}
		statements := d.Resources[d.id+"Role"].Properties["Policies"].(list)[0].(object)["PolicyDocument"].(object)["Statement"].(list)
		want[d.id+"Role"] = spokeRole(d, remediation(t, d, statements))
	}
	for service, events := range names {
		slices.Sort(events)
		events = slices.Compact(events) // some start two functions
		p := pattern(remedy.Trigger{Source: "aws." + service, Names: events})
		r := resource{Type: "AWS::Events::Rule", Properties: object{
			"Description": "Forwards to Ebb", "EventPattern": p,
			"Targets": list{object{
				"Id": "hub", "Arn": "arn:${AWS::Partition}:events:${HubRegion}:${HubAccountId}:event-bus/${HubStack}",
				"RoleArn":          "ForwardRole.Arn",
				"RetryPolicy":      object{"MaximumEventAgeInSeconds": 86400.0, "MaximumRetryAttempts": 185.0},
				"DeadLetterConfig": object{"Arn": "Undelivered.Arn"},
			}},
		}}
		if service == "iam" {
			r.Condition = "GlobalEvents"
		}
		want[logicalID(service)+"Events"] = r
	}
	got := map[string]resource{}
	for id, r := range spoke.Resources {
		if r.Type == "AWS::Events::Rule" || r.Type == "AWS::IAM::Role" && id != "ForwardRole" {
			got[id] = r
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules and roles of a spoke (-want +got):\n%s", diff)
	}
	sources := strs()
	for _, service := range slices.Sorted(maps.Keys(names)) {
		sources = append(sources, "aws."+service)
	}
	bus := templates(t)[infra.Root].Resources["BusPolicy"].Properties["Statement"].(object)["Condition"]
	if diff := cmp.Diff(any(object{"StringEquals": object{"aws:PrincipalOrgID": "OrganizationId", "events:source": sources}}), bus); diff != "" {
		t.Errorf("what the hub's bus takes from spokes (-want +got):\n%s", diff)
	}
}

func spokeRole(d deployed, statements list) resource {
	trust := func(action string, more object) object {
		equals := object{
			"aws:PrincipalArn":            "arn:${AWS::Partition}:iam::${HubAccountId}:role/${HubStack}_${HubRegion}_" + d.name,
			"aws:PrincipalOrgID":          "OrganizationId",
			"aws:RequestTag/ebb-function": d.name,
		}
		if action == "sts:AssumeRole" {
			equals["sts:ExternalId"] = "${ExternalId}:${AWS::AccountId}:" + d.name
		}
		condition := object{"StringEquals": equals}
		maps.Copy(condition, more)
		return object{
			"Effect": "Allow", "Action": action, "Condition": condition,
			"Principal": object{"AWS": "arn:${AWS::Partition}:iam::${HubAccountId}:root"},
		}
	}
	return resource{Type: "AWS::IAM::Role", Condition: "Roles", Properties: object{
		"RoleName":            "ebb-" + d.name,
		"PermissionsBoundary": logicalID(d.awsSource) + "Boundary",
		"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": list{
			trust("sts:AssumeRole", nil),
			trust("sts:TagSession", object{"ForAllValues:StringEquals": object{"aws:TagKeys": list{"ebb-function"}}}),
		}},
		"Policies": list{object{"PolicyName": "remediate", "PolicyDocument": object{"Version": "2012-10-17", "Statement": statements}}},
	}}
}

// TestBoundaries holds the boundary of a service's roles to what its functions do.
func TestBoundaries(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	for _, d := range all(t) {
		if d.awsSource != "" {
			id := logicalID(d.awsSource) + "Boundary"
			want[id] = append(want[id], actions(d.name)...)
		}
	}
	got := map[string][]string{}
	for id, r := range templates(t)[infra.Spoke].Resources {
		if r.Type == "AWS::IAM::ManagedPolicy" {
			for _, a := range r.Properties["PolicyDocument"].(object)["Statement"].(list)[0].(object)["Action"].(list) {
				got[id] = append(got[id], fmt.Sprint(a))
			}
		}
	}
	for id, as := range want {
		slices.Sort(as)
		want[id] = slices.Compact(as)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("boundaries (-want +got):\n%s", diff)
	}
}
