package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/ebb-ops/ebb/functions/functionstest"
	"github.com/ebb-ops/ebb/pkg/cloud"
)

// outside makes calls with the function's credentials that its role does not
// allow: each must be denied.
func outside(ctx context.Context, f *function, g *gate, emulator string, d *deployment) error {
	bucket := d.stack.outputs["ReportBucket"]
	calls := map[string]func(cfg aws.Config) error{
		"iam:CreateUser": func(cfg aws.Config) error {
			_, err := iam.NewFromConfig(cfg).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("backdoor")})
			return err
		},
		"s3:DeleteBucket": func(cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket})
			return err
		},
		"dynamodb:DeleteTable": func(cfg aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(cfg).DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: aws.String(d.stack.outputs["LedgerTable"])})
			return err
		},
	}
	var errs []error
	for what, call := range calls {
		for by, url := range map[string]string{"the gate": g.server.URL, "the emulator": emulator} {
			if err := call(f.config(url)); !denied(err) {
				errs = append(errs, fmt.Errorf("%s was not denied by %s: %w", what, by, err))
			}
		}
	}
	// An action that it has, on what is not its own.
	_, err := awsdynamodb.NewFromConfig(f.config(g.server.URL)).PutItem(ctx, &awsdynamodb.PutItemInput{
		TableName: aws.String("another"), Item: map[string]ddbtypes.AttributeValue{"pk": &ddbtypes.AttributeValueMemberS{Value: "x"}},
	})
	if !denied(err) {
		errs = append(errs, fmt.Errorf("dynamodb:PutItem in another table was not denied: %w", err))
	}
	return errors.Join(errs...)
}

// denied reports whether a call was refused because it is not allowed.
func denied(err error) bool {
	var res *awshttp.ResponseError
	return errors.As(err, &res) && res.HTTPStatusCode() == http.StatusForbidden
}

// refusedBySpoke holds that a spoke's role is given to the function alone, with
// the right external id and its tag, and that without it nothing is changed.
func (r *rehearsal) refusedBySpoke(ctx context.Context, d *deployment, f *function, s functionstest.Stage, event []byte) (err error) {
	g, err := r.gate(d)
	if err != nil {
		return err
	}
	defer g.server.Close()
	g.admit(f.credentials.AccessKeyID, f.role)
	id := d.functions[f.name].externalID(d.account.id)
	other := d.functions["ec2-security-group"]
	if f == other {
		other = d.functions["iam-access-key"]
	}
	g.admit(other.credentials.AccessKeyID, other.role)
	arn := spokeRole(d.account.id, f)
	tag := func(v string) []ststypes.Tag {
		return []ststypes.Tag{{Key: aws.String(cloud.TagFunction), Value: &v}}
	}
	tries := []struct {
		what   string
		by     *function
		in     sts.AssumeRoleInput
		denied bool
	}{
		{"without an external id", f, sts.AssumeRoleInput{Tags: tag(f.name)}, true},
		{"with another external id", f, sts.AssumeRoleInput{ExternalId: aws.String(id + "x"), Tags: tag(f.name)}, true},
		{"without its tag", f, sts.AssumeRoleInput{ExternalId: &id}, true},
		{"with another function's tag", f, sts.AssumeRoleInput{ExternalId: &id, Tags: tag("another")}, true},
		{"by another function", other, sts.AssumeRoleInput{ExternalId: &id, Tags: tag(f.name)}, true},
		{"as it is meant", f, sts.AssumeRoleInput{ExternalId: &id, Tags: tag(f.name)}, false},
	}
	for _, t := range tries {
		t.in.RoleArn, t.in.RoleSessionName = &arn, aws.String("rehearsal")
		if _, err := sts.NewFromConfig(t.by.config(g.server.URL)).AssumeRole(ctx, &t.in); denied(err) != t.denied || err != nil && !t.denied {
			return fmt.Errorf("the spoke's role, asked for %s: %w", t.what, err)
		}
	}
	process, err := f.start(ctx, r.root, r.dist, g, map[string]string{cloud.SettingExternalID: "a-wrong-external-id"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, process.close()) }()
	if err := process.Invoke(ctx, event, new(any)); err == nil {
		return errors.New("with a wrong external id it did not fail")
	}
	return expect(ctx, s, s.Bad)
}
