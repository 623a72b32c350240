package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
)

// session is who makes a request.
type session struct {
	role *role
	org  string // the organization that the role's account is in, or none
}

// decode gives the actions that IAM asks for before it lets a request pass, and
// on which resources. What it does not know is an error.
// The actions: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (s session) decode(r *http.Request, body []byte, owner func(bucket string) string) ([]access.Call, error) {
	service := scope(r)[3]
	var calls []access.Call
	var err error
	target := r.Header.Get("X-Amz-Target")
	routedOp, ok := routed(service, r)
	switch {
	case ok:
		calls, err = known(s.calls(routedOp), service, routedOp.name)
	case target != "":
		calls, err = s.json(service, target[strings.LastIndex(target, ".")+1:], body)
	case service == "s3":
		calls, err = s3Calls(r, owner)
	default:
		form, parseErr := url.ParseQuery(string(body))
		if parseErr != nil {
			return nil, parseErr
		}
		calls, err = s.form(service, form)
	}
	for i := range calls {
		c := &calls[i]
		c.Caller = s.role.arn
		if c.Context == nil {
			c.Context = map[string][]string{}
		}
		c.Context["aws:principalarn"] = []string{s.role.arn}
		if s.org != "" {
			c.Context["aws:principalorgid"] = []string{s.org}
		}
	}
	return calls, err
}

// scope gives the parts of a request's credential scope: key, date, region, service.
func scope(r *http.Request) []string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return make([]string, 5)
	}
	return parts
}

func (s session) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + s.role.account + ":" + resource
}

// json gives the actions of services that take JSON.
func (s session) json(service, op string, body []byte) ([]access.Call, error) {
	type put struct{ TableName string }
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]any
		TransactItems        []map[string]put
		Entries              []struct{ EventBusName string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("decode %s: %w", op, err)
	}
	table := func(name string) string { return s.arn("dynamodb", "table/"+name) }
	var calls []access.Call
	add := func(action, resource string) { calls = append(calls, access.Call{Action: action, Resource: resource}) }
	switch service + ":" + op {
	case "dynamodb:TransactWriteItems":
		parts := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
		for _, item := range in.TransactItems {
			for kind, p := range item {
				add("dynamodb:"+parts[kind], table(p.TableName))
			}
		}
	case "dynamodb:BatchGetItem":
		for name := range in.RequestItems {
			add("dynamodb:BatchGetItem", table(name))
		}
	case "dynamodb:Query":
		resource := table(in.TableName)
		if in.IndexName != "" {
			resource += "/index/" + in.IndexName
		}
		add("dynamodb:Query", resource)
	case "dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:DeleteTable":
		add("dynamodb:"+op, table(in.TableName))
	case "events:PutEvents":
		for _, e := range in.Entries {
			add("events:PutEvents", s.arn("events", "event-bus/"+e.EventBusName[strings.LastIndex(e.EventBusName, "/")+1:]))
		}
	default:
		params, err := jsonParams(body)
		if err != nil {
			return nil, fmt.Errorf("decode %s: %w", op, err)
		}
		calls = s.calls(operation{service, op, params})
	}
	return known(calls, service, op)
}

