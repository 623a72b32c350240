package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
)

// need is an action that IAM asks for before it lets a call pass. {X} in the
// resource stands for the call's parameter X, {X.*} for each of a list; a need
// whose parameter the call does not have is none. A value that is an ARN
// already stands for the whole resource.
type need struct {
	action   string // of another service, or another name; the call's own when empty
	resource string // "*", an ARN, or what follows the account in one of the service's
	key      string // a condition key, such as iam:passedtoservice
	value    string
}

// on is the need of most calls: their own action, on one resource.
func on(resource string) []need { return []need{{resource: resource}} }

const (
	userOf  = "arn:aws:iam::{account}:user/{UserName}"
	groupOf = "arn:aws:iam::{account}:group/{GroupName}"
	roleOf  = "arn:aws:iam::{account}:role/{RoleName}"
	trailOf = "trail/{TrailName}"
)

// passRole is asked of who gives a service a role to act with.
func passRole(param, service string) need {
	return need{"iam:PassRole", "{" + param + "}", "iam:passedtoservice", service}
}

// needs are those of the calls that functions make, by service and operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var needs = map[string][]need{
	"cloudtrail:AddTags":             on("{ResourceId}"),
	"cloudtrail:CreateTrail":         {{resource: "trail/{Name}"}, passRole("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com")},
	"cloudtrail:DeleteTrail":         on("trail/{Name}"),
	"cloudtrail:GetEventSelectors":   on(trailOf),
	"cloudtrail:GetInsightSelectors": on(trailOf),
	"cloudtrail:GetTrail":            on("trail/{Name}"),
	"cloudtrail:GetTrailStatus":      on("trail/{Name}"),
	"cloudtrail:ListTags":            on("{ResourceIdList.*}"),
	"cloudtrail:PutEventSelectors":   on(trailOf),
	"cloudtrail:PutInsightSelectors": on(trailOf),
	"cloudtrail:StartLogging":        on("trail/{Name}"),
	"cloudtrail:StopLogging":         on("trail/{Name}"),
	"cloudtrail:UpdateTrail":         {{resource: "trail/{Name}"}, passRole("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com")},
	"ec2:AssociateAddress":           on("network-interface/{NetworkInterfaceId}"),
	"ec2:CreateFlowLogs": {
		{resource: "vpc-flow-log/new"}, {resource: "vpc/{ResourceId.*}"},
		{"ec2:CreateTags", "vpc-flow-log/new", "ec2:createaction", "CreateFlowLogs"},
		passRole("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"), {action: "logs:CreateLogDelivery", resource: "*"},
	},
	"ec2:DeleteFlowLogs":                      on("vpc-flow-log/{FlowLogId.*}"),
	"ec2:DisassociateAddress":                 on("elastic-ip/{AssociationId}"),
	"ec2:ModifyInstanceMetadataOptions":       on("instance/{InstanceId}"),
	"ec2:ModifyNetworkInterfaceAttribute":     on("network-interface/{NetworkInterfaceId}"),
	"ec2:CreateNetworkAclEntry":               on("network-acl/{NetworkAclId}"),
	"ec2:CreateRoute":                         on("route-table/{RouteTableId}"),
	"ec2:DeleteNetworkAclEntry":               on("network-acl/{NetworkAclId}"),
	"ec2:DeleteRoute":                         on("route-table/{RouteTableId}"),
	"ec2:DescribeImageAttribute":              on("arn:aws:ec2:{region}::image/{ImageId}"),
	"ec2:DescribeSnapshotAttribute":           on("arn:aws:ec2:{region}::snapshot/{SnapshotId}"),
	"ec2:GetManagedPrefixListEntries":         on("prefix-list/{PrefixListId}"),
	"ec2:ModifyImageAttribute":                on("arn:aws:ec2:{region}::image/{ImageId}"),
	"ec2:ModifySnapshotAttribute":             on("arn:aws:ec2:{region}::snapshot/{SnapshotId}"),
	"ec2:ReplaceNetworkAclEntry":              on("network-acl/{NetworkAclId}"),
	"ec2:ReplaceRoute":                        on("route-table/{RouteTableId}"),
	"ecr:DeleteRepositoryPolicy":              on("repository/{repositoryName}"),
	"ecr:GetRepositoryPolicy":                 on("repository/{repositoryName}"),
	"ecr:ListTagsForResource":                 on("{resourceArn}"),
	"ecr:SetRepositoryPolicy":                 on("repository/{repositoryName}"),
	"iam:AttachGroupPolicy":                   on(groupOf),
	"iam:AttachRolePolicy":                    on(roleOf),
	"iam:AttachUserPolicy":                    on(userOf),
	"iam:CreateUser":                          on(userOf),
	"iam:DeleteGroupPolicy":                   on(groupOf),
	"iam:DeleteRolePolicy":                    on(roleOf),
	"iam:DeleteUserPolicy":                    on(userOf),
	"iam:DetachGroupPolicy":                   on(groupOf),
	"iam:DetachRolePolicy":                    on(roleOf),
	"iam:DetachUserPolicy":                    on(userOf),
	"iam:GetGroup":                            on(groupOf),
	"iam:GetGroupPolicy":                      on(groupOf),
	"iam:GetPolicy":                           on("{PolicyArn}"),
	"iam:GetPolicyVersion":                    on("{PolicyArn}"),
	"iam:GetRole":                             on(roleOf),
	"iam:GetRolePolicy":                       on(roleOf),
	"iam:GetUser":                             on(userOf),
	"iam:GetUserPolicy":                       on(userOf),
	"iam:ListAccessKeys":                      on(userOf),
	"iam:ListAttachedGroupPolicies":           on(groupOf),
	"iam:ListAttachedRolePolicies":            on(roleOf),
	"iam:ListAttachedUserPolicies":            on(userOf),
	"iam:ListPolicyVersions":                  on("{PolicyArn}"),
	"iam:PutGroupPolicy":                      on(groupOf),
	"iam:PutRolePolicy":                       on(roleOf),
	"iam:PutUserPolicy":                       on(userOf),
	"iam:SetDefaultPolicyVersion":             on("{PolicyArn}"),
	"iam:UpdateAccessKey":                     on(userOf),
	"iam:UpdateAssumeRolePolicy":              on(roleOf),
	"guardduty:GetDetector":                   on("detector/{DetectorId}"),
	"guardduty:UpdateDetector":                on("detector/{DetectorId}"),
	"rds:DescribeDBInstances":                 on("db:{DBInstanceIdentifier}"),
	"rds:DescribeDBClusterSnapshotAttributes": on("cluster-snapshot:{DBClusterSnapshotIdentifier}"),
	"rds:DescribeDBClusterSnapshots":          on("cluster-snapshot:{DBClusterSnapshotIdentifier}"),
	"rds:DescribeDBSnapshotAttributes":        on("snapshot:{DBSnapshotIdentifier}"),
	"rds:DescribeDBSnapshots":                 on("snapshot:{DBSnapshotIdentifier}"),
	"rds:ModifyDBClusterSnapshotAttribute":    on("cluster-snapshot:{DBClusterSnapshotIdentifier}"),
	"rds:ModifyDBInstance":                    on("db:{DBInstanceIdentifier}"),
	"rds:ModifyDBSnapshotAttribute":           on("snapshot:{DBSnapshotIdentifier}"),
	"lambda:AddPermission":                    on("function:{FunctionName}"),
	"kms:CancelKeyDeletion":                   on("key/{KeyId}"),
	"kms:DescribeKey":                         on("key/{KeyId}"),
	"kms:DisableKey":                          on("key/{KeyId}"),
	"kms:EnableKey":                           on("key/{KeyId}"),
	"kms:ListResourceTags":                    on("key/{KeyId}"),
	"kms:ScheduleKeyDeletion":                 on("key/{KeyId}"),
	"lambda:GetFunctionUrlConfig":             on("function:{FunctionName}"),
	"lambda:GetPolicy":                        on("function:{FunctionName}"),
	"lambda:ListTags":                         on("{Resource}"),
	"lambda:RemovePermission":                 on("function:{FunctionName}"),
	"lambda:UpdateFunctionUrlConfig":          on("function:{FunctionName}"),
	"secretsmanager:DeleteResourcePolicy":     on("secret:{SecretId}"),
	"secretsmanager:DescribeSecret":           on("secret:{SecretId}"),
	"secretsmanager:GetResourcePolicy":        on("secret:{SecretId}"),
	"secretsmanager:GetSecretValue":           on("secret:{SecretId}"),
	"secretsmanager:PutResourcePolicy":        on("secret:{SecretId}"),
	"sns:GetTopicAttributes":                  on("{TopicArn}"),
	"sns:ListTagsForResource":                 on("{ResourceArn}"),
	"sns:Publish":                             on("{TopicArn}"),
	"sns:SetTopicAttributes":                  on("{TopicArn}"),
	"sqs:GetQueueAttributes":                  on("{QueueUrl}"),
	"sqs:ListQueueTags":                       on("{QueueUrl}"),
	"sqs:SendMessage":                         on("{QueueUrl}"),
	"sqs:SetQueueAttributes":                  on("{QueueUrl}"),
}

