// Package doctor checks a deployment on AWS: whether everything that Ebb needs
// is there and as it must be. It changes nothing, and says for each failure what
// to do.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Result is how a check went.
type Result string

// The results. A check that could not be made has failed: nothing is known.
const (
	OK      Result = "ok"
	Warning Result = "warning" // it works, but somebody should look
	Failed  Result = "failed"
)

// Finding is what a check found about one part of the deployment.
type Finding struct {
	Check   string `json:"check"`         // "table"
	Subject string `json:"subject"`       // which one, or where
	Result  Result `json:"result"`        //
	Found   string `json:"found"`         // a sentence
	Fix     string `json:"fix,omitempty"` // what to do, a sentence; empty when all is well
}

// Patient is a deployment, and what it is compared with. Parts without a name
// are not checked.
type Patient struct {
	Deployment
	Functions []remedy.Function // those that should be deployed
	Spokes    []string          // accounts whose roles to try
	Env       remedy.Env        // settings of spokes, where no deployed function has them
}

// exam is one examination.
type exam struct {
	cfg aws.Config
	now func() time.Time
	Patient

	caller  arn.ARN // who asks
	rules   []rule  // the deployment's
	lambdas []lambdaFunction
}

// Examine makes all checks with the credentials and the region of cfg, and gives
// the findings, in an order that is always the same. Without credentials that
// work it makes the first only. now is the clock.
func Examine(ctx context.Context, cfg aws.Config, now func() time.Time, p Patient) []Finding {
	e := &exam{cfg: cfg, now: now, Patient: p}
	found, ok := e.identity(ctx)
	if !ok {
		return found
	}
	// What the rules start are functions to look at, and those have settings
	// that name the rest.
	rules := e.findRules(ctx)
	functions := e.findFunctions(ctx)
	checks := []func(context.Context) []Finding{
		e.checkTable, e.checkBus,
		func(ctx context.Context) []Finding { return append(rules, e.checkRules(ctx)...) },
		func(ctx context.Context) []Finding { return append(functions, e.checkFunctions(ctx)...) },
		e.checkSecrets, e.checkTrail, e.checkForwarding, e.checkSpokes, e.checkDeadLetters, e.checkLogs,
	}
	results := make([][]Finding, len(checks))
	var group sync.WaitGroup
	for i, check := range checks {
		group.Go(func() { results[i] = check(ctx) })
	}
	group.Wait()
	return append(found, slices.Concat(results...)...)
}

// Failures counts the findings that failed.
func Failures(found []Finding) int {
	n := 0
	for _, f := range found {
		if f.Result == Failed {
			n++
		}
	}
	return n
}

// about makes the findings of one check about one subject.
type about struct{ check, subject string }

func (a about) ok(format string, args ...any) Finding {
	return Finding{a.check, a.subject, OK, fmt.Sprintf(format, args...), ""}
}

func (a about) warn(fix, format string, args ...any) Finding {
	return Finding{a.check, a.subject, Warning, fmt.Sprintf(format, args...), fix}
}

func (a about) fail(fix, format string, args ...any) Finding {
	return Finding{a.check, a.subject, Failed, fmt.Sprintf(format, args...), fix}
}

// unknown is for what could not be looked at. action is the permission for it.
func (a about) unknown(err error, action string) Finding {
	if cloud.Denied(err) {
		return a.fail("Grant "+action+" to who runs ebb doctor.", "It can't be checked: these credentials may not call %s.", action)
	}
	return a.fail("Look at the error, and try again.", "It can't be checked: %s: %s.", action, oneLine(err))
}

// oneLine gives an error's text without its line breaks.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// list gives names as a sentence has them.
func list(names []string) string { return strings.Join(names, ", ") }
