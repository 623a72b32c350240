// Command rehearse deploys Ebb's templates to an emulated AWS and runs every
// function there as the binary it ships as, with the permissions of its own role.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/cloud/moto"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// longest is how long the rehearsal may take.
const longest = 10 * time.Minute

// The emulated accounts, and the organization that two of them are in.
const (
	alone        = "210987654321"
	hubAccount   = "320987654321"
	spokeAccount = "430987654321"
	upgraded     = "540987654321"
	organization = "o-rehearsal01"
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, ".", os.Stdout, ofAWS)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rehearse:", err)
		os.Exit(1)
	}
}

// settingBootstraps names a folder in which the functions were just built by the
// same rule: make test builds them once for all tests.
const settingBootstraps = "EBB_BOOTSTRAPS"

// run rehearses the deployment of the repository at root, in a spoke with the
// functions that inSpoke names. It fails when a part of it does not go as it must.
func run(ctx context.Context, root string, w io.Writer, inSpoke func(remedy.Function) bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	began := time.Now()
	r := &rehearsal{out: printer{w}, root: root, inSpoke: inSpoke, roles: map[string]*role{}, owners: map[string]string{}}
	if r.dist = os.Getenv(settingBootstraps); r.dist == "" {
		r.dist, err = os.MkdirTemp("", "ebb-rehearsal-")
		if err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(r.dist)) }()
		r.out.step("building the functions for " + runtime.GOARCH + ", by the rule that builds them for Lambda")
		if err := r.build(ctx); err != nil {
			return err
		}
	}
	r.out.step("starting the AWS emulator")
	server, err := moto.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	r.emulator = server.URL
	if err := r.deployments(ctx); err != nil {
		return err
	}
	r.out.report(r.table)
	r.out.limits()
	r.out.line("")
	r.out.line("took %s", time.Since(began).Round(time.Second))
	failed := 0
	for _, res := range r.table {
		if res.err != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d did not go as they must", failed, len(r.table))
	}
	return nil
}

// deployments rehearses Ebb in one account, and in an organization.
func (r *rehearsal) deployments(ctx context.Context) error {
	hubs := map[string]account{}
	for _, id := range []string{alone, hubAccount, spokeAccount, upgraded} {
		a, err := newAccount(ctx, r.emulator, id)
		if err != nil {
			return err
		}
		hubs[id] = a
	}
	if err := r.upgrade(ctx, hubs[upgraded]); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	r.out.step("creating the stack for one account")
	single, err := r.deploy(ctx, "one account", hubs[alone], map[string]string{
		"GiteaUrl": "https://git.example.com", "GitHub": "enabled", "Notify": "enabled", "NotifyTopics": toldTopic,
	})
	if err != nil {
		return err
	}
	defer single.close()
	if err := r.set(ctx, single, func(remedy.Function) bool { return true }); err != nil {
		return err
	}
	if err := single.credentials(ctx); err != nil {
		return err
	}
	slack := newSlack()
	defer slack.Close()
	if err := single.introduce(ctx, slack); err != nil {
		return err
	}
	r.out.step("creating the stack for an organization, and a spoke's in another account")
	spoke, err := r.organization(ctx, hubs[hubAccount], hubs[spokeAccount])
	if err != nil {
		return err
	}
	defer spoke.close()
	r.out.step("turning IAM on")
	for _, d := range []*deployment{single, spoke} {
		for _, f := range d.functions {
			for _, role := range r.rolesOf(d, f) {
				if err := role.simplify(ctx, hubs[role.account]); err != nil {
					return err
				}
			}
		}
	}
	if err := enforce(ctx, r.emulator); err != nil {
		return err
	}
	for _, d := range []*deployment{single, spoke} {
		if err := r.play(ctx, d); err != nil {
			return err
		}
	}
	res := result{where: single.where, function: notifier}
	res.err = r.tell(ctx, single, slack, &res)
	r.report(res)
	return nil
}

// organization deploys the hub's stack and a spoke's.
func (r *rehearsal) organization(ctx context.Context, hub, spoke account) (*deployment, error) {
	externalID := rand.Text()
	d, err := r.deploy(ctx, "spoke", hub, map[string]string{
		"OrganizationId": organization, "SpokeExternalId": externalID, "AwsEvents": "forwarded",
	})
	if err != nil {
		return nil, err
	}
	templates, err := transform(ctx, r.root, r.root, "infra/spoke.yaml")
	if err != nil {
		return nil, err
	}
	left, err := reduce(templates, func(string, *resource) (string, error) { return "not-in-the-rehearsal", nil })
	if err != nil {
		return nil, err
	}
	r.out.left(left)
	d.account = spoke
	d.spoke, err = create(ctx, spoke, "ebb-spoke", "infra/spoke.yaml", templates, map[string]string{
		"HubAccountId": hub.id, "HubRegion": region, "HubStack": d.stack.name, "OrganizationId": organization, "ExternalId": externalID,
	})
	if err != nil {
		return nil, err
	}
	for _, f := range functions.All {
		if !ofAWS(f) {
			continue
		}
		role, err := readRole(ctx, spoke, "ebb-"+f.Name)
		if err != nil {
			return nil, err
		}
		if role.boundary == nil {
			return nil, fmt.Errorf("role %s has no permissions boundary", role.arn)
		}
		r.roles[role.arn] = role
	}
	return d, r.set(ctx, d, r.inSpoke)
}

// build builds the functions as they are built to be deployed.
func (r *rehearsal) build(ctx context.Context) error {
	dist, err := filepath.Abs(r.dist)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "make", "-s", "-f", "build.mk", "build-functions", "DIST="+dist, "ARCHES="+runtime.GOARCH, "POLICY=", "NOTIFY=") // #nosec G204 -- our own
	cmd.Dir = r.root
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "MAKE") || strings.HasPrefix(s, "MFLAGS=") // those of the make that runs this
	})
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the functions: %w: %s", err, out)
	}
	return nil
}
