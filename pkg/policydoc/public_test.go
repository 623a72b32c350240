package policydoc

import (
	"fmt"
	"strings"
	"testing"
)

// everyoneIf is a statement that allows everyone under conditions.
func everyoneIf(conditions string) string {
	return `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":` + conditions + `}`
}

// eighths are 128 ranges of IPv4, each as broad as the guide lets one be.
func eighths() string {
	var out []string
	for i := range 128 {
		out = append(out, fmt.Sprintf(`"%d.0.0.0/8"`, i*2))
	}
	return strings.Join(out, ",")
}

func allowing(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
}

func judge(t *testing.T, statement string) (bool, string) {
	t.Helper()
	return parsed(t, `{"Version":"2012-10-17","Statement":[`+statement+`]}`).Statements[0].Public()
}

func TestPublicPrincipals(t *testing.T) {
	t.Parallel()
	const fixed = ""
	for name, c := range map[string]struct {
		statement string
		want      string // in the reason; none means that it is not public
	}{
		"everyone":                       {allowing(`"*"`), `allows everyone (AWS principal "*") without a condition`},
		"everyone as AWS":                {allowing(`{"AWS":"*"}`), `AWS principal "*"`},
		"everyone among others":          {allowing(`{"AWS":["123456789012","*"]}`), `AWS principal "*"`},
		"everyone beside a service":      {allowing(`{"Service":"cloudtrail.amazonaws.com","AWS":"*"}`), `AWS principal "*"`},
		"any account's root":             {allowing(`{"AWS":"arn:aws:iam::*:root"}`), `"arn:aws:iam::*:root"`},
		"any user of an account":         {allowing(`{"AWS":"arn:aws:iam::123456789012:user/*"}`), "allows everyone"},
		"one character open":             {allowing(`{"AWS":"arn:aws:iam::12345678901?:root"}`), "allows everyone"},
		"policy variable":                {allowing(`{"AWS":"arn:aws:iam::${aws:PrincipalAccount}:root"}`), "allows everyone"},
		"any service":                    {allowing(`{"Service":"*"}`), `Service principal "*"`},
		"any identity provider":          {allowing(`{"Federated":"*"}`), `Federated principal "*"`},
		"the anonymous canonical user":   {allowing(`{"CanonicalUser":"65a011a29cdf8ec533ec3d1ccaae921c"}`), "CanonicalUser"},
		"all but one":                    {`{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:*"}`, "allows everyone but 123456789012"},
		"all but one, from one VPC":      {`{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}`, fixed},
		"account":                        {allowing(`{"AWS":"123456789012"}`), fixed},
		"role":                           {allowing(`{"AWS":"arn:aws:iam::123456789012:role/x"}`), fixed},
		"role that was deleted":          {allowing(`{"AWS":"AROAJQABLZS4A3QDU576Q"}`), fixed},
		"service":                        {allowing(`{"Service":"logging.s3.amazonaws.com"}`), fixed},
		"identity provider":              {allowing(`{"Federated":"cognito-identity.amazonaws.com"}`), fixed},
		"canonical user":                 {allowing(`{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`), fixed},
		"CloudFront's access identity":   {allowing(`{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"}`), fixed},
		"everyone denied":                {`{"Effect":"Deny","Principal":"*","Action":"s3:*"}`, fixed},
		"everyone but one denied":        {`{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:*"}`, fixed},
		"everyone, an action that isn't": {`{"Effect":"Allow","Principal":"*","Action":"s3:NotASupportedAction"}`, "allows everyone"},
		"everyone, all other actions":    {`{"Effect":"Allow","Principal":"*","NotAction":"s3:Put*"}`, "allows everyone"},
		"empty condition":                {everyoneIf(`{}`), "without a condition"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public, why := judge(t, c.statement)
			if public != (c.want != fixed) || !strings.Contains(why, c.want) || !public && why != "" {
				t.Errorf("Public() = %v, %q; want a reason with %q", public, why, c.want)
			}
		})
	}
}

