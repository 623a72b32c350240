package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/host/rie"
)

// function is a function of a stack.
type function struct {
	name, arn   string
	settings    map[string]string // the variables of its environment, as the stack resolved them
	role        *role
	credentials aws.Credentials // of a session of its role
	queue       string          // the URL of the queue that is in its place behind its rule; empty for receivers
}

// functions reads the stack's functions and their roles. IAM must not be enforced yet.
func (s *stack) functions(ctx context.Context) (map[string]*function, error) {
	api := lambda.NewFromConfig(s.account.cfg)
	roles := slices.Collect(maps.Values(s.of("AWS::IAM::Role")))
	out := map[string]*function{}
	for _, physical := range s.of("AWS::Lambda::Function") {
		c, err := api.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &physical})
		if err != nil {
			return nil, fmt.Errorf("read function %s: %w", physical, err)
		}
		f := &function{name: strings.TrimPrefix(physical, s.name+"_"), arn: *c.FunctionArn, settings: map[string]string{}}
		if c.Environment != nil {
			maps.Copy(f.settings, c.Environment.Variables)
		}
		name := (*c.Role)[strings.LastIndex(*c.Role, "/")+1:]
		if !slices.Contains(roles, name) {
			return nil, fmt.Errorf("function %s has role %s, which is none of the stack's", physical, *c.Role)
		}
		if f.role, err = readRole(ctx, s.account, name); err != nil {
			return nil, err
		}
		byLambda := access.Call{Action: "sts:AssumeRole", Caller: "lambda.amazonaws.com"}
		if !access.Allows([]access.Policy{f.role.trust}, byLambda) {
			return nil, fmt.Errorf("role %s does not trust Lambda", f.role.arn)
		}
		session, err := assume(ctx, s.account.cfg, f.role.arn, f.name)
		if err != nil {
			return nil, err
		}
		f.credentials = session.Value
		out[f.name] = f
	}
	return out, nil
}

// enforcing is the policy that the rehearsal deploys with each function.
func enforcing() string {
	text := "version: 1\nfunctions:\n"
	for _, f := range functions.All {
		text += "  " + f.Name + ": {mode: enforce}\n"
	}
	return text
}

// start runs the function's bootstrap as Lambda would: with its environment and a
// session of its role. over are settings of the rehearsal on top. dist is where
// the bootstraps were built.
func (f *function) start(ctx context.Context, root, dist string, g *gate, over map[string]string) (*running, error) {
	dir, err := os.MkdirTemp("", "ebb-rehearsal-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", f.name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(enforcing()), 0o600); err != nil {
		return nil, fmt.Errorf("write the policy of %s: %w", f.name, err)
	}
	settings := maps.Clone(f.settings)
	maps.Copy(settings, map[string]string{
		"AWS_ACCESS_KEY_ID": f.credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY": f.credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN": f.credentials.SessionToken, "AWS_REGION": region, "AWS_ENDPOINT_URL": g.server.URL,
		"AWS_EC2_METADATA_DISABLED": "true", "HOME": dir,
	})
	maps.Copy(settings, over)
	g.admit(f.credentials.AccessKeyID, f.role)
	bootstrap, err := filepath.Abs(filepath.Join(dist, strings.ReplaceAll(f.name, "-", ""), runtime.GOARCH, "bootstrap"))
	if err != nil {
		return nil, err
	}
	process, err := rie.Start(ctx, root, bootstrap, dir, settings)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &running{process, dir}, nil
}

// running is a function under the Lambda emulator.
type running struct {
	*rie.Function
	dir string
}

// times gives how long the function took to start, and for its first event. It
// is known for sure once the process has ended.
func (r *running) times() (start, invoke time.Duration) {
	start, invocations := r.Times()
	if len(invocations) > 0 {
		invoke = invocations[0]
	}
	return start, invoke
}

func (r *running) close() error { return errors.Join(r.Close(), os.RemoveAll(r.dir)) }

// config gives a client's configuration with the function's credentials.
func (f *function) config(endpoint string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &endpoint, RetryMaxAttempts: 1, HTTPClient: cloud.KeepAnswers(nil),
		Credentials: credentials.StaticCredentialsProvider{Value: f.credentials},
	}
}

// result is what the table says of one function.
type result struct {
	where, function string
	start, invoke   time.Duration
	calls           int      // requests
	used, unused    []string // actions
	err             error
}

// unused gives what the roles allow and was not used, beside what Lambda uses.
func unused(used []string, roles []*role) []string {
	var allowed []string
	for _, r := range roles {
		allowed = append(allowed, access.Actions(r.policies)...)
	}
	slices.Sort(allowed)
	return slices.DeleteFunc(slices.Compact(allowed), func(a string) bool { return slices.Contains(used, a) || slices.Contains(byLambda, a) })
}

// externalID gives what the function tells a spoke's role.
func (f *function) externalID(account string) string {
	return strings.NewReplacer("{account}", account, "{function}", f.name).Replace(f.settings[cloud.SettingExternalID])
}
