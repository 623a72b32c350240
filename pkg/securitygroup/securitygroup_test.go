package securitygroup_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, detail, region string
		want                 []string
		wantErr              string
	}{
		{name: "named by group name, id in the answer", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web","ipPermissions":{}},
			"responseElements":{"securityGroupRuleSet":{"items":[{"groupId":"sg-1"},{"groupId":"sg-1"}]}}}`, want: []string{"sg-1"}},
		{name: "empty rule set", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"sg-1"},"responseElements":{"securityGroupRuleSet":{}}}`, want: []string{"sg-1"}},
		{name: "several rules modified", region: "eu-west-1", detail: `{"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":[{"tag":1},{"tag":2}]}}}`, want: []string{"sg-1"}},
		{name: "one rule modified, an object", region: "eu-west-1", detail: `{"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":{"SecurityGroupRuleId":"sgr-1","tag":1}}},"responseElements":{"ModifySecurityGroupRulesResponse":{"return":true}}}`, want: []string{"sg-1"}},
		{name: "modified, without a wrapper", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"sg-1","securityGroupRuleSet":{"items":[{"securityGroupRuleId":"sgr-1"}]}}}`, want: []string{"sg-1"}},
		{name: "authorized, one object in the answer", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web"},"responseElements":{"securityGroupRuleSet":{"items":{"groupId":"sg-1"}}}}`, want: []string{"sg-1"}},
		{name: "dry run", region: "eu-west-1", detail: `{"errorCode":"Client.DryRunOperation","requestParameters":{"groupId":"sg-1"}}`},
		{name: "rule set of another shape", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web"},"responseElements":{"securityGroupRuleSet":"none"}}`, wantErr: "responseElements: json:"},
		{name: "only a group name", region: "eu-west-1", detail: `{"requestParameters":{"groupName":"web"},"responseElements":{"_return":true}}`, wantErr: `"web" but holds no group id`},
		{name: "null parameters", region: "eu-west-1", detail: `{"requestParameters":null,"responseElements":null}`, wantErr: "holds no security group id"},
		{name: "not an id", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"web"}}`, wantErr: "does not start with sg-"},
		{name: "wrong type", region: "eu-west-1", detail: `{"requestParameters":{"groupId":7}}`, wantErr: "decode CloudTrail record of AuthorizeSecurityGroupIngress"},
		{name: "no region", detail: `{"requestParameters":{"groupId":"sg-1"}}`, wantErr: `region ""`},
		{name: "truncated", region: "eu-west-1", detail: `{"requestParameters":{"groupId":"sg-1"`, wantErr: "unexpected end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := securitygroup.Decode(remedy.Event{
				Source: "aws.ec2", Name: "AuthorizeSecurityGroupIngress", Account: "111122223333", Region: tt.region, Detail: json.RawMessage(tt.detail),
			})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || got != nil {
					t.Fatalf("decode = %v, %v; want an error with %q", got, err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, g := range got {
				ids = append(ids, g.GroupID)
			}
			if diff := cmp.Diff(tt.want, ids, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("group ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{
		Type: "AWS::EC2::SecurityGroup", ID: "arn:aws-cn:ec2:cn-north-1:111122223333:security-group/sg-1",
		Account: "111122223333", Region: "cn-north-1",
	}
	if got := (securitygroup.Target{GroupID: "sg-1", Account: "111122223333", Region: "cn-north-1"}).Ref(); got != want {
		t.Errorf("Ref = %+v, want %+v", got, want)
	}
}
