package host

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The settings of a function on Lambda, as environment variables.
const (
	SettingTable  = "EBB_TABLE"        // the ledger's DynamoDB table; required by functions
	SettingBus    = "EBB_BUS"          // the event bus that results, webhooks' events and word of reports go to; required by receivers
	SettingPolicy = "EBB_POLICY_FILE"  // the policy's path; DefaultPolicyFile when empty
	SettingSelf   = "EBB_SELF"         // Ebb's own identities, comma-separated: see Self
	SettingAWS    = "AWS_ENDPOINT_URL" // one endpoint for all of AWS, for an emulator
	SettingGitHub = "EBB_GITHUB_URL"   // GitHub's REST API; its public one when empty

	// SettingTraceFormat is what the X-Ray daemon is sent: "documents", which is
	// the default, or "otlp", for accounts that use X-Ray's OTLP path.
	SettingTraceFormat = "EBB_TRACE_FORMAT"
)

// DefaultPolicyFile is where the deployment package holds the policy.
const DefaultPolicyFile = "policy.yaml"

// Env gives what functions are opened with, from settings.
func Env(getenv func(string) string) remedy.Env {
	return remedy.Env{Getenv: getenv, AWSEndpoint: getenv(SettingAWS), GitHubURL: getenv(SettingGitHub)}
}

// loadPolicy reads the policy that was deployed with the function. A function
// without one observes; a named file that is missing is an error.
func loadPolicy(path string, f remedy.Function) (*policy.Policy, error) {
	if path == "" {
		if _, err := os.Stat(DefaultPolicyFile); os.IsNotExist(err) {
			return policy.Default([]remedy.Function{f}), nil
		}
		path = DefaultPolicyFile
	}
	src, err := os.ReadFile(path) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, fmt.Errorf("read policy: %w; deploy the file with the function or change %s", err, SettingPolicy)
	}
	return policy.LoadFor(src, path, f, time.Now())
}

// Self gives the test for Ebb's own changes. identities are comma-separated: an
// IAM role's ARN stands for each of its sessions, anything else for the actor
// whose ID or name it is. Empty means that no actor is Ebb.
//
// A role's ARN may have * for its account, and nowhere else: then the sessions
// of that role count in each account. It is for the roles in spokes, when which
// accounts these are is not known beforehand; so no one else may be able to make
// a role of that name in an account whose events come here. List the ARNs one by
// one where that can't be ruled out.
//
// Identities that differ in one part may be written together, as a shell does:
// arn:aws:iam::1:role/ebb-{a,b} is two. A function's settings are limited.
func Self(identities string) func(remedy.Actor) bool {
	known := map[string]bool{}
	for _, id := range braces(identities) {
		if id = strings.TrimSpace(id); id != "" {
			known[id] = true
		}
	}
	return func(a remedy.Actor) bool {
		role := roleOf(a.ID)
		return known[a.ID] || a.ID == "" && known[a.Name] || known[role] || known[anyAccount(role)]
	}
}

// braces takes a list apart at its commas, and writes out what stands in braces.
// A brace that has no other is a character like all.
func braces(list string) []string {
	var out []string
	for list != "" {
		comma, open := strings.IndexByte(list, ','), strings.IndexByte(list, '{')
		end := strings.IndexByte(list, '}')
		if comma < 0 {
			comma = len(list)
		}
		if open < 0 || open > comma || end < open {
			out = append(out, list[:comma])
			list = list[min(comma+1, len(list)):]
			continue
		}
		before, after := list[:open], list[end+1:]
		tail, rest, _ := strings.Cut(after, ",")
		for part := range strings.SplitSeq(list[open+1:end], ",") {
			out = append(out, before+part+tail)
		}
		list = rest
	}
	return out
}

// roleOf gives the role's ARN for the ARN of one of its sessions:
// arn:aws:sts::1:assumed-role/Name/session belongs to arn:aws:iam::1:role/Name.
// A role's path is not part of a session's ARN, so such a role is named without it.
func roleOf(session string) string {
	parts := strings.SplitN(session, ":", 6)
	if len(parts) != 6 || parts[2] != "sts" {
		return ""
	}
	res := strings.Split(parts[5], "/")
	if len(res) != 3 || res[0] != "assumed-role" {
		return ""
	}
	parts[2], parts[5] = "iam", "role/"+res[1]
	return strings.Join(parts, ":")
}

// anyAccount gives the ARN with * for its account; "" for what has none.
func anyAccount(role string) string {
	parts := strings.SplitN(role, ":", 6)
	if len(parts) != 6 || parts[4] == "" {
		return ""
	}
	parts[4] = "*"
	return strings.Join(parts, ":")
}
