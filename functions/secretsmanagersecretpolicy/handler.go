// Package secretsmanagersecretpolicy takes statements that let strangers in out of
// the policies of secrets, and brings back what was overwritten.
package secretsmanagersecretpolicy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function removes the statements of a secret's policy that let in everybody, or
// whom the company does not allow.
var Function = remedy.Function{
	Name:     "secretsmanager-secret-policy",
	Title:    "Removes the statements of policies of secrets that let strangers in",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.secretsmanager", Names: []string{"DeleteResourcePolicy", "PutResourcePolicy"}}},
	Actions: []string{
		"secretsmanager:DeleteResourcePolicy",
		"secretsmanager:DescribeSecret",
		"secretsmanager:GetResourcePolicy",
		"secretsmanager:PutResourcePolicy",
	},
	Params: Params{},
	Doc:    doc(),
	New:    open,
}

func doc() remedy.Doc {
	d := resourcepolicy.Doc("secret", "secretsmanager:PutResourcePolicy", "With no statement left, secretsmanager:DeleteResourcePolicy takes the policy away: only identities of the secret's account whose own policies say so have access.", "allowed_secrets")
	d.Keeps += " The secret's value is neither read nor changed: the function's role may not."
	d.Limits = append(d.Limits,
		"Who has read the secret while its policy was open is not undone: rotate it. CloudTrail's GetSecretValue events say who has.",
		"A secret that is marked for deletion counts as gone. A replica's policy is a policy of its own, and its own events tell of it.",
		"The call is without BlockPublicPolicy, with which Secrets Manager would refuse to take a policy back to what an undo asks for.")
	d.Links = append(d.Links,
		"https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html",
		"https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html")
	return d
}

var rules = resourcepolicy.Rule(decode, judge, call)

// Params are the function's parameters.
type Params struct {
	AllowedSecrets resourcepolicy.Names `json:"allowed_secrets,omitempty" jsonschema:"names of secrets that may be open to everybody; * stands for any characters but a slash, ? for one, [a-z] for one of a range"`
	resourcepolicy.Params
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.AllowedSecrets.Validate("allowed_secrets"); err != nil {
		return err
	}
	return p.Params.Validate()
}

// Target is one secret.
type Target struct {
	Secret  string `json:"secret"` // its ARN, or its name where the event has no more
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Name gives the secret's name. Its ARN has six characters behind it that Secrets
// Manager adds, so that a new secret of the same name is another.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
func (t Target) Name() string {
	const suffix = len("-AbCdEf")
	parts := secretARN.FindStringSubmatch(t.Secret)
	switch {
	case parts == nil:
		return t.Secret
	case len(parts[3]) <= suffix:
		return parts[3]
	}
	return parts[3][:len(parts[3])-suffix]
}

// Ref names the secret by its ARN, which lacks the suffix where only the name is known.
func (t Target) Ref() remedy.Ref {
	id := t.Secret
	if !secretARN.MatchString(id) {
		id = cloudtrail.ARN(t.Region, "secretsmanager", t.Region, t.Account, "secret:"+id)
	}
	return remedy.Ref{Type: "AWS::SecretsManager::Secret", ID: id, Account: t.Account, Region: t.Region}
}

type request struct {
	Secret string `json:"secretId"` // ARN or name, as the caller had it
}

type response struct {
	ARN string `json:"arn"` // CloudTrail writes aRN, which is the same to a decoder
}

// What names and ARNs of secrets look like.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
var (
	secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)
	secretARN  = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):([0-9]{12}):secret:([A-Za-z0-9/_+=.@-]{1,519})$`)
)

// decode gives the secret whose policy a call has changed, for better too: what was
// taken out on purpose must not come back from an old baseline. It gives none for a
// call that failed or that is about another account's secret.
func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := rec.Response.ARN
	if id == "" {
		id = rec.Request.Secret
	}
	parts := secretARN.FindStringSubmatch(id)
	switch {
	case id == "":
		return nil, errors.New("the event names no secret: responseElements.aRN and requestParameters.secretId are missing")
	case parts == nil && !secretName.MatchString(id):
		return nil, fmt.Errorf("the event's secret %q is no ARN and no name that a secret can have", id)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	case parts != nil && parts[2] != ev.Account:
		return nil, nil
	}
	return []Target{{id, ev.Account, ev.Region}}, nil
}
