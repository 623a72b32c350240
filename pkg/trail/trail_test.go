package trail_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/trail"
)

// world is a trail whose events a test reads.
type world struct {
	*trail.Trail
	events chan []byte
	cfg    aws.Config
}

func start(t *testing.T) world {
	t.Helper()
	w := world{events: make(chan []byte, 100)}
	var err error
	w.Trail, err = trail.Start(t.Context(), trail.Options{Deliver: func(_ context.Context, ev []byte) error {
		w.events <- ev
		return nil
	}})
	check(t, err)
	t.Cleanup(func() { check(t, w.Close()) })
	w.cfg = aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(w.URL), HTTPClient: cloud.KeepAnswers(nil),
		Credentials: credentials.NewStaticCredentialsProvider("root", "root", ""),
	}
	return w
}

// next gives the next event's envelope and detail.
func (w world) next(t *testing.T) (envelope, detail map[string]any) {
	t.Helper()
	select {
	case raw := <-w.events:
		check(t, json.Unmarshal(raw, &envelope))
		return envelope, envelope["detail"].(map[string]any)
	case <-time.After(30 * time.Second):
		t.Fatal("no event came")
		return nil, nil
	}
}

// as gives the configuration with other credentials.
func (w world) as(key, secret, session string) aws.Config {
	cfg := w.cfg.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(key, secret, session)
	return cfg
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	users := iam.NewFromConfig(w.cfg)
	user, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("jane")})
	check(t, err)
	envelope, detail := w.next(t)
	wantEnvelope := map[string]any{
		"version": "0", "id": envelope["id"], "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "account": "123456789012",
		"time": detail["eventTime"], "region": "us-east-1", "resources": []any{}, "detail": detail, // IAM is in one region
	}
	if diff := cmp.Diff(wantEnvelope, envelope); diff != "" {
		t.Errorf("the envelope (-want +got):\n%s", diff)
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", detail["eventTime"].(string)); err != nil {
		t.Errorf("the time is not in whole seconds: %v", err)
	}
	if agent := detail["userAgent"].(string); !strings.Contains(agent, "aws-sdk-go-v2") || detail["sourceIPAddress"] != "127.0.0.1" {
		t.Errorf("the call came from %q with %q", detail["sourceIPAddress"], agent)
	}

	key, err := users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("jane")})
	check(t, err)
	_, detail = w.next(t)
	if raw, _ := json.Marshal(detail); strings.Contains(string(raw), *key.AccessKey.SecretAccessKey) {
		t.Errorf("the secret is in the event: %s", raw)
	}
	_, err = users.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("jane"), Password: aws.String("correct horse")})
	check(t, err)
	_, detail = w.next(t)
	if diff := cmp.Diff(map[string]any{"userName": "jane"}, detail["requestParameters"], cmp.FilterPath(func(p cmp.Path) bool {
		return strings.Contains(p.String(), "passwordResetRequired")
	}, cmp.Ignore())); diff != "" {
		t.Errorf("the parameters of a call with a password (-want +got):\n%s", diff)
	}
	const trust = `{"Version":"2012-10-17","Statement":[]}`
	role, err := users.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("ops"), AssumeRolePolicyDocument: aws.String(trust)})
	check(t, err)
	_, detail = w.next(t)
	if got := detail["requestParameters"].(map[string]any)["assumeRolePolicyDocument"]; got != trust {
		t.Errorf("the policy document is %v, want the string that was sent", got)
	}
	session, err := sts.NewFromConfig(w.cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("night")})
	check(t, err)

	created := func(detail map[string]any) string {
		at := detail["userIdentity"].(map[string]any)["sessionContext"].(map[string]any)["attributes"].(map[string]any)["creationDate"].(string)
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			t.Error(err)
		}
		return at
	}
	c := session.Credentials
	for _, tt := range []struct {
		cfg  aws.Config
		want func(detail map[string]any) map[string]any
	}{
		{w.cfg, func(map[string]any) map[string]any {
			return map[string]any{
				"type": "Root", "principalId": "123456789012", "arn": "arn:aws:iam::123456789012:root", "accountId": "123456789012", "accessKeyId": "root",
			}
		}},
		{w.as(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""), func(map[string]any) map[string]any {
			return map[string]any{
				"type": "IAMUser", "principalId": *user.User.UserId, "arn": *user.User.Arn, "accountId": "123456789012",
				"accessKeyId": *key.AccessKey.AccessKeyId, "userName": "jane",
			}
		}},
		{w.as(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), func(detail map[string]any) map[string]any {
			return map[string]any{
				"type": "AssumedRole", "principalId": *role.Role.RoleId + ":night", "arn": "arn:aws:sts::123456789012:assumed-role/ops/night",
				"accountId": "123456789012", "accessKeyId": *c.AccessKeyId,
				"sessionContext": map[string]any{
					"sessionIssuer": map[string]any{
						"type": "Role", "principalId": *role.Role.RoleId, "arn": *role.Role.Arn, "accountId": "123456789012", "userName": "ops",
					},
					"attributes": map[string]any{"creationDate": created(detail), "mfaAuthenticated": "false"},
				},
			}
		}},
	} {
		_, err := ec2.NewFromConfig(tt.cfg).CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
		check(t, err)
		_, detail := w.next(t)
		if diff := cmp.Diff(tt.want(detail), detail["userIdentity"]); diff != "" {
			t.Errorf("the caller (-want +got):\n%s", diff)
		}
		if detail["awsRegion"] != "eu-west-1" {
			t.Errorf("the region is %v, want the one it was signed for", detail["awsRegion"])
		}
	}
}

