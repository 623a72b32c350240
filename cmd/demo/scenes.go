package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// scenes gives the demo's six bad changes.
func (s *stage) scenes() []scene {
	client := ec2.NewFromConfig(s.person)
	buckets := s3.NewFromConfig(s.person, func(o *s3.Options) { o.UsePathStyle = true })
	return []scene{
		s.securityGroup(client), s.bucketPolicy(buckets), s.publicAccessBlock(buckets),
		s.snapshot(client), s.accessKey(iam.NewFromConfig(s.person)), s.repository(),
	}
}

func (s *stage) securityGroup(client *ec2.Client) scene {
	var group string
	open := func(ctx context.Context, port int32, cidr string) error {
		_, err := client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: &group, IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, CidrIp: &cidr,
		})
		return err
	}
	return scene{
		title:    "SSH is opened to the world",
		function: "ec2-security-group",
		arrange: func(ctx context.Context) error {
			out, err := client.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web servers")})
			if err != nil {
				return err
			}
			group = *out.GroupId
			s.group = group
			return open(ctx, 443, "10.0.0.0/8")
		},
		change: func(ctx context.Context) (string, error) {
			return fmt.Sprintf("ec2 authorize-security-group-ingress --group-id %s --protocol tcp --port 22 --cidr 0.0.0.0/0", group), open(ctx, 22, "0.0.0.0/0")
		},
		event: s.made("AuthorizeSecurityGroupIngress"),
		state: func(ctx context.Context) (string, error) {
			out, err := client.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
				Filters: []ec2types.Filter{{Name: aws.String("group-id"), Values: []string{group}}},
			})
			if err != nil {
				return "", err
			}
			var rules []string
			for _, r := range out.SecurityGroupRules {
				if !aws.ToBool(r.IsEgress) {
					rules = append(rules, fmt.Sprintf("%s %d from %s", *r.IpProtocol, *r.FromPort, aws.ToString(r.CidrIpv4)))
				}
			}
			slices.Sort(rules)
			return strings.Join(rules, "\n"), nil
		},
		good: func(state string) bool { return state == "tcp 443 from 10.0.0.0/8" },
	}
}

func (s *stage) bucketPolicy(client *s3.Client) scene {
	const (
		bucket = "acme-invoices"
		good   = `{"Version":"2012-10-17","Statement":[{"Sid":"Auditors","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/auditor"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-invoices/*"}]}`
		bad    = `{"Version":"2012-10-17","Statement":[{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-invoices/*"}]}`
	)
	put := func(ctx context.Context, policy string) error {
		_, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: &policy})
		return err
	}
	return scene{
		title:    "a bucket's policy is overwritten with a public one",
		function: "s3-bucket-policy",
		arrange: func(ctx context.Context) error {
			if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
				return err
			}
			// ebb keeps the good policy as the baseline, when it has its event.
			return s.surely(ctx, "PutBucketPolicy", func() error { return put(ctx, good) })
		},
		change: func(ctx context.Context) (string, error) {
			return "s3api put-bucket-policy --bucket " + bucket + " --policy file://public.json", put(ctx, bad)
		},
		event: s.made("PutBucketPolicy"),
		state: func(ctx context.Context) (string, error) {
			out, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(bucket)})
			if err != nil {
				return "", err
			}
			return *out.Policy, nil
		},
		good: func(state string) bool { return state == good },
	}
}