// TestPublicConditions tries conditions on a statement that allows everyone.
func TestPublicConditions(t *testing.T) {
	t.Parallel()
	cases := map[bool]map[string]string{
		false: {
			"VPC":                              `{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}`,
			"VPC endpoint":                     `{"StringEquals":{"aws:sourceVpce":["vpce-1a2b3c4d","vpce-2"]}}`,
			"VPC, any case":                    `{"stringequalsignorecase":{"AWS:SOURCEVPC":"vpc-1"}}`,
			"VPC by StringLike":                `{"StringLike":{"aws:SourceVpc":"vpc-1"}}`,
			"VPC ARN":                          `{"ArnEquals":{"aws:SourceVpcArn":"arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1"}}`,
			"endpoints of an account":          `{"StringEquals":{"aws:VpceAccount":"123456789012"}}`,
			"endpoints of an organization":     `{"StringEquals":{"aws:VpceOrgID":"o-a1b2c3d4e5"}}`,
			"endpoints of a unit":              `{"ForAnyValue:StringLike":{"aws:VpceOrgPaths":"o-a1b2c3d4e5/r-ab12/ou-1/*"}}`,
			"organization":                     `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`,
			"organization, key always there":   `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"Null":{"aws:PrincipalOrgID":"false"}}`,
			"unit of an organization":          `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-a1b2c3d4e5/r-ab12/ou-ab12-1/*"]}}`,
			"all units, key always there":      `{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"},"Null":{"aws:PrincipalOrgPaths":false}}`,
			"account of the caller":            `{"StringEquals":{"aws:PrincipalAccount":"123456789012"}}`,
			"role of the caller":               `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/x"}}`,
			"roles of one account":             `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}`,
			"service that calls":               `{"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}}`,
			"resource a service calls for":     `{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:topic"}}`,
			"resources of one account":         `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:123456789012:*"}}`,
			"resources of one account, text":   `{"StringLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:*"}}`,
			"a bucket a service calls for":     `{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::source-bucket"}}`,
			"account a service calls for":      `{"StringEquals":{"aws:SourceAccount":"123456789012"}}`,
			"owner a service calls for":        `{"StringEquals":{"aws:SourceOwner":"123456789012"}}`,
			"organization a service calls for": `{"StringEquals":{"aws:SourceOrgID":"o-a1b2c3d4e5"}}`,
			"unit a service calls for":         `{"ForAnyValue:StringLike":{"aws:SourceOrgPaths":"o-a1b2c3d4e5/r-ab12/*"}}`,
			"user id":                          `{"StringEquals":{"aws:userid":"AIDACKCEVSQ6C2EXAMPLE"}}`,
			"sessions of a role":               `{"StringLike":{"aws:userId":["AROADBQP57FF2AEXAMPLE:*","111122223333"]}}`,
			"account of the access point":      `{"StringEquals":{"s3:DataAccessPointAccount":"123456789012"}}`,
			"access points of an account":      `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}`,
			"access points in all regions":     `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:*:123456789012:accesspoint/*"}}`,
			"one address":                      `{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}`,
			"IPv4 range":                       `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]}}`,
			"IPv4 /8":                          `{"IpAddress":{"aws:SourceIp":"12.0.0.0/8"}}`,
			"private range":                    `{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16"]}}`,
			"key's account":                    `{"StringEquals":{"kms:CallerAccount":"123456789012"}}`,
			"token of an Alexa skill":          `{"StringEquals":{"lambda:EventSourceToken":"amzn1.ask.skill.1"}}`,
			"IPv4 /8 as IPv6, host bits set":   `{"IpAddress":{"aws:SourceIp":"::ffff:12.34.56.78/104"}}`,
			"IPv4 address as IPv6":             `{"IpAddress":{"aws:SourceIp":"::ffff:203.0.113.7"}}`,
			"IPv4 in ranges, less than half":   `{"IpAddress":{"aws:SourceIp":["12.0.0.0/8","13.0.0.0/8","14.0.0.0/8"]}}`,
			"IPv6 /32":                         `{"IpAddress":{"aws:SourceIp":["2001:db8::/32","2001:db8::1"]}}`,
			"one of two narrows":               `{"StringLike":{"aws:SourceVpc":"vpc-*"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`,
			"one key of two narrows":           `{"StringEquals":{"aws:UserAgent":"x","aws:SourceVpce":"vpce-1"}}`,
			"except in a narrow range":         `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"NotIpAddress":{"aws:SourceIp":"203.0.113.7"}}`,
		},
		true: {
			"VPC with a wildcard":               `{"StringLike":{"aws:SourceVpc":"vpc-*"}}`,
			"VPC with a variable":               `{"StringEquals":{"aws:SourceVpc":"${aws:PrincipalTag/vpc}"}}`,
			"one of the VPCs is open":           `{"StringLike":{"aws:SourceVpc":["vpc-1","vpc-?"]}}`,
			"all VPCs but one":                  `{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`,
			"VPC if there is one":               `{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}`,
			"VPC or address, if there is one":   `{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"},"IpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}`,
			"VPC, no value":                     `{"StringEquals":{"aws:SourceVpc":[]}}`,
			"VPC, empty value":                  `{"StringEquals":{"aws:SourceVpc":""}}`,
			"some VPC":                          `{"Null":{"aws:SourceVpc":"false"}}`,
			"no VPC":                            `{"Null":{"aws:SourceVpc":"true"}}`,
			"VPC is true":                       `{"Bool":{"aws:SourceVpc":"true"}}`,
			"another key is always there":       `{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"},"Null":{"aws:SourceIp":"false"}}`,
			"the key may be missing":            `{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"},"Null":{"aws:SourceVpc":["false","true"]}}`,
			"the key may be missing, all of it": `{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"},"ForAllValues:Null":{"aws:SourceVpc":"false"}}`,
			"address in a VPC":                  `{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/24"}}`,
			"any organization":                  `{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`,
			"any organization, taken as text":   `{"StringEquals":{"aws:PrincipalOrgID":"*"}}`,
			"all units, key may be missing":     `{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}}`,
			"unit of any organization":          `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"*/ou-ab12-1/*"}}`,
			"own account, a key of resources":   `{"StringEquals":{"aws:ResourceAccount":"123456789012"}}`,
			"own account, S3's key":             `{"StringEquals":{"s3:ResourceAccount":"123456789012"}}`,
			"own organization, of resources":    `{"StringEquals":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}}`,
			"user name":                         `{"StringEquals":{"aws:username":"Andrew"}}`,
			"tag of the caller":                 `{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`,
			"kind of the caller":                `{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`,
			"any AWS service":                   `{"Bool":{"aws:PrincipalIsAWSService":"true"}}`,
			"role of any account":               `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}}`,
			"role of a variable's account":      `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:role/*"}}`,
			"resource in any account":           `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:*:topic"}}`,
			"account reached over by text":      `{"StringLike":{"aws:SourceArn":"arn:aws:sns:*:123456789012:x"}}`,
			"variable before the account":       `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:${aws:RequestedRegion}:123456789012:*"}}`,
			"any bucket":                        `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::my-*"}}`,
			"ARN too short":                     `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*"}}`,
			"account too short":                 `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:12345678901:*"}}`,
			"all resources but one":             `{"ArnNotLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:topic"}}`,
			"session name of any role":          `{"StringLike":{"aws:userid":"*:alice@example.com"}}`,
			"sessions of any role":              `{"StringLike":{"aws:userid":"AROA*:x"}}`,
			"sessions of a role cut short":      `{"StringLike":{"aws:userid":"AROAX:*"}}`,
			"sessions of a user":                `{"StringLike":{"aws:userid":"AIDACKCEVSQ6C2EXAMPLE*"}}`,
			"sessions of all roles but one":     `{"StringNotLike":{"aws:userid":"AROADBQP57FF2AEXAMPLE:*"}}`,
			"access points of any account":      `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:*:accesspoint/x"}}`,
			"access points in VPCs":             `{"StringEquals":{"s3:AccessPointNetworkOrigin":"VPC"}}`,
			"all of IPv4":                       `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`,
			"half of IPv4":                      `{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}`,
			"IPv4 /7":                           `{"IpAddress":{"aws:SourceIp":"12.0.0.0/7"}}`,
			"all of IPv4, host bits set":        `{"IpAddress":{"aws:SourceIp":"208.236.235.254/0"}}`,
			"all of IPv4 as IPv6":               `{"IpAddress":{"aws:SourceIp":"::ffff:0.0.0.0/96"}}`,
			"all of IPv6":                       `{"IpAddress":{"aws:SourceIp":"::/0"}}`,
			"a range around IPv4 as IPv6":       `{"IpAddress":{"aws:SourceIp":"::ffff:0.0.0.0/90"}}`,
			"zeros that hold IPv4 as IPv6":      `{"IpAddress":{"aws:SourceIp":"::/80"}}`,
			"the two halves of IPv4":            `{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`,
			"IPv4 in ranges that are narrow":    `{"IpAddress":{"aws:SourceIp":[` + eighths() + `]}}`,
			"IPv4 /8, one bit more as IPv6":     `{"IpAddress":{"aws:SourceIp":"::ffff:12.0.0.0/103"}}`,
			"function URL that wants signing":   `{"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}`,
			"function URL for all":              `{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}`,
			"through a service to a KMS key":    `{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}`,
			"where a topic's messages go":       `{"StringLike":{"SNS:Endpoint":"*@example.com"}}`,
			"key's account with a wildcard":     `{"StringLike":{"kms:CallerAccount":"1234*"}}`,
			"owner, if there is one":            `{"StringEqualsIfExists":{"aws:SourceOwner":"123456789012"}}`,
			"all values of the organization":    `{"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`,
			"IPv6 /31":                          `{"IpAddress":{"aws:SourceIp":"2001:db8::/31"}}`,
			"one range is broad":                `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/0"]}}`,
			"all addresses but a range":         `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`,
			"range if there is an address":      `{"IpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}`,
			"range with a wildcard":             `{"IpAddress":{"aws:SourceIp":"203.0.113.*"}}`,
			"address compared as text":          `{"StringLike":{"aws:SourceIp":"203.0.113.7"}}`,
			"TLS":                               `{"Bool":{"aws:SecureTransport":"true"}}`,
			"referer":                           `{"StringLike":{"aws:Referer":"https://example.com/*"}}`,
			"user agent":                        `{"StringEquals":{"aws:UserAgent":"secret"}}`,
			"date":                              `{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}`,
			"prefix":                            `{"StringEquals":{"s3:prefix":"public/"}}`,
			"canned ACL":                        `{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`,
			"KMS key of the object":             `{"StringEquals":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:us-east-1:123456789012:key/1"}}`,
			"through a service, of any caller":  `{"Bool":{"aws:ViaAWSService":"true"}}`,
			"two that do not narrow":            `{"StringLike":{"aws:SourceVpc":"vpc-*"},"Bool":{"aws:SecureTransport":"true"}}`,
		},
	}
	for want, byName := range cases {
		for name, conditions := range byName {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got, why := judge(t, everyoneIf(conditions))
				if got != want || (why != "") != want {
					t.Errorf("Public() = %v, %q; want %v", got, why, want)
				}
			})
		}
	}
}