// form gives the actions of services that take forms.
func (s session) form(service string, form url.Values) ([]access.Call, error) {
	action := service + ":" + form.Get("Action")
	all := func(resources ...string) (calls []access.Call) {
		for _, r := range resources {
			calls = append(calls, access.Call{Action: action, Resource: r})
		}
		return calls
	}
	var calls []access.Call
	switch action {
	case "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules",
		"ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress":
		calls = all(s.arn("ec2", "security-group/"+form.Get("GroupId")))
		for k, v := range form {
			if strings.HasPrefix(k, "SecurityGroupRuleId.") || strings.HasSuffix(k, ".SecurityGroupRuleId") {
				calls = append(calls, all(s.arn("ec2", "security-group-rule/"+v[0]))...)
			}
		}
		if form.Get("TagSpecification.1.Tag.1.Key") != "" {
			calls = append(calls, access.Call{
				Action: "ec2:CreateTags", Resource: s.arn("ec2", "security-group-rule/new"),
				Context: map[string][]string{"ec2:createaction": {form.Get("Action")}},
			})
		}
	case "sts:AssumeRole":
		about := map[string][]string{}
		if id := form.Get("ExternalId"); id != "" {
			about["sts:externalid"] = []string{id}
		}
		if s.org != "" {
			about["aws:resourceorgid"] = []string{s.org} // all accounts here are in one, or in none
		}
		actions := []string{"sts:AssumeRole"}
		for i := 1; form.Get(fmt.Sprintf("Tags.member.%d.Key", i)) != ""; i++ {
			key := form.Get(fmt.Sprintf("Tags.member.%d.Key", i))
			about["aws:tagkeys"] = append(about["aws:tagkeys"], key)
			about["aws:requesttag/"+strings.ToLower(key)] = []string{form.Get(fmt.Sprintf("Tags.member.%d.Value", i))}
			actions = []string{"sts:AssumeRole", "sts:TagSession"}
		}
		for _, a := range actions {
			calls = append(calls, access.Call{Action: a, Resource: form.Get("RoleArn"), Context: about})
		}
	default:
		calls = s.calls(operation{service, form.Get("Action"), formParams(form)})
	}
	return known(calls, service, form.Get("Action"))
}

// s3Calls gives the actions of calls about buckets, and of putting objects there.
func s3Calls(r *http.Request, owner func(bucket string) string) ([]access.Call, error) {
	bucket := strings.Trim(r.URL.Path, "/")
	query := r.URL.Query()
	query.Del("x-id")
	if strings.Contains(bucket, "/") && r.Method == http.MethodPut && len(query) == 0 {
		return []access.Call{{Action: "s3:PutObject", Resource: "arn:aws:s3:::" + bucket}}, nil
	}
	var sub string
	for k := range query {
		sub = k
	}
	action := map[string]string{
		"GET policy": "GetBucketPolicy", "PUT policy": "PutBucketPolicy", "DELETE policy": "DeleteBucketPolicy",
		"GET publicAccessBlock": "GetBucketPublicAccessBlock", "PUT publicAccessBlock": "PutBucketPublicAccessBlock",
		"DELETE publicAccessBlock": "PutBucketPublicAccessBlock", "GET tagging": "GetBucketTagging",
		"GET acl": "GetBucketAcl", "PUT acl": "PutBucketAcl", "GET logging": "GetBucketLogging", "PUT logging": "PutBucketLogging",
		"GET versioning": "GetBucketVersioning", "PUT versioning": "PutBucketVersioning", "DELETE ": "DeleteBucket",
	}[r.Method+" "+sub]
	var calls []access.Call
	if action != "" && len(query) <= 1 && !strings.Contains(bucket, "/") {
		calls = []access.Call{{
			Action: "s3:" + action, Resource: "arn:aws:s3:::" + bucket, Context: map[string][]string{"aws:resourceaccount": {owner(bucket)}},
		}}
	}
	return known(calls, "s3", r.Method+" "+r.URL.RequestURI())
}

// known gives the calls sorted; none is an error.
func known(calls []access.Call, service, operation string) ([]access.Call, error) {
	if len(calls) == 0 {
		return nil, unknown(service, operation)
	}
	slices.SortFunc(calls, func(a, b access.Call) int { return strings.Compare(a.Action, b.Action) })
	return calls, nil
}

// refusal is the answer to a call that is not allowed, as the service gives it.
func refusal(r *http.Request, message string) (contentType, body string) {
	escaped := new(bytes.Buffer)
	_ = json.NewEncoder(escaped).Encode(message)
	switch service := scope(r)[3]; {
	case r.Header.Get("X-Amz-Target") != "":
		return "application/x-amz-json-1.0", `{"__type":"AccessDeniedException","message":` + strings.TrimSpace(escaped.String()) + `}`
	case service == "s3":
		return "text/xml", `<Error><Code>AccessDenied</Code><Message>` + message + `</Message></Error>`
	case service == "ec2":
		return "text/xml", `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>` + message + `</Message></Error></Errors></Response>`
	default:
		return "text/xml", `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>` + message + `</Message></Error></ErrorResponse>`
	}
}
