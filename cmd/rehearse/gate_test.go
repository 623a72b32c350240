package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
)

// newTestGate opens a gate for a role with a policy. Behind it every call ends
// with a status that no service has, so that what passes can be told from what does not.
func newTestGate(t *testing.T, policy, boundary string) (*gate, aws.Config) {
	t.Helper()
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(behind.Close)
	r := &role{arn: "arn:aws:iam::1:role/ebb", account: "1", policies: []access.Policy{mustParse(t, policy)}}
	if boundary != "" {
		r.boundary = []access.Policy{mustParse(t, boundary)}
	}
	trusting := &role{trust: mustParse(t, `{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole",
		"Condition": {"StringEquals": {"sts:ExternalId": "x", "aws:PrincipalOrgID": "o-1", "aws:PrincipalArn": "arn:aws:iam::1:role/ebb"}}}}`)}
	roles := map[string]*role{"arn:aws:iam::2:role/spoke": trusting}
	g, err := openGate(behind.URL, "o-1", func(arn string) *role { return roles[arn] }, func(string) string { return "1" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.server.Close)
	g.admit("AKIA", r)
	return g, aws.Config{
		Region: region, BaseEndpoint: &g.server.URL, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	}
}

func mustParse(t *testing.T, policy string) access.Policy {
	t.Helper()
	p, err := access.Parse(policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGate(t *testing.T) {
	t.Parallel()
	const policy = `{"Statement": [
		{"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"], "Resource": "arn:aws:dynamodb:us-east-1:1:table/ebb"},
		{"Effect": "Allow", "Action": "ec2:RevokeSecurityGroupIngress", "Resource": ["arn:aws:ec2:*:1:security-group/*"]},
		{"Effect": "Allow", "Action": "s3:PutBucketPublicAccessBlock", "Resource": "arn:aws:s3:::*", "Condition": {"StringEquals": {"aws:ResourceAccount": "1"}}},
		{"Effect": "Allow", "Action": "iam:GetAccountSummary", "Resource": "*"},
		{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"}]}`
	write := func(tables ...string) func(aws.Config) error {
		return func(cfg aws.Config) error {
			var items []types.TransactWriteItem
			for _, table := range tables {
				key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}}
				items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: key}},
					types.TransactWriteItem{Update: &types.Update{TableName: &table, Key: key, UpdateExpression: aws.String("SET a = b")}})
			}
			_, err := dynamodb.NewFromConfig(cfg).TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: items})
			return err
		}
	}
	revoke := func(rule string) func(aws.Config) error {
		return func(cfg aws.Config) error {
			in := &ec2.RevokeSecurityGroupIngressInput{GroupId: aws.String("sg-1")}
			if rule != "" {
				in.SecurityGroupRuleIds = []string{rule}
			}
			_, err := ec2.NewFromConfig(cfg).RevokeSecurityGroupIngress(t.Context(), in)
			return err
		}
	}
	assume := func(arn, externalID string) func(aws.Config) error {
		return func(cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, ExternalId: &externalID, RoleSessionName: aws.String("s")})
			return err
		}
	}
	tests := map[string]struct {
		call    func(aws.Config) error
		used    []string
		refused string // part of why; empty when it passes
	}{
		"each part of a transaction":     {write("ebb"), []string{"dynamodb:PutItem", "dynamodb:UpdateItem"}, ""},
		"a part on another table":        {write("ebb", "other"), []string{"dynamodb:PutItem"}, "table/other"},
		"a group":                        {revoke(""), []string{"ec2:RevokeSecurityGroupIngress"}, ""},
		"a rule of it that is not named": {revoke("sgr-1"), []string{"ec2:RevokeSecurityGroupIngress"}, "security-group-rule/sgr-1"},
		"with the right external id":     {assume("arn:aws:iam::2:role/spoke", "x"), []string{"sts:AssumeRole"}, ""},
		"with another external id":       {assume("arn:aws:iam::2:role/spoke", "y"), []string{"sts:AssumeRole"}, "sts:AssumeRole"},
		"a role that is not there":       {assume("arn:aws:iam::2:role/gone", "x"), []string{"sts:AssumeRole"}, "sts:AssumeRole"},
		"outside of the boundary": {func(cfg aws.Config) error {
			_, err := iam.NewFromConfig(cfg).GetAccountSummary(t.Context(), nil)
			return err
		}, []string{"iam:GetAccountSummary"}, "iam:GetAccountSummary"},
		"what the rehearsal does not know": {func(cfg aws.Config) error { _, err := iam.NewFromConfig(cfg).ListUsers(t.Context(), nil); return err }, nil, "resources.go"},
		"deleting a bucket's block is a put": {func(cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String("b")})
			return err
		}, []string{"s3:PutBucketPublicAccessBlock"}, ""},
		"another access key": {func(cfg aws.Config) error {
			cfg.Credentials = credentials.NewStaticCredentialsProvider("OTHER", "secret", "")
			return write("ebb")(cfg)
		}, nil, "access key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, cfg := newTestGate(t, policy, `{"Statement": [{"Effect": "Allow", "Action": ["dynamodb:*", "ec2:*", "s3:*", "sts:*"], "Resource": "*"}]}`)
			err := tt.call(cfg)
			if err == nil || denied(err) != (tt.refused != "") {
				t.Errorf("error = %v, refused want %v", err, tt.refused != "")
			}
			_, used, refused, unknown := g.seen()
			if diff := cmp.Diff(tt.used, used); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			for _, err := range unknown {
				refused = append(refused, err.Error())
			}
			if (len(refused) > 0) != (tt.refused != "") || !slices.ContainsFunc(append(refused, ""), func(r string) bool { return strings.Contains(r, tt.refused) }) {
				t.Errorf("refused = %v, want %q", refused, tt.refused)
			}
		})
	}
}