// everywhere are the calls for whose action IAM knows no resource.
var everywhere = []string{
	"config:DeleteConfigurationRecorder", "config:DeleteDeliveryChannel", "config:DescribeConfigurationRecorderStatus",
	"config:DescribeConfigurationRecorders", "config:DescribeDeliveryChannels", "config:PutConfigurationRecorder", "config:PutDeliveryChannel",
	"config:StartConfigurationRecorder", "config:StopConfigurationRecorder",
	"ec2:DescribeFlowLogs", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces",
	"ec2:DisableImageBlockPublicAccess", "ec2:DisableSnapshotBlockPublicAccess", "ec2:EnableImageBlockPublicAccess",
	"ec2:EnableSnapshotBlockPublicAccess", "ec2:GetImageBlockPublicAccessState", "ec2:GetSnapshotBlockPublicAccessState",
	"guardduty:CreateDetector", "guardduty:ListDetectors",
	"iam:DeleteAccountPasswordPolicy", "iam:GetAccountPasswordPolicy", "iam:UpdateAccountPasswordPolicy",
	"ec2:DescribeImages", "ec2:DescribeNetworkAcls", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules",
	"ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots", "ec2:DescribeSubnets",
	"ec2:DisableEbsEncryptionByDefault", "ec2:EnableEbsEncryptionByDefault", "ec2:GetEbsDefaultKmsKeyId",
	"ec2:GetEbsEncryptionByDefault", "ec2:ModifyEbsDefaultKmsKeyId", "ec2:ResetEbsDefaultKmsKeyId",
	"iam:GetAccountSummary",
	"organizations:DescribeOrganization", "organizations:ListAWSServiceAccessForOrganization",
	"s3:GetAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock",
}

