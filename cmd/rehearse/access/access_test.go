package access_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
)

func TestAllows(t *testing.T) {
	t.Parallel()
	const own = `{"Version": "2012-10-17", "Statement": [
		{"Sid": "Buckets", "Effect": "Allow", "Action": ["s3:GetBucketPolicy", "s3:PutBucket*"], "Resource": "arn:aws:s3:::acme-*",
		 "Condition": {"StringEquals": {"aws:ResourceAccount": "1"}}},
		{"Effect": "Allow", "Action": "ec2:DescribeSnapshots", "Resource": "*"},
		{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-closed"}]}`
	const trust = `{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole",
		"Condition": {"StringEquals": {"sts:ExternalId": "x", "aws:PrincipalOrgID": ["o-1", "o-2"]}, "ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}},
		{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`
	const keys = `{"Statement": {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*",
		"Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["NOTIFY", "NOTIFY#*"]}}}}`
	const hub = "arn:aws:iam::1:role/hub"
	mine := map[string][]string{"aws:resourceaccount": {"1"}}
	tests := map[string]struct {
		policy                   string
		action, resource, caller string
		context                  map[string][]string
		want                     bool
	}{
		"named":                  {own, "s3:GetBucketPolicy", "arn:aws:s3:::acme-a", hub, mine, true},
		"in another case":        {own, "S3:getbucketpolicy", "arn:aws:s3:::acme-a", hub, mine, true},
		"by a wildcard":          {own, "s3:PutBucketPolicy", "arn:aws:s3:::acme-a", hub, mine, true},
		"another action":         {own, "s3:DeleteBucket", "arn:aws:s3:::acme-a", hub, mine, false},
		"another resource":       {own, "s3:GetBucketPolicy", "arn:aws:s3:::other", hub, mine, false},
		"another value":          {own, "s3:GetBucketPolicy", "arn:aws:s3:::acme-a", hub, map[string][]string{"aws:resourceaccount": {"2"}}, false},
		"without the key":        {own, "s3:GetBucketPolicy", "arn:aws:s3:::acme-a", hub, nil, false},
		"no resource":            {own, "ec2:DescribeSnapshots", "*", hub, nil, true},
		"a dot is a dot":         {own, "s3:GetBucketPolicy", "arn:aws:s3xxxacme-a", hub, mine, false},
		"denied":                 {own, "s3:GetBucketPolicy", "arn:aws:s3:::acme-closed", hub, mine, false},
		"trusted":                {trust, "sts:AssumeRole", "", hub, map[string][]string{"sts:externalid": {"x"}, "aws:principalorgid": {"o-2"}, "aws:tagkeys": {"a"}}, true},
		"without tags":           {trust, "sts:AssumeRole", "", hub, map[string][]string{"sts:externalid": {"x"}, "aws:principalorgid": {"o-2"}}, true},
		"a tag too much":         {trust, "sts:AssumeRole", "", hub, map[string][]string{"sts:externalid": {"x"}, "aws:principalorgid": {"o-2"}, "aws:tagkeys": {"a", "b"}}, false},
		"another external id":    {trust, "sts:AssumeRole", "", hub, map[string][]string{"sts:externalid": {"y"}, "aws:principalorgid": {"o-2"}}, false},
		"without an external id": {trust, "sts:AssumeRole", "", hub, map[string][]string{"aws:principalorgid": {"o-2"}}, false},
		"from another account":   {trust, "sts:AssumeRole", "", "arn:aws:iam::11:role/hub", map[string][]string{"sts:externalid": {"x"}, "aws:principalorgid": {"o-2"}}, false},
		"keys that begin so":     {keys, "dynamodb:PutItem", "t", hub, map[string][]string{"dynamodb:leadingkeys": {"NOTIFY", "NOTIFY#ops"}}, true},
		"a key too much":         {keys, "dynamodb:PutItem", "t", hub, map[string][]string{"dynamodb:leadingkeys": {"NOTIFY", "REC#1"}}, false},
		"a service":              {trust, "sts:AssumeRole", "", "lambda.amazonaws.com", nil, true},
		"another service":        {trust, "sts:AssumeRole", "", "ec2.amazonaws.com", nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := access.Parse(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			got := access.Allows([]access.Policy{p}, access.Call{Action: tt.action, Resource: tt.resource, Caller: tt.caller, Context: tt.context})
			if got != tt.want {
				t.Errorf("allowed = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	p, err := access.Parse(`{"Statement": [{"Effect": "Allow", "Action": ["b:B", "a:A"], "Resource": "*"},
		{"Effect": "Allow", "Action": "a:A", "Resource": "x"}, {"Effect": "Deny", "Action": "c:C", "Resource": "*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a:A", "b:B"}, access.Actions([]access.Policy{p})); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestParse_refuses_what_it_does_not_know(t *testing.T) {
	t.Parallel()
	for want, policy := range map[string]string{
		"NotAction":    `{"Statement": {"Effect": "Allow", "NotAction": "a:A", "Resource": "*"}}`,
		"IpAddress":    `{"Statement": {"Effect": "Allow", "Action": "a:A", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::/0"}}}}`,
		`effect "Off"`: `{"Statement": {"Effect": "Off", "Action": "a:A", "Resource": "*"}}`,
	} {
		if _, err := access.Parse(policy); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one about %s", err, want)
		}
	}
}
