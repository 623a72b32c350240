package policydoc

import (
	"strings"
	"testing"
)

// company has an entry in every list. Its own resources are in 111122223333.
var company = Judge{
	Account: "111122223333",
	Allowed: Allowed{
		Accounts:      []string{"123456789012"},
		Organizations: []string{"o-a1b2c3d4e5"},
		VPCs:          []string{"vpc-1"},
		Endpoints:     []string{"vpce-1"},
		Ranges:        []string{"203.0.113.9/24", "2001:db8::/32"},
		SourceARNs:    []string{"arn:aws:s3:::acme-*", "arn:aws:sns:*:999988887777:shared/*"},
	},
	Bound: []string{"s3.amazonaws.com", "logs.*.amazonaws.com"},
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		own, partner, stranger = "111122223333", "123456789012", "210987654321"
		root                   = `{"AWS":"arn:aws:iam::210987654321:root"}`
		everybody              = `"*"`
		s3                     = `{"Service":"s3.amazonaws.com"}`
	)
	if err := company.Allowed.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		principal, conditions string // none means without any
		want                  Fault
		why                   string // in the reason
	}{
		"own account":                          {`{"AWS":"` + own + `"}`, "", Fine, ""},
		"own account's role":                   {`{"AWS":"arn:aws:iam::` + own + `:role/x"}`, "", Fine, ""},
		"partner":                              {`{"AWS":["` + partner + `","arn:aws-cn:iam::` + partner + `:user/a/b"]}`, "", Fine, ""},
		"stranger":                             {`{"AWS":["` + partner + `","` + stranger + `"]}`, "", Foreign, "lets in account 210987654321 (AWS principal), which is not an allowed one"},
		"stranger's role":                      {`{"AWS":"arn:aws:sts::` + stranger + `:assumed-role/x/y"}`, "", Foreign, "account 210987654321"},
		"stranger's identity provider":         {`{"Federated":"arn:aws:iam::` + stranger + `:saml-provider/x"}`, "", Foreign, "(Federated principal)"},
		"identity provider of the web":         {`{"Federated":"accounts.google.com"}`, "", Fine, ""},
		"role that was deleted":                {`{"AWS":"AROAJQABLZS4A3QDU576Q"}`, "", Fine, ""},
		"CloudFront's access identity":         {`{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}`, "", Fine, ""},
		"stranger, denied":                     {"deny", "", Fine, ""},
		"stranger beside everybody":            {`{"AWS":["` + stranger + `","*"]}`, "", Public, "allows everyone"},
		"stranger in the organization":         {root, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`, Fine, ""},
		"stranger in another organization":     {root, `{"StringEquals":{"aws:PrincipalOrgID":"o-zzzzzzzzzz"}}`, Foreign, "organization o-zzzzzzzzzz (aws:principalorgid)"},
		"stranger from some user id":           {root, `{"StringEquals":{"aws:userid":"AIDACKCEVSQ6C2EXAMPLE"}}`, Foreign, "account 210987654321"},
		"partner in another organization":      {`{"AWS":"` + partner + `"}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-zzzzzzzzzz"}}`, Fine, ""},
		"organization":                         {everybody, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`, Fine, ""},
		"one of two organizations":             {everybody, `{"StringEquals":{"aws:PrincipalOrgID":["o-a1b2c3d4e5","o-zzzzzzzzzz"]}}`, Foreign, "o-zzzzzzzzzz"},
		"unit of the organization":             {everybody, `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/r-ab12/*"}}`, Fine, ""},
		"unit of another organization":         {everybody, `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-zzzzzzzzzz/r-ab12/*"}}`, Foreign, "organization o-zzzzzzzzzz"},
		"organization, if it exists":           {everybody, `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`, Public, "without it"},
		"VPC":                                  {everybody, `{"StringEquals":{"aws:SourceVpc":"vpc-1"}}`, Fine, ""},
		"another VPC":                          {everybody, `{"StringEquals":{"aws:SourceVpc":"vpc-2"}}`, Foreign, "VPC vpc-2 (aws:sourcevpc)"},
		"another VPC, own organization":        {everybody, `{"StringEquals":{"aws:SourceVpc":"vpc-2","aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`, Fine, ""},
		"endpoint":                             {everybody, `{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`, Fine, ""},
		"another endpoint":                     {everybody, `{"StringEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}`, Foreign, "VPC endpoint vpce-2"},
		"another endpoint and a user id":       {everybody, `{"StringEquals":{"aws:SourceVpce":"vpce-2","aws:userid":"AIDACKCEVSQ6C2EXAMPLE"}}`, Foreign, "VPC endpoint vpce-2"},
		"a user id and another endpoint":       {everybody, `{"StringEquals":{"aws:userid":"AIDACKCEVSQ6C2EXAMPLE","aws:SourceVpce":"vpce-2"}}`, Foreign, "VPC endpoint vpce-2"},
		"range":                                {everybody, `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8:1::/48"]}}`, Fine, ""},
		"address in a range, as IPv6":          {everybody, `{"IpAddress":{"aws:SourceIp":"::ffff:203.0.113.7"}}`, Fine, ""},
		"range, host bits set":                 {everybody, `{"IpAddress":{"aws:SourceIp":"203.0.113.77/25"}}`, Fine, ""},
		"broader than the range":               {everybody, `{"IpAddress":{"aws:SourceIp":"203.0.112.0/23"}}`, Foreign, "address range 203.0.112.0/23"},
		"another address":                      {everybody, `{"IpAddress":{"aws:SourceIp":"198.51.100.1"}}`, Foreign, "address range 198.51.100.1"},
		"private addresses":                    {everybody, `{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.1.1","172.31.0.0/16","fd00::/64"]}}`, Fine, ""},
		"private addresses and more":           {everybody, `{"IpAddress":{"aws:SourceIp":"172.16.0.0/8"}}`, Foreign, "address range 172.16.0.0/8"},
		"everywhere":                           {everybody, `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/0"]}}`, Public, "0.0.0.0/0"},
		"partner's key use":                    {everybody, `{"StringEquals":{"kms:CallerAccount":"` + partner + `"}}`, Fine, ""},
		"stranger's key use":                   {everybody, `{"StringEquals":{"kms:CallerAccount":"` + stranger + `"}}`, Foreign, "account 210987654321 (kms:calleraccount)"},
		"owner, the default of SNS":            {everybody, `{"StringEquals":{"AWS:SourceOwner":"` + own + `"}}`, Fine, ""},
		"stranger's topics":                    {everybody, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:` + stranger + `:*"}}`, Foreign, "account 210987654321"},
		"partner's roles":                      {everybody, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::` + partner + `:role/*"}}`, Fine, ""},
		"function URL":                         {everybody, `{"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}`, Public, "names nobody"},
		"service that need not":                {`{"Service":"cloudtrail.amazonaws.com"}`, "", Fine, ""},
		"service for anybody":                  {s3, "", Unbound, "lets in service s3.amazonaws.com for any AWS customer"},
		"service of a region for anybody":      {`{"Service":"logs.eu-west-1.amazonaws.com"}`, "", Unbound, "logs.eu-west-1"},
		"service beside a partner":             {`{"AWS":"` + partner + `","Service":"s3.amazonaws.com"}`, "", Unbound, "s3"},
		"service for a bucket":                 {s3, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::acme-in"}}`, Fine, ""},
		"service for a stranger's bucket":      {s3, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::other-in"}}`, Foreign, "resource arn:aws:s3:::other-in (aws:sourcearn)"},
		"service for it, in the own account":   {s3, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::other-in"},"StringEquals":{"aws:SourceAccount":"` + own + `"}}`, Fine, ""},
		"service for any bucket":               {s3, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}`, Unbound, "any AWS customer"},
		"service for any bucket of an account": {s3, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:*"},"StringEquals":{"aws:SourceAccount":"` + own + `"}}`, Fine, ""},
		"service, account if it exists":        {s3, `{"StringEqualsIfExists":{"aws:SourceAccount":"` + own + `"}}`, Unbound, "any AWS customer"},
		"service for the organization":         {s3, `{"StringEquals":{"aws:SourceOrgID":"o-a1b2c3d4e5"}}`, Fine, ""},
		"service for a pattern's stranger":     {`{"Service":"sns.amazonaws.com"}`, `{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:999988887777:shared/a/b"}}`, Fine, ""},
		"everybody who is a service":           {everybody, `{"StringEquals":{"aws:PrincipalServiceName":"s3.amazonaws.com"}}`, Unbound, "service s3.amazonaws.com"},
		"everybody, a service for an account":  {everybody, `{"StringEquals":{"aws:PrincipalServiceName":"s3.amazonaws.com","aws:SourceAccount":"` + own + `"}}`, Fine, ""},
		"everybody but one, from a VPC":        {"not", `{"StringEquals":{"aws:SourceVpc":"vpc-2"}}`, Foreign, "vpc-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			statement := allowing(c.principal)
			switch c.principal {
			case "deny":
				statement = strings.Replace(allowing(root), "Allow", "Deny", 1)
			case "not":
				statement = strings.Replace(allowing(root), "Principal", "NotPrincipal", 1)
			}
			if c.conditions != "" {
				statement = strings.TrimSuffix(statement, "}") + `,"Condition":` + c.conditions + "}"
			}
			got, why := company.Statement(parsed(t, `{"Statement":`+statement+`}`).Statements[0])
			if got != c.want || !strings.Contains(why, c.why) || (why == "") != (got == Fine) {
				t.Errorf("= %q, %q; want %q with %q", got, why, c.want, c.why)
			}
			// What a company says may make more of a statement a fault, and never less than public.
			if public, _ := parsed(t, `{"Statement":`+statement+`}`).Statements[0].Public(); public != (got == Public) {
				t.Errorf("public = %v for everybody, %q for the company", public, got)
			}
		})
	}
}

func TestAllowedValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		allowed Allowed
		want    string
	}{
		"nothing":               {Allowed{}, ""},
		"an account":            {Allowed{Accounts: []string{"111122223333", "1111"}}, `accounts[1]: "1111" is not an account id`},
		"an organization":       {Allowed{Organizations: []string{"o-*"}}, `organizations[0]: "o-*" is not an organization id`},
		"a VPC":                 {Allowed{VPCs: []string{"vpce-1"}}, `vpcs[0]: "vpce-1" is not a VPC's id`},
		"an endpoint":           {Allowed{Endpoints: []string{"vpce-*"}}, `vpc_endpoints[0]: "vpce-*" is not a VPC endpoint's id`},
		"a range":               {Allowed{Ranges: []string{"10.0.0.0/33"}}, `ip_ranges[0]: "10.0.0.0/33" is not a range`},
		"a range of everything": {Allowed{Ranges: []string{"0.0.0.0/0"}}, `ip_ranges[0]: "0.0.0.0/0" is not a range`},
		"an ARN":                {Allowed{SourceARNs: []string{"*"}}, `source_arns[0]: "*" is not a pattern of ARNs`},
		"a pattern":             {Allowed{SourceARNs: []string{"arn:[a"}}, `source_arns[0]: "arn:[a" is not a pattern of ARNs`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.allowed.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Validate() = %v, want %q", err, c.want)
			}
		})
	}
	for _, pattern := range []string{"", "[a"} {
		if err := ValidateBound([]string{"s3.amazonaws.com", pattern}); err == nil || !strings.Contains(err.Error(), "[1]") {
			t.Errorf("ValidateBound of %q = %v", pattern, err)
		}
	}
	if err := ValidateBound(company.Bound); err != nil {
		t.Error(err)
	}
}

// TestJudgeAsCloudCustodianSays compares verdicts with the cases of Cloud
// Custodian's cross-account checker, with the lists that its tests give it. Where
// ours differs, the case says why.
// https://github.com/cloud-custodian/cloud-custodian tests/test_iam.py and
// tests/data/iam/*.json at 3e01c885 (Apache-2.0, Copyright The Cloud Custodian Authors)
func TestJudgeAsCloudCustodianSays(t *testing.T) {
	t.Parallel()
	accounts := Allowed{Accounts: []string{"123456789012"}}
	vpc := Allowed{Accounts: []string{"123456789012"}, VPCs: []string{"vpc-12345678"}}
	vpcs := Allowed{Accounts: []string{"123456789012"}, VPCs: []string{"vpc-12345678"}, Endpoints: []string{"vpce-12345678", "vpce-87654321"}}
	org := Allowed{Organizations: []string{"o-goodorg"}}
	const star = `"*"`
	for name, c := range map[string]struct {
		allowed               Allowed
		principal, conditions string
		theirs                bool
		differs               string // why ours is the other one
	}{
		"s3/PrincipalInvalid":                 {vpcs, `{"AWS":["arn:aws:iam::123456789012:root","arn:aws:iam::234567890123:root"]}`, `{}`, true, ""},
		"s3/PrincipalValid":                   {vpcs, `{"AWS":"arn:aws:iam::123456789012:root"}`, `{}`, false, ""},
		"s3/SourceArnLikeValid":               {vpcs, star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012"}}`, false, ""},
		"s3/SourceArnLikeInvalid":             {vpcs, star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:234567890123"}}`, true, ""},
		"s3/SourceArnEqualsValid":             {vpcs, star, `{"ArnEquals":{"aws:sourcearn":"arn:aws:sns:us-east-1:123456789012:topic-name"}}`, false, ""},
		"s3/SourceArnEqualsInvalid":           {vpcs, star, `{"ArnEquals":{"aws:sourcearn":"arn:aws:sns:us-east-1:234567890123:topic-name"}}`, true, ""},
		"s3/SourceVpcEqualsValid":             {vpcs, star, `{"StringEquals":{"aws:sourceVpc":"vpc-12345678"}}`, false, ""},
		"s3/SourceVpcEqualsInvalid":           {vpcs, star, `{"StringEquals":{"aws:sourceVpc":"vpc-01234567"}}`, true, ""},
		"s3/SourceVpcEqualsInvalid, no list":  {accounts, star, `{"StringEquals":{"aws:sourceVpc":"vpc-01234567"}}`, false, ""},
		"s3/SourceVpceEqualsValid":            {vpcs, star, `{"StringEquals":{"aws:sourceVpce":"vpce-12345678"}}`, false, ""},
		"s3/SourceVpceEqualsInvalid":          {vpcs, star, `{"StringEquals":{"aws:sourceVpce":"vpce-01234567"}}`, true, ""},
		"s3/SourceVpceEqualsInvalid, no list": {accounts, star, `{"StringEquals":{"aws:sourceVpce":"vpce-01234567"}}`, false, ""},
		"conditions/SourceArnLikeValid":       {vpc, star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012"},"StringEquals":{"aws:sourceVpc":"vpc-12345678"}}`, false, ""},
		"conditions/SourceArnLikeInValid":     {vpc, star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012"},"StringEquals":{"aws:sourceVpc":"vpc-55252554"}}`, true, "both must hold, and the first lets in nobody but the allowed account"},
		"arn-conditions/AWSArnLikeValid":      {accounts, star, `{"StringLike":{"aws:arn":"arn:aws:iam::123456789012:role/MySpecialRole"}}`, true, ""},
		"orgid/OrgID-Valid":                   {org, star, `{"StringEquals":{"aws:PrincipalOrgID":"o-goodorg"}}`, false, ""},
		"orgid/OrgID-InValid":                 {org, star, `{"StringEquals":{"aws:PrincipalOrgID":"o-badorg"}}`, true, ""},
		"orgid/ResourceOrgID":                 {org, star, `{"StringEquals":{"aws:ResourceOrgID":"o-goodorg"}}`, false, "the key is about the resource, which is ours whoever calls"},
		"accesspoint/of the account":          {accounts, star, `{"StringEquals":{"s3:DataAccessPointAccount":"123456789012"}}`, false, ""},
		"accesspoint/of another":              {accounts, star, `{"StringEquals":{"s3:DataAccessPointAccount":"234567890123"}}`, true, ""},
		"sns/endpoint and owner":              {accounts, star, `{"StringLike":{"SNS:Endpoint":"@capitalone.com"},"StringEquals":{"AWS:SourceOwner":"123456789012"}}`, false, ""},
		"principal/two accounts, allowed VPC": {vpc, `{"AWS":["arn:aws:iam::123123123412:root"]}`, `{"StringEquals":{"aws:sourceVpc":"vpc-12345678"},"StringNotEquals":{"aws:sourceVpc":"vpc-1111111"}}`, false, ""},
		"iamaccess/address":                   {accounts, star, `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, false, "its check of addresses takes every one for narrow"},
		"iamaccess/not an address":            {accounts, star, `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, false, "a negation lets in everybody else"},
		"iamaccess/all values, of an account": {accounts, star, `{"ForAllValues:StringEquals":{"aws:SourceOwner":"123456789012"}}`, false, "it also holds for a request without the key"},
		"iamaccess/user name":                 {accounts, star, `{"StringEquals":{"aws:username":"Andrew"}}`, false, "any account can have a user of that name"},
		"iamaccess/service and stranger":      {accounts, `{"Service":"s3.amazonaws.com","AWS":"234567890123"}`, `{}`, true, ""},
		"iamaccess/service":                   {accounts, `{"Service":"s3.amazonaws.com"}`, `{}`, false, ""},
		"iamaccess/partner in an own VPC":     {vpcs, `{"AWS":"234567890123"}`, `{"StringEquals":{"aws:SourceVpc":"vpc-12345678"}}`, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := parsed(t, `{"Statement":`+strings.TrimSuffix(allowing(c.principal), "}")+`,"Condition":`+c.conditions+`}}`).Statements[0]
			got, why := Judge{Allowed: c.allowed}.Statement(st)
			if want := c.theirs != (c.differs != ""); (got != Fine) != want {
				t.Errorf("= %q (%s), want a fault: %v %s", got, why, want, c.differs)
			}
		})
	}
	// Policies that theirs judges and ours does not read: IAM takes neither.
	for name, text := range map[string]string{
		"s3/ForAllValuesValid":      `{"Statement":{"Effect":"Allow","Principal":"arn:aws:iam::123456789012:root","Action":"s3:PutObject","Condition":{"ForAllValues":{"s3:PutObject":["body"]}}}}`,
		"s3/ForAllValuesInvalid":    `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Condition":{"ForAllValues":{"s3:PutObject":["body"]}}}}`,
		"not_principal, a bare one": `{"Statement":{"Effect":"Allow","NotPrincipal":"90120","Action":"SQS:SendMessage"}}`,
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s is parsed", name)
		}
	}
}