// TestAnswers compares answers of calls that went well with the functions' samples.
func TestAnswers(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	samples := map[string]map[string]any{}
	for _, s := range ours(t) {
		samples[strings.TrimPrefix(s.Name, "events/")] = s.Record
	}
	same := func(sample string, except ...string) {
		t.Helper()
		_, got := w.next(t)
		for got["eventName"] != samples[sample]["eventName"] {
			_, got = w.next(t)
		}
		if got["errorCode"] != nil {
			t.Errorf("%s failed: %v", sample, got["errorMessage"])
		}
		without := func(record map[string]any) []string {
			return slices.DeleteFunc(paths(record["responseElements"]), func(p string) bool { return slices.Contains(except, p) })
		}
		if diff := cmp.Diff(without(samples[sample]), without(got)); diff != "" {
			t.Errorf("%s (-AWS +trail):\n%s", sample, diff)
		}
	}

	api := ec2.NewFromConfig(w.cfg)
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web")})
	check(t, err)
	_, err = api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: group.GroupId, IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), CidrIp: aws.String("0.0.0.0/0"),
	})
	check(t, err)
	// The emulator leaves out the group's owner, and says that there are no tags.
	const rule = ".securityGroupRuleSet.items[]"
	same("ec2-security-group/authorize-world-ssh", rule+".groupOwnerId", rule+".tagSet{}")

	volume, err := api.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
	check(t, err)
	snapshot, err := api.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
	check(t, err)
	_, err = api.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: snapshot.SnapshotId, Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: ec2types.OperationTypeAdd, GroupNames: []string{"all"},
	})
	check(t, err)
	same("ebs-snapshot-sharing/make-public")

	image, err := api.RegisterImage(ctx, &ec2.RegisterImageInput{Name: aws.String("web")})
	check(t, err)
	_, err = api.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: image.ImageId, Attribute: aws.String("launchPermission"), OperationType: ec2types.OperationTypeAdd, UserGroups: []string{"all"},
	})
	check(t, err)
	same("ec2-image-sharing/make-public")

	users := iam.NewFromConfig(w.cfg)
	_, err = users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("jane")})
	check(t, err)
	_, err = users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("jane")})
	check(t, err)
	same("iam-access-key/create-for-user")

	buckets := s3.NewFromConfig(w.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = buckets.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: aws.String("nowhere")})
	if err == nil {
		t.Error("a block of no bucket was deleted")
	}
	if _, failed := w.next(t); failed["errorCode"] != "NoSuchBucket" || failed["responseElements"] != nil || failed["errorMessage"] == "" {
		t.Errorf("the event of a call that failed: %v", failed)
	}
}

// TestNoEvent makes calls that no trail tells of: they read, or are about what a
// resource holds.
func TestNoEvent(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	cfg := w.cfg.Copy()
	cfg.Region = "us-east-1"
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("acme-logs")})
	check(t, err)
	_, err = buckets.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-logs"), Key: aws.String("a/b?c.txt"), Body: strings.NewReader("text")})
	check(t, err)
	object, err := buckets.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("acme-logs"), Key: aws.String("a/b?c.txt")})
	check(t, err)
	check(t, object.Body.Close())
	_, err = buckets.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("acme-logs"), Key: aws.String("a/b?c.txt")})
	check(t, err)
	_, err = buckets.ListBuckets(ctx, &s3.ListBucketsInput{})
	check(t, err)
	_, err = dynamodb.NewFromConfig(cfg).DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String("none"), Key: nil})
	if err == nil {
		t.Error("an item of no table was deleted")
	}
	_, err = sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check(t, err)
	_, err = ec2.NewFromConfig(cfg).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	check(t, err)
	_, err = buckets.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("acme-logs")})
	check(t, err)
	for _, want := range []string{"CreateBucket", "DeleteBucket"} {
		if _, detail := w.next(t); detail["eventName"] != want {
			t.Errorf("there is an event of %v, want the next to be of %s", detail["eventName"], want)
		}
	}
}
