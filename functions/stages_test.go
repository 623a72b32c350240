//go:build linux

package functions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// stagings sets a stage for each function, by its name.
func stagings() map[string]func(*testing.T, mototest.Account) stage {
	return map[string]func(*testing.T, mototest.Account) stage{
		"ebs-snapshot-sharing":         stageSnapshot,
		"ec2-security-group":           stageSecurityGroup,
		"github-repository-visibility": stageRepository,
		"iam-access-key":               stageAccessKey,
		"s3-bucket-policy":             stageBucketPolicy,
		"s3-public-access-block":       stageAccessBlock,
	}
}

// stageFor sets a function's stage.
func stageFor(t *testing.T, function string, account mototest.Account) stage {
	t.Helper()
	set, ok := stagings()[function]
	if !ok {
		t.Fatalf("%s has no stage: add one to stagings", function)
	}
	return set(t, account)
}

func stageSecurityGroup(t *testing.T, account mototest.Account) stage {
	api := ec2.NewFromConfig(account.Config)
	group, err := api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web")})
	check(t, err)
	allow := func(t *testing.T, port int32, cidr string) {
		_, err := api.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: group.GroupId, IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, CidrIp: &cidr,
		})
		check(t, err)
	}
	allow(t, 443, "0.0.0.0/0")
	return stage{
		event:  sample(t, "ec2-security-group/authorize-world-ssh.json", account, "sg-003dc7f1f1c686164", *group.GroupId),
		failed: sample(t, "ec2-security-group/authorize-denied.json", account, "sg-0683fcf7a41c82593", *group.GroupId),
		spoil:  func(t *testing.T) { allow(t, 22, "0.0.0.0/0") },
		state: func(t *testing.T) (rules []string) {
			out, err := api.DescribeSecurityGroupRules(t.Context(), &ec2.DescribeSecurityGroupRulesInput{
				Filters: []ec2types.Filter{{Name: aws.String("group-id"), Values: []string{*group.GroupId}}},
			})
			check(t, err)
			for _, r := range out.SecurityGroupRules {
				rules = append(rules, fmt.Sprint(*r.IpProtocol, " ", aws.ToInt32(r.FromPort), " ", *r.CidrIpv4, " egress ", *r.IsEgress))
			}
			slices.Sort(rules)
			return rules
		},
		bad:  []string{"-1 -1 0.0.0.0/0 egress true", "tcp 22 0.0.0.0/0 egress false", "tcp 443 0.0.0.0/0 egress false"},
		good: []string{"-1 -1 0.0.0.0/0 egress true", "tcp 443 0.0.0.0/0 egress false"},
	}
}

func stageSnapshot(t *testing.T, account mototest.Account) stage {
	api := ec2.NewFromConfig(account.Config)
	volume, err := api.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(mototest.Region + "a"), Size: aws.Int32(1)})
	check(t, err)
	snapshot, err := api.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
	check(t, err)
	share := func(t *testing.T, groups, users []string) {
		_, err := api.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: snapshot.SnapshotId, Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: ec2types.OperationTypeAdd, GroupNames: groups, UserIds: users,
		})
		check(t, err)
	}
	share(t, nil, []string{"444455556666"})
	return stage{
		event:  sample(t, "ebs-snapshot-sharing/make-public.json", account, "snap-0123456789abcdef0", *snapshot.SnapshotId),
		failed: sample(t, "ebs-snapshot-sharing/modify-denied.json", account, "snap-046281ab24d756c50", *snapshot.SnapshotId),
		spoil:  func(t *testing.T) { share(t, []string{"all"}, nil) },
		state: func(t *testing.T) (shares []string) {
			out, err := api.DescribeSnapshotAttribute(t.Context(), &ec2.DescribeSnapshotAttributeInput{
				SnapshotId: snapshot.SnapshotId, Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
			})
			check(t, err)
			for _, p := range out.CreateVolumePermissions {
				shares = append(shares, string(p.Group)+aws.ToString(p.UserId))
			}
			slices.Sort(shares)
			return shares
		},
		bad:  []string{"444455556666", "all"},
		good: []string{"444455556666"},
	}
}

func stageAccessKey(t *testing.T, account mototest.Account) stage {
	api := iam.NewFromConfig(account.Config)
	const user = "stratus-red-team-backdoor-u-user"
	_, err := api.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String(user)})
	check(t, err)
	key := func() *string {
		out, err := api.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String(user)})
		check(t, err)
		return out.AccessKey.AccessKeyId
	}
	older, newer := key(), key()
	return stage{
		event:  sample(t, "iam-access-key/create-for-user.json", account, "AKIAI44QH8DHBEXAMPLE", *newer),
		failed: sample(t, "iam-access-key/create-denied.json", account),
		spoil: func(t *testing.T) {
			_, err := api.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String(user), AccessKeyId: newer, Status: iamtypes.StatusTypeActive})
			check(t, err)
		},
		state: func(t *testing.T) []string {
			out, err := api.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String(user)})
			check(t, err)
			states := map[string]string{}
			for _, k := range out.AccessKeyMetadata {
				states[*k.AccessKeyId] = string(k.Status)
			}
			return []string{"older " + states[*older], "newer " + states[*newer]}
		},
		bad:  []string{"older Active", "newer Active"},
		good: []string{"older Active", "newer Inactive"},
	}
}