func (s *stage) publicAccessBlock(client *s3.Client) scene {
	const bucket = "acme-backups"
	return scene{
		title:    "a bucket's public access block is deleted",
		function: "s3-public-access-block",
		arrange: func(ctx context.Context) error {
			if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
				return err
			}
			_, err := client.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
				Bucket: aws.String(bucket),
				PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
					BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true),
					IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
				},
			})
			return err
		},
		change: func(ctx context.Context) (string, error) {
			_, err := client.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: aws.String(bucket)})
			return "s3api delete-public-access-block --bucket " + bucket, err
		},
		event: s.made("DeleteBucketPublicAccessBlock"),
		state: func(ctx context.Context) (string, error) {
			out, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: aws.String(bucket)})
			if err != nil && strings.Contains(err.Error(), "NoSuchPublicAccessBlockConfiguration") {
				return "none", nil
			}
			if err != nil {
				return "", err
			}
			c := out.PublicAccessBlockConfiguration
			return fmt.Sprintf("BlockPublicAcls=%v IgnorePublicAcls=%v BlockPublicPolicy=%v RestrictPublicBuckets=%v",
				*c.BlockPublicAcls, *c.IgnorePublicAcls, *c.BlockPublicPolicy, *c.RestrictPublicBuckets), nil
		},
		good: func(state string) bool { return strings.Count(state, "=true") == 4 },
	}
}

func (s *stage) snapshot(client *ec2.Client) scene {
	var id string
	return scene{
		title:    "a disk snapshot is shared with everybody",
		function: "ebs-snapshot-sharing",
		arrange: func(ctx context.Context) error {
			volume, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(8)})
			if err != nil {
				return err
			}
			out, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
			if err == nil {
				id = *out.SnapshotId
			}
			return err
		},
		change: func(ctx context.Context) (string, error) {
			_, err := client.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
				SnapshotId: &id, Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
				OperationType: ec2types.OperationTypeAdd, GroupNames: []string{"all"},
			})
			return fmt.Sprintf("ec2 modify-snapshot-attribute --snapshot-id %s --attribute createVolumePermission --operation-type add --group-names all", id), err
		},
		event: s.made("ModifySnapshotAttribute"),
		state: func(ctx context.Context) (string, error) {
			out, err := client.DescribeSnapshotAttribute(ctx, &ec2.DescribeSnapshotAttributeInput{
				SnapshotId: &id, Attribute: ec2types.SnapshotAttributeNameCreateVolumePermission,
			})
			if err != nil {
				return "", err
			}
			for _, p := range out.CreateVolumePermissions {
				if p.Group == ec2types.PermissionGroupAll {
					return "shared with everybody", nil
				}
			}
			return "private", nil
		},
		good: func(state string) bool { return state == "private" },
	}
}

func (s *stage) accessKey(client *iam.Client) scene {
	const user = "joe"
	var key string
	return scene{
		title:    "a long-lived access key is made for a person",
		function: "iam-access-key",
		arrange: func(ctx context.Context) error {
			_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(user)})
			return err
		},
		change: func(ctx context.Context) (string, error) {
			out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(user)})
			if err == nil {
				key = *out.AccessKey.AccessKeyId
			}
			return "iam create-access-key --user-name " + user, err
		},
		event: s.made("CreateAccessKey"),
		state: func(ctx context.Context) (string, error) {
			out, err := client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String(user)})
			if err != nil || len(out.AccessKeyMetadata) == 0 {
				return "no key", err
			}
			return fmt.Sprintf("%s %s", key, out.AccessKeyMetadata[0].Status), nil
		},
		good: func(state string) bool { return state == key+" Inactive" },
	}
}

func (s *stage) repository() scene {
	// The repository of the real payload.
	const id, owner, name = 186853002, "Codertocat", "Hello-World"
	return scene{
		title:    "a private repository is made public",
		function: "github-repository-visibility",
		arrange: func(context.Context) error {
			s.github.AddRepo(githubtest.Repo{ID: id, Owner: owner, Name: name, User: true, Visibility: "public"})
			return nil
		},
		change: func(context.Context) (string, error) {
			return "gh repo edit " + owner + "/" + name + " --visibility public", nil
		},
		event: func(ctx context.Context) (string, error) {
			return s.deliverWebhook(ctx, "github-webhook/publicized.json", "repository")
		},
		state: func(context.Context) (string, error) {
			repo, ok := s.github.Repo(owner, name)
			if !ok {
				return "", fmt.Errorf("%s/%s is not there", owner, name)
			}
			return repo.Visibility, nil
		},
		good: func(state string) bool { return state == "private" },
	}
}
