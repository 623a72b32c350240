package cloud

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The settings of functions that work in other accounts than their own, the
// spokes. In the last two, {account} stands for the resource's account and
// {function} for the function's name.
const (
	SettingAccount    = "EBB_ACCOUNT"           // the functions' own account; without it they use their own credentials everywhere
	SettingSpokeRole  = "EBB_SPOKE_ROLE"        // ARN of the role to assume in a spoke; without it there are no spokes
	SettingExternalID = "EBB_SPOKE_EXTERNAL_ID" // what the role's trust policy asks for; required with EBB_SPOKE_ROLE
)

// TagFunction is the session tag that holds the function's name.
const TagFunction = "ebb-function"

const (
	// SessionFor is how long the sessions of spokes' roles last: as short as
	// AWS makes them.
	SessionFor = 15 * time.Minute
	// renewBefore is how long before its end a session is not used any more:
	// calls that go out in time must also arrive in time.
	renewBefore = time.Minute
	// assumeFor is how long it may take to get one, for all who wait for it.
	assumeFor = 10 * time.Second
	// maxSessionName is AWS's own bound.
	maxSessionName = 64
)

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// Accounts gives the credentials for each account that a function works in: its
// own at home, those of the spoke's role elsewhere. It is safe for concurrent use.
type Accounts struct {
	home, function   string
	role, externalID string // as the settings have them
	own              aws.CredentialsProvider
	client           stscreds.AssumeRoleAPIClient

	mu       sync.Mutex
	sessions map[string]aws.CredentialsProvider // by account
}

// NewAccounts reads env's settings. It makes no call. cfg holds the function's
// own credentials, and its region is where roles are assumed.
func NewAccounts(cfg aws.Config, env remedy.Env) (*Accounts, error) {
	a := &Accounts{
		home: env.Setting(SettingAccount), function: env.Function,
		role: env.Setting(SettingSpokeRole), externalID: env.Setting(SettingExternalID),
		own: cfg.Credentials, sessions: map[string]aws.CredentialsProvider{},
	}
	switch {
	case a.home != "" && !accountID.MatchString(a.home):
		return nil, fmt.Errorf("%s %q is not an account: want twelve digits", SettingAccount, a.home)
	case a.role == "":
		return a, nil
	case a.home == "":
		return nil, fmt.Errorf("%s is set, but %s is not: it tells the spokes from the functions' own account", SettingSpokeRole, SettingAccount)
	case a.externalID == "":
		return nil, fmt.Errorf("%s is set, but %s is not: the trust policies of the roles ask for it", SettingSpokeRole, SettingExternalID)
	case !strings.Contains(a.role, "{account}"):
		return nil, fmt.Errorf("%s %q has no {account} in it: want an ARN such as arn:aws:iam::{account}:role/ebb-{function}", SettingSpokeRole, a.role)
	case a.function == "" && strings.Contains(a.role+a.externalID, "{function}"):
		return nil, fmt.Errorf("%s or %s has {function} in it, but no function's name is known here", SettingSpokeRole, SettingExternalID)
	}
	a.client = sts.NewFromConfig(cfg)
	return a, nil
}

// Role gives the ARN of the role that is assumed in an account.
func (a *Accounts) Role(account string) string { return a.fill(a.role, account) }

func (a *Accounts) fill(template, account string) string {
	return strings.NewReplacer("{account}", account, "{function}", a.function).Replace(template)
}

// away reports whether an account is another one than the functions' own.
func (a *Accounts) away(account string) bool { return a.home != "" && account != a.home }

// Credentials gives the credentials for an account. A spoke's are got when they
// are first asked for, by one call for all who ask at the same time, and kept
// until shortly before they expire. The session is named after the trace that
// it was first needed in; later ones use it too, so the spoke's CloudTrail leads
// from a call to the trace that opened its session, and the record of each
// change has the trace of its own. An error is an [*AssumeError], or permanent
// when account is none.
func (a *Accounts) Credentials(account string) aws.CredentialsProvider {
	if !a.away(account) {
		return a.own
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	session, ok := a.sessions[account]
	if !ok {
		session = aws.NewCredentialsCache(
			aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) { return a.assume(ctx, account) }),
			func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
		a.sessions[account] = session
	}
	return session
}

func (a *Accounts) assume(ctx context.Context, account string) (aws.Credentials, error) {
	switch {
	case !accountID.MatchString(account):
		return aws.Credentials{}, remedy.Permanent(fmt.Errorf("the event names account %q, which is not twelve digits", account))
	case a.role == "":
		return aws.Credentials{}, fmt.Errorf("the resource belongs to account %s, these functions to %s (%s): deploy infra/spoke.yaml there and set %s here", account, a.home, SettingAccount, SettingSpokeRole)
	}
	ctx, cancel := context.WithTimeout(ctx, assumeFor) // the cache takes the callers' deadlines away
	defer cancel()
	role := a.Role(account)
	got, err := stscreds.NewAssumeRoleProvider(a.client, role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = a.sessionName(ctx)
		o.ExternalID = aws.String(a.fill(a.externalID, account))
		o.Duration = SessionFor
		if a.function != "" {
			o.Tags = []types.Tag{{Key: aws.String(TagFunction), Value: &a.function}}
		}
	}).Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &AssumeError{Role: role, Account: account, Err: err}
	}
	return got, nil
}

// sessionName gives the id of the trace that ctx belongs to; outside of one, the
// function's name.
func (a *Accounts) sessionName(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	name := "ebb-" + a.function
	return name[:min(len(name), maxSessionName)]
}

// AssumeError is a spoke's role that could not be assumed. What STS answered is
// not among the errors that it wraps: it must not be taken for the answer of the
// service that the credentials were for.
type AssumeError struct {
	Role, Account string
	Err           error
}

// Error says what to check.
func (e *AssumeError) Error() string {
	if !Denied(e.Err) {
		return fmt.Sprintf("assume role %s in account %s: %v", e.Role, e.Account, e.Err)
	}
	return fmt.Sprintf("assume role %s in account %s: access denied: check that the role is there (infra/spoke.yaml makes it), "+
		"that its trust policy lets this function's role call sts:AssumeRole and sts:TagSession with the external id that %s gives, "+
		"and that this function's role may call them on it: %v", e.Role, e.Account, SettingExternalID, e.Err)
}

// Unwrap gives the cause, unless it is an API's answer.
func (e *AssumeError) Unwrap() error {
	if _, ok := errors.AsType[smithy.APIError](e.Err); ok || Denied(e.Err) {
		return nil
	}
	return e.Err
}