// bucket makes a bucket whose name no other test uses.
func bucket(t *testing.T, account mototest.Account) (*s3.Client, string) {
	t.Helper()
	api := s3.NewFromConfig(account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	name := "acme-invoices-" + account.ID
	_, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
	check(t, err)
	return api, name
}

func stageBucketPolicy(t *testing.T, account mototest.Account) stage {
	api, name := bucket(t, account)
	event := sample(t, "s3-bucket-policy/put-public-read.json", account, "acme-invoices", name)
	var call struct {
		Detail struct {
			Parameters struct {
				Policy json.RawMessage `json:"bucketPolicy"`
			} `json:"requestParameters"`
		} `json:"detail"`
	}
	check(t, json.Unmarshal(event, &call))
	return stage{
		event:  event,
		failed: sample(t, "s3-bucket-policy/put-denied.json", account, "TrailDiscover", name),
		spoil: func(t *testing.T) {
			_, err := api.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &name, Policy: aws.String(string(call.Detail.Parameters.Policy))})
			check(t, err)
		},
		state: func(t *testing.T) (sids []string) {
			out, err := api.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &name})
			check(t, err)
			var policy struct{ Statement []struct{ Sid string } }
			check(t, json.Unmarshal([]byte(*out.Policy), &policy))
			for _, s := range policy.Statement {
				sids = append(sids, s.Sid)
			}
			return sids
		},
		bad:  []string{"TLSOnly", "PublicRead"},
		good: []string{"TLSOnly"},
	}
}

func stageAccessBlock(t *testing.T, account mototest.Account) stage {
	api, name := bucket(t, account)
	_, err := api.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: &name, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)},
	})
	check(t, err)
	return stage{
		event:  sample(t, "s3-public-access-block/delete.json", account, "acme-invoices", name),
		failed: sample(t, "s3-public-access-block/delete-denied.json", account, "acme-invoices", name),
		spoil: func(t *testing.T) {
			_, err := api.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: &name})
			check(t, err)
		},
		state: func(t *testing.T) []string {
			out, err := api.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: &name})
			if cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration") {
				return []string{"none"}
			}
			check(t, err)
			c := out.PublicAccessBlockConfiguration
			return []string{fmt.Sprint(*c.BlockPublicAcls, *c.IgnorePublicAcls, *c.BlockPublicPolicy, *c.RestrictPublicBuckets)}
		},
		bad:  []string{"none"},
		good: []string{"true true true true"},
	}
}

func stageRepository(t *testing.T, _ mototest.Account) stage {
	const id, owner, name = 186853002, "Codertocat", "Hello-World"
	server := githubtest.New(githubtest.Options{Tokens: []githubtest.Token{
		{Value: "t0ken", Login: owner, Scopes: []string{"repo"}, AdminOf: []string{owner}},
	}})
	api := httptest.NewServer(server.Handler())
	t.Cleanup(api.Close)
	body := sample(t, "github-webhook/publicized.json", mototest.Account{})
	return stage{
		event: asDelivered(t, body, "repository", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
		spoil: func(*testing.T) {
			server.AddRepo(githubtest.Repo{ID: id, Owner: owner, Name: name, User: true, Visibility: "public", Topics: []string{"demo"}, Updated: time.Now()})
		},
		state: func(t *testing.T) []string {
			r, ok := server.Repo(owner, name)
			return append([]string{fmt.Sprint(ok), r.Visibility}, r.Topics...)
		},
		bad:      []string{"true", "public", "demo"},
		good:     []string{"true", "private", "demo"},
		settings: map[string]string{"EBB_GITHUB_URL": api.URL, "GITHUB_TOKEN": "t0ken"},
	}
}

// asDelivered gives a webhook's event in the envelope in which the bus brings it.
func asDelivered(t *testing.T, body []byte, event, delivery string) []byte {
	t.Helper()
	ev, err := githubwebhook.Decode(http.Header{
		"Content-Type": {"application/json"}, "X-Github-Event": {event}, "X-Github-Delivery": {delivery},
	}, body, time.Now())
	check(t, err)
	entry, err := bus.Encode(ev, nil)
	check(t, err)
	out, err := entry.Envelope("7bf73129-1428-4cd3-a780-95db273d1602", "", mototest.Region, time.Now())
	check(t, err)
	return out
}
