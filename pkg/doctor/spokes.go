package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// checkSpokes assumes the role of each function for AWS in each of the accounts.
func (e *exam) checkSpokes(ctx context.Context) (found []Finding) {
	getenv := e.Env.Setting
	for _, l := range e.lambdas {
		if l.settings[cloud.SettingSpokeRole] != "" {
			getenv = func(name string) string { return l.settings[name] }
			break
		}
	}
	for _, account := range e.Spokes {
		found = append(found, e.checkSpoke(ctx, about{"spoke", account}, account, getenv))
	}
	return found
}

func (e *exam) checkSpoke(ctx context.Context, a about, account string, getenv func(string) string) Finding {
	if getenv(cloud.SettingSpokeRole) == "" {
		return a.fail("Deploy the template with OrganizationId and SpokeExternalId, and infra/spoke.yaml in the account.", "The deployment has no spokes: the functions have no %s.", cloud.SettingSpokeRole)
	}
	var refused, other []string
	tried := 0
	for _, f := range e.Functions {
		if !slices.ContainsFunc(f.Triggers, func(t remedy.Trigger) bool { return strings.HasPrefix(t.Source, "aws.") }) {
			continue
		}
		accounts, err := cloud.NewAccounts(e.cfg, remedy.Env{Getenv: getenv, Function: f.Name})
		if err != nil {
			return a.fail("Put the functions' settings right.", "%s.", oneLine(err))
		}
		tried++
		_, err = accounts.Credentials(account).Retrieve(ctx)
		assume, ok := errors.AsType[*cloud.AssumeError](err)
		switch {
		case ok && cloud.Denied(assume.Err):
			refused = append(refused, assume.Role)
		case err != nil:
			other = append(other, oneLine(err))
		}
	}
	switch {
	case len(other) > 0:
		return a.fail("Look at the error, and try again.", "Roles can't be assumed: %s.", other[0])
	case len(refused) == 0:
		return a.ok("All %d roles can be assumed.", tried)
	case len(e.lambdas) > 0 && !slices.ContainsFunc(e.lambdas, func(l lambdaFunction) bool { return e.asks(l.role) }):
		// The trust policies name the functions' roles only.
		return a.warn("Run ebb doctor with the credentials of a function's role, or look for the functions' own refusals: ebb dead-letters, and the queue.", "These credentials are refused by %s, as they should be: only the functions may assume it. Whether they can is not known.", list(refused))
	}
	return a.fail("Deploy infra/spoke.yaml in the account with this HubAccountId and ExternalId, and check the trust policies of the roles.", "Refused by %s.", list(refused))
}

// asks reports whether the caller is a session of the role.
func (e *exam) asks(role string) bool {
	_, name, ok := strings.Cut(role, ":role/")
	return ok && e.caller.Service == "sts" && strings.HasPrefix(e.caller.Resource, "assumed-role/"+name[strings.LastIndex(name, "/")+1:]+"/")
}