func TestPublicSaysWhichConditionsFail(t *testing.T) {
	t.Parallel()
	_, got := judge(t, everyoneIf(`{"StringLike":{"aws:SourceVpc":["vpc-1","vpc-*"]},"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":"o-1"},"StringEquals":{"aws:SourceVpce":[]}}`))
	const want = `allows everyone (AWS principal "*"), which its conditions do not narrow: StringLike aws:sourcevpc "vpc-*" names nobody; ` +
		`aws:principalorgpaths also matches a request without it; aws:sourcevpce lists no value`
	if got != want {
		t.Errorf("why = %q\nwant  %q", got, want)
	}
}

// TestPublicAsPeersSay compares the verdicts with those in other tools' tests.
// Where ours differs, the case says why.
func TestPublicAsPeersSay(t *testing.T) {
	t.Parallel()
	type verdict struct {
		name, statement string
		theirs          bool
		differs         string // why ours is the other one
	}
	allow := func(members string) string { return `{"Effect":"Allow","Action":"s3:*",` + members + `}` }
	for source, cases := range map[string][]verdict{
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
		"S3 user guide": {
			{"everyone puts", `{"Principal":"*","Resource":"*","Action":"s3:PutObject","Effect":"Allow"}`, true, ""},
			{"any VPC", `{"Principal":"*","Resource":"*","Action":"s3:PutObject","Effect":"Allow","Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}}}`, true, ""},
			{"one VPC", `{"Principal":"*","Resource":"*","Action":"s3:PutObject","Effect":"Allow","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}}`, false, ""},
		},
		// https://github.com/prowler-cloud/prowler tests/providers/aws/services/iam/lib/policy_test.py (Apache-2.0)
		"Prowler": {
			{"root and everyone", allow(`"Principal":{"AWS":["arn:aws:iam::123456789012:root","*"]}`), true, ""},
			{"root", allow(`"Principal":{"AWS":["arn:aws:iam::123456789012:root"]}`), false, ""},
			{"deny", `{"Effect":"Deny","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":"s3:*"}`, false, ""},
			{"any account's root", allow(`"Principal":{"AWS":"arn:aws:iam::*:root"}`), true, ""},
			{"address range", allow(`"Principal":{"AWS":"*"},"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), false, ""},
			{"every address", allow(`"Principal":{"AWS":"*"},"Condition":{"IpAddress":{"aws:SourceIp":["0.0.0.0/0"]}}`), true, ""},
			{"address and wildcard", allow(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["*","192.168.1.1"]}}`), true, ""},
			{"private addresses", allow(`"Principal":"*","Condition":{"IpAddress":{"AWS:SOURCEIP":["192.168.1.1","10.0.0.1"]}}`), false, ""},
			{"not an address", allow(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"invalid.ip.address"}}`), true, ""},
			{"every organization", allow(`"Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":["o-123456789012","*"]}}`), true, ""},
			{"owner and a flag", allow(`"Principal":"*","Condition":{"Bool":{"elasticfilesystem:AccessedViaMountTarget":"true"},"StringEquals":{"aws:SourceOwner":"123456789012"},"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1234567890abcdef0"}}`), false, ""},
			{"service of an organization", allow(`"Principal":{"Service":"personalize.amazonaws.com"},"Condition":{"StringLike":{"aws:SourceOrgID":"o-123456"}}`), false, ""},
			{"service", allow(`"Principal":{"Service":"ec2.amazonaws.com"}`), true, "S3 counts a service principal as fixed; which account's use of it is another question"},
		},
		// https://github.com/Netflix-Skunkworks/policyuniverse policyuniverse/tests/test_statement.py (Apache-2.0)
		"policyuniverse": {
			{"01 all but one", allow(`"NotPrincipal":{"AWS":["arn:aws:iam::012345678910:root"]}`), true, ""},
			{"05 service and account", allow(`"Principal":{"Service":"lambda.amazonaws.com","AWS":"arn:aws:iam::012345678910:root"}`), false, ""},
			{"07 all values, if they exist", allow(`"Principal":"*","Condition":{"ForAllValues:ARNEqualsIfExists":{"AWS:SourceArn":["arn:aws:iam::012345678910:role/x"]}}`), false, "the condition holds for a request without the key"},
			{"08 any value", allow(`"Principal":"*","Condition":{"ForAnyValue:ARNEquals":{"AWS:SourceArn":["arn:aws:iam::012345678910:role/x","arn:aws:iam::012345678910:role/y"]}}`), false, ""},
			{"09 owner", allow(`"Principal":"*","Condition":{"StringLike":{"AWS:SourceOwner":"012345678910"}}`), false, ""},
			{"09 any owner", allow(`"Principal":"*","Condition":{"StringLike":{"AWS:SourceOwner":"*"}}`), true, ""},
			{"11 two owners", allow(`"Principal":"*","Condition":{"ForAnyValue:StringEquals":{"AWS:SourceOwner":["012345678910","123456789123"]}}`), false, ""},
			{"13 a negation beside an ARN", allow(`"Principal":"*","Condition":{"StringNotLike":{"AWS:userid":"AROAI1111111111111111:*"},"ARNLike":{"AWS:SourceArn":"arn:aws:iam::012345678910:role/Admin"}}`), false, ""},
			{"14 everyone", allow(`"Principal":"*"`), true, ""},
			{"15 a negation", allow(`"Principal":"*","Condition":{"StringNotLike":{"AWS:userid":"AROAI1111111111111111:*"}}`), true, ""},
			{"16 deny", `{"Effect":"Deny","Principal":"*","Action":["rds:*"]}`, false, ""},
			{"18 any account", allow(`"Principal":"*","Condition":{"ARNLike":{"AWS:SourceArn":"arn:aws:iam::*:role/Admin"}}`), true, ""},
			{"19 any account, text", allow(`"Principal":"*","Condition":{"StringLike":{"AWS:SourceArn":"arn:aws:iam::*"}}`), true, ""},
			{"21 bucket", allow(`"Principal":"*","Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:s3:::mybucket"}}`), false, ""},
			{"22 no account", allow(`"Principal":"*","Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:iam:::user/MyUser"}}`), true, "it is a fixed value, though one that nothing has"},
			{"28 any value, not a list", allow(`"Principal":"*","Condition":{"ForAnyValue:StringEquals":{"AWS:SourceOwner":"012345678910"}}`), true, "AWS takes a single value for a list of one"},
			{"29 organization", allow(`"Principal":"*","Condition":{"StringEquals":{"AWS:PrincipalOrgID":"o-xxxxxxxxxx"}}`), false, ""},
			{"30 any organization", allow(`"Principal":"*","Condition":{"StringLike":{"AWS:PrincipalOrgID":"o-*"}}`), true, ""},
		},
		// https://github.com/cloud-custodian/cloud-custodian tests/test_iam.py, tests/data/iam/s3-*.json (Apache-2.0)
		"Cloud Custodian": {
			{"PrincipalValid", allow(`"Principal":{"AWS":"arn:aws:iam::123456789012:root"}`), false, ""},
			{"SourceArnEqualsValid", allow(`"Principal":"*","Condition":{"ArnEquals":{"aws:sourcearn":"arn:aws:sns:us-east-1:123456789012:topic-name"}}`), false, ""},
			{"SourceVpcEqualsValid", allow(`"Principal":"*","Condition":{"StringEquals":{"aws:sourceVpc":"vpc-12345678"}}`), false, ""},
			{"SourceVpceEqualsValid", allow(`"Principal":"*","Condition":{"StringEquals":{"aws:sourceVpce":"vpce-12345678"}}`), false, ""},
			{"everyone denied unencrypted", `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":["AES256","aws:kms"]}}}`, false, ""},
			{"everyone_only, under a fixed ARN", allow(`"Principal":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012"}}`), true, "its option looks at the principal alone"},
		},
	} {
		for _, c := range cases {
			t.Run(source+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				got, why := judge(t, c.statement)
				if want := c.theirs != (c.differs != ""); got != want {
					t.Errorf("Public() = %v (%s), want %v %s", got, why, want, c.differs)
				}
			})
		}
	}
}