// routes are the operations of services that say theirs by method and path.
var routes = map[string]map[string]string{
	"guardduty": {
		"GET /detector":               "ListDetectors",
		"POST /detector":              "CreateDetector",
		"GET /detector/{DetectorId}":  "GetDetector",
		"POST /detector/{DetectorId}": "UpdateDetector",
	},
	"lambda": {
		"POST /2015-03-31/functions/{FunctionName}/policy":                 "AddPermission",
		"DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}": "RemovePermission",
		"GET /2015-03-31/functions/{FunctionName}/policy":                  "GetPolicy",
		"GET /2017-03-31/tags/{Resource}":                                  "ListTags",
		"GET /2021-10-31/functions/{FunctionName}/url":                     "GetFunctionUrlConfig",
		"PUT /2021-10-31/functions/{FunctionName}/url":                     "UpdateFunctionUrlConfig",
	},
	"s3": {
		"GET /v20180820/configuration/publicAccessBlock":    "GetAccountPublicAccessBlock",
		"PUT /v20180820/configuration/publicAccessBlock":    "PutAccountPublicAccessBlock",
		"DELETE /v20180820/configuration/publicAccessBlock": "PutAccountPublicAccessBlock",
	},
}

// operation is a call with its parameters, whatever the form it came in.
type operation struct {
	service, name string
	params        map[string][]string
}

