// Package functionstest sets a stage for each function: a resource on an
// emulator, and the sample event that tells of a change to it.
package functionstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// Account is the account on an emulator that a stage is set in.
type Account struct {
	ID     string
	Config aws.Config
}

// Stage is one function's resource, for its sample event.
type Stage struct {
	Event  []byte                                  // the sample, about the resource
	Learn  []byte                                  // a sample of a good state, to be handled before Spoil; nil where nothing must be known
	Failed []byte                                  // a sample of a call that failed; nil where there can be none
	Spoil  func(context.Context) error             // makes the change that the sample tells of
	State  func(context.Context) ([]string, error) // the whole of what the function could touch

	Bad, Good []string          // the states after Spoil, and after the function
	Settings  map[string]string // what the function needs beside its account's
	Close     func()            // ends what the stage runs
}

// Set sets a function's stage. root is the repository's folder. A function
// without a stage is an error.
func Set(ctx context.Context, root, function string, account Account) (Stage, error) {
	set, ok := map[string]func(context.Context, samples, Account) (Stage, error){
		"cloudtrail-logging":           trail,
		"config-recorder":              recorder,
		"ebs-default-encryption":       defaultEncryption,
		"ebs-snapshot-access-block":    snapshotBlock,
		"ebs-snapshot-sharing":         snapshot,
		"ec2-flow-log":                 flowLog,
		"ec2-image-access-block":       imageBlock,
		"ec2-image-sharing":            image,
		"ec2-instance-launch":          instanceLaunch,
		"ec2-instance-metadata":        instanceMetadata,
		"ec2-network-acl":              networkACL,
		"ec2-route":                    routeTable,
		"ec2-security-group":           securityGroup,
		"ec2-security-group-egress":    securityGroupEgress,
		"ecr-repository-policy":        repositoryPolicy,
		"gitea-repository-visibility":  giteaRepository,
		"github-repository-visibility": repository,
		"guardduty-detector":           detector,
		"iam-access-key":               accessKey,
		"iam-inline-policy":            inlinePolicy,
		"iam-password-policy":          passwordPolicy,
		"iam-policy-attachment":        policyAttachment,
		"iam-policy-version":           policyVersion,
		"iam-role-trust":               roleTrust,
		"kms-key":                      kmsKey,
		"lambda-function-url":          functionURL,
		"lambda-permission":            lambdaPermission,
		"rds-snapshot-sharing":         databaseSnapshot,
		"s3-account-access-block":      accountBlock,
		"s3-bucket-acl":                bucketACL,
		"s3-bucket-logging":            bucketLogging,
		"s3-bucket-policy":             bucketPolicy,
		"s3-bucket-versioning":         bucketVersioning,
		"s3-public-access-block":       accessBlock,
		"secretsmanager-secret-policy": secretPolicy,
		"sns-topic-policy":             topicPolicy,
		"sqs-queue-policy":             queuePolicy,
	}[function]
	if !ok {
		return Stage{}, fmt.Errorf("%s has no stage: add one to functions/functionstest", function)
	}
	s, err := set(ctx, samples(root), account)
	if err != nil {
		return Stage{}, fmt.Errorf("set the stage of %s: %w", function, err)
	}
	if s.Close == nil {
		s.Close = func() {}
	}
	return s, nil
}

// Sample reads a sample event below root's events folder, with its account and
// some of its words replaced, in pairs.
func Sample(root, name, account string, replace ...string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(root, "events", name))
	if err != nil {
		return nil, fmt.Errorf("read the sample event: %w", err)
	}
	replace = append(replace, "111122223333", account, "111111111111", account)
	return []byte(strings.NewReplacer(replace...).Replace(string(raw))), nil
}

// samples is the repository's folder.
type samples string

// pair reads the sample of a change and that of a failed call, both about resource.
func (s samples) pair(account, resource, event, eventResource, failed, failedResource string) (Stage, error) {
	ev, err := Sample(string(s), event, account, eventResource, resource)
	bad, badErr := Sample(string(s), failed, account, failedResource, resource)
	return Stage{Event: ev, Failed: bad}, errors.Join(err, badErr)
}

// again gives an event as that of another call like it.
func again(event []byte) []byte {
	m, err := bus.Decode(event)
	if err != nil {
		return event
	}
	return bytes.ReplaceAll(event, []byte(m.Event.ID), []byte("another-"+m.Event.ID))
}

// delivered gives the sample of a forge's webhook in the envelope in which the
// bus brings it.
func (s samples) delivered(account Account, forge webhook.Forge, file, event, delivery string) ([]byte, error) {
	body, err := Sample(string(s), file, account.ID)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set(forge.Headers+"Event", event)
	header.Set(forge.Headers+"Delivery", delivery)
	ev, err := forge.Decode(header, body, time.Now())
	if err != nil {
		return nil, err
	}
	entry, err := bus.Encode(ev, nil)
	if err != nil {
		return nil, err
	}
	return entry.Envelope("7bf73129-1428-4cd3-a780-95db273d1602", "", account.Config.Region, time.Now())
}
