package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

// bucket is where the emulator finds an account's templates and zips.
func (a account) bucket() string { return "rehearsal-" + a.id }

// stack is a stack on the emulator, with its nested stacks.
type stack struct {
	account   account
	name      string
	outputs   map[string]string
	resources map[string]made     // by the path of logical ids: "Ec2Functions/Ec2SecurityGroup"
	managed   map[string][]string // the ARNs of the managed policies of roles, by name
}

type made struct{ kind, id string }

// create creates the stack of a template at path.
func create(ctx context.Context, a account, name, path string, templates map[string]*template, parameters map[string]string) (*stack, error) {
	body, err := a.upload(ctx, path, templates)
	if err != nil {
		return nil, err
	}
	_, err = cloudformation.NewFromConfig(a.cfg).CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: &body, Parameters: given(parameters),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand},
	})
	if err != nil {
		return nil, fmt.Errorf("create stack %s: %w", name, err)
	}
	return read(ctx, a, name, path, templates)
}

// update updates it to another template.
func (s *stack) update(ctx context.Context, path string, templates map[string]*template, parameters map[string]string) (*stack, error) {
	body, err := s.account.upload(ctx, path, templates)
	if err != nil {
		return nil, err
	}
	_, err = cloudformation.NewFromConfig(s.account.cfg).UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &s.name, TemplateBody: &body, Parameters: given(parameters),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand},
	})
	if err != nil {
		return nil, fmt.Errorf("update stack %s: %w", s.name, err)
	}
	return read(ctx, s.account, s.name, path, templates)
}

func given(parameters map[string]string) (out []types.Parameter) {
	for _, k := range slices.Sorted(maps.Keys(parameters)) {
		out = append(out, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(parameters[k])})
	}
	return out
}

// upload puts all templates where nested stacks are looked for, and gives the
// text of the one at path. Code is in place of the zips: the emulator runs none.
func (a account) upload(ctx context.Context, path string, templates map[string]*template) (string, error) {
	files := s3.NewFromConfig(a.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := a.bucket()
	if _, err := files.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil && !cloud.HasCode(err, "BucketAlreadyOwnedByYou") {
		return "", fmt.Errorf("make bucket %s: %w", bucket, err)
	}
	var body string
	for p, t := range templates {
		for _, r := range t.Resources {
			if url, ok := r.Properties["TemplateURL"].(string); ok && !strings.Contains(url, "://") {
				r.Properties["TemplateURL"] = "https://" + bucket + ".s3.amazonaws.com/" + url
			}
			if code, ok := r.Properties["Code"].(object); ok {
				code["S3Bucket"] = bucket
				if _, err := files.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(code["S3Key"].(string)), Body: strings.NewReader("zip")}); err != nil {
					return "", fmt.Errorf("put code: %w", err)
				}
			}
		}
		text, err := json.Marshal(t)
		if err != nil {
			return "", err
		}
		if p == path {
			body = string(text)
		}
		if _, err := files.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &p, Body: strings.NewReader(string(text))}); err != nil {
			return "", fmt.Errorf("put template %s: %w", p, err)
		}
	}
	return body, nil
}

// read lists what is there of the stack of a template. That a resource without a
// condition is not there is an error: the emulator leaves out what it does not
// know, and says nothing.
func read(ctx context.Context, a account, name, path string, templates map[string]*template) (*stack, error) {
	s := &stack{account: a, name: name, outputs: map[string]string{}, resources: map[string]made{}, managed: map[string][]string{}}
	return s, s.walk(ctx, "", name, path, templates)
}

func (s *stack) walk(ctx context.Context, prefix, name, path string, templates map[string]*template) error {
	api := cloudformation.NewFromConfig(s.account.cfg)
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return fmt.Errorf("describe stack %s: %w", name, err)
	}
	if status := string(out.Stacks[0].StackStatus); !strings.HasSuffix(status, "_COMPLETE") || strings.Contains(status, "ROLLBACK") {
		return fmt.Errorf("stack %s is %s: %s", name, status, aws.ToString(out.Stacks[0].StackStatusReason))
	}
	there := map[string]bool{}
	pages := cloudformation.NewListStackResourcesPaginator(api, &cloudformation.ListStackResourcesInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the resources of stack %s: %w", name, err)
		}
		for _, r := range page.StackResourceSummaries {
			id, kind, physical := *r.LogicalResourceId, *r.ResourceType, aws.ToString(r.PhysicalResourceId)
			there[id] = true
			s.resources[prefix+id] = made{kind, physical}
			if kind != "AWS::CloudFormation::Stack" {
				continue
			}
			_, nested, _ := strings.Cut(templates[path].Resources[id].Properties["TemplateURL"].(string), ".s3.amazonaws.com/")
			if err := s.walk(ctx, prefix+id+"/", physical, nested, templates); err != nil {
				return err
			}
		}
	}
	for _, o := range out.Stacks[0].Outputs {
		if id, ok := strings.CutSuffix(*o.OutputKey, attached); ok && there[id] {
			s.managed[s.resources[prefix+id].id] = strings.Split(*o.OutputValue, ",")
		} else if prefix == "" {
			s.outputs[*o.OutputKey] = aws.ToString(o.OutputValue)
		}
	}
	var errs []error
	for id, r := range templates[path].Resources {
		if r.Condition == "" && !there[id] {
			errs = append(errs, fmt.Errorf("the emulator did not create %s%s (%s): if it can't, say so in cannotCreate", prefix, id, r.Type))
		}
	}
	return errors.Join(errs...)
}

// attach attaches the managed policies to the roles, which the emulator's
// CloudFormation leaves out.
func (s *stack) attach(ctx context.Context) error {
	api := iam.NewFromConfig(s.account.cfg)
	for role, policies := range s.managed {
		for _, arn := range policies {
			if _, err := api.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
				return fmt.Errorf("attach %s to role %s: %w", arn, role, err)
			}
		}
	}
	return nil
}

// of gives the physical ids of the resources of a type, by path.
func (s *stack) of(kind string) map[string]string {
	out := map[string]string{}
	for path, r := range s.resources {
		if r.kind == kind {
			out[path] = r.id
		}
	}
	return out
}