// routed reads a call that is said by method and path; false when none is known.
func routed(service string, r *http.Request) (operation, bool) {
	for route, name := range routes[service] {
		method, path, _ := strings.Cut(route, " ")
		if params, ok := match(path, r.URL.EscapedPath()); ok && r.Method == method {
			return operation{service, name, params}, true
		}
	}
	return operation{}, false
}

// match compares a path with a route's, part by part.
func match(route, path string) (map[string][]string, bool) {
	want, got := strings.Split(route, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string][]string{}
	for i, w := range want {
		value, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		if name, ok := strings.CutPrefix(w, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = []string{value}
		} else if w != value {
			return nil, false
		}
	}
	return params, true
}

// jsonParams gives the strings of a JSON body's members, and of their lists.
func jsonParams(body []byte) (map[string][]string, error) {
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for k, v := range in {
		switch v := v.(type) {
		case string:
			out[k] = []string{v}
		case []any:
			for _, e := range v {
				if s, ok := e.(string); ok {
					out[k] = append(out[k], s)
				}
			}
		}
	}
	return out, nil
}

// formParams gives a form's values, those of a list under its name.
func formParams(form url.Values) map[string][]string {
	out := map[string][]string{}
	listed := regexp.MustCompile(`^(\w+?)(?:\.member)?\.\d+$`)
	for k, v := range form {
		if m := listed.FindStringSubmatch(k); m != nil {
			out[m[1]] = append(out[m[1]], v...)
		} else {
			out[k] = v
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{(\w+)(\.\*)?\}`)

// calls gives what the operation needs, for the session's account; none when it
// is not in the tables.
func (s session) calls(op operation) []access.Call {
	name := op.service + ":" + op.name
	if slices.Contains(everywhere, name) {
		return []access.Call{{Action: name, Resource: "*"}}
	}
	var out []access.Call
	for _, n := range needs[name] {
		action := n.action
		if action == "" {
			action = name
		}
		for _, resource := range s.resources(op, n.resource) {
			c := access.Call{Action: action, Resource: resource}
			if n.key != "" {
				c.Context = map[string][]string{n.key: {n.value}}
			}
			out = append(out, c)
		}
	}
	return out
}

// resources fills a need's resource in; none when a parameter is missing.
func (s session) resources(op operation, resource string) []string {
	if resource == "*" {
		return []string{"*"}
	}
	values := []string{""}
	if m := placeholder.FindStringSubmatch(strings.NewReplacer("{region}", "", "{account}", "").Replace(resource)); m != nil {
		values = op.params[m[1]]
		if len(values) > 1 && m[2] == "" {
			values = values[:1]
		}
	}
	var out []string
	for _, v := range values {
		if strings.HasPrefix(v, "https://") || strings.HasPrefix(v, "http://") { // a queue's URL
			v = v[strings.LastIndex(v, "/")+1:]
		}
		filled := v
		if !strings.HasPrefix(v, "arn:") {
			filled = strings.NewReplacer("{region}", region, "{account}", s.role.account).Replace(resource)
			filled = placeholder.ReplaceAllLiteralString(filled, v)
			if !strings.HasPrefix(filled, "arn:") {
				filled = s.arn(op.service, filled)
			}
		}
		out = append(out, filled)
	}
	return out
}

// unknown says that an operation is in none of the tables.
func unknown(service, operation string) error {
	return fmt.Errorf("the rehearsal does not know which actions %s %s needs: add it to cmd/rehearse/resources.go", service, operation)
}
