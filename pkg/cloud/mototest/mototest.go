// Package mototest gives tests an AWS account of their own on an emulator.
package mototest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/moto"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Region is the region of every test account.
const Region = "us-east-1"

// One emulator serves a test binary and ends with it: starting one takes
// seconds, and accounts keep the tests apart.
var shared = sync.OnceValues(func() (*moto.Server, error) { return moto.Start(context.Background()) })

var accounts atomic.Int64

// Account is an AWS account that no other test uses.
type Account struct {
	ID     string
	Env    remedy.Env // endpoint, region and credentials, as a host would hand them to a function
	Config aws.Config // the same for an SDK client
}

// New gives a fresh account on the test binary's emulator. It fails the test
// when the emulator is not installed.
func New(t testing.TB) Account {
	t.Helper()
	srv, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log := srv.Log(); t.Failed() && log != "" {
			t.Logf("the emulator's log, of all tests so far:\n%s", log)
		}
	})
	return On(t, srv.URL)
}

// On gives a fresh account on the emulator at url.
func On(t testing.TB, url string) Account {
	t.Helper()
	id := fmt.Sprintf("%012d", 100000000000+accounts.Add(1))
	cfg := aws.Config{
		HTTPClient:   cloud.KeepAnswers(nil),
		Region:       Region,
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	// Moto gives every account a state of its own, and a session of a role its account.
	out, err := sts.NewFromConfig(cfg).AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + id + ":role/test"),
		RoleSessionName: aws.String("test"),
	})
	if err != nil {
		t.Fatalf("assume a role in account %s: %v", id, err)
	}
	c := out.Credentials
	settings := map[string]string{
		"AWS_ACCESS_KEY_ID":     *c.AccessKeyId,
		"AWS_SECRET_ACCESS_KEY": *c.SecretAccessKey,
		"AWS_SESSION_TOKEN":     *c.SessionToken,
		"AWS_REGION":            Region,
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	return Account{
		ID:     id,
		Config: cfg,
		Env:    remedy.Env{AWSEndpoint: url, Getenv: func(k string) string { return settings[k] }},
	}
}
