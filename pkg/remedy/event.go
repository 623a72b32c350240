package remedy

import (
	"encoding/json"
	"time"
)

// Event says that something may have changed. It is a hint, never the state:
// the engine reads the live resource before it decides anything.
type Event struct {
	ID       string          `json:"id"`                // unique at its source: CloudTrail's eventID, a webhook's delivery id
	Source   string          `json:"source"`            // "aws.ec2", "github"
	Name     string          `json:"name"`              // "AuthorizeSecurityGroupIngress", "repository.publicized"
	Account  string          `json:"account,omitempty"` // AWS account id, or the SaaS tenant
	Region   string          `json:"region,omitempty"`  // AWS region, empty for SaaS products
	Actor    Actor           `json:"actor"`             // who did it, and through what
	Time     time.Time       `json:"time"`              // when it happened, by the source's clock
	Received time.Time       `json:"received"`          // when Ebb took it in, by Ebb's clock; zero means when it was handled
	Detail   json.RawMessage `json:"detail,omitempty"`  // the source's own payload, untouched
}

// Actor is who made a change, and through what.
type Actor struct {
	Type    string `json:"type,omitempty"`    // the source's own word: "IAMUser", "AssumedRole", "Root", "User", "Bot"
	ID      string `json:"id,omitempty"`      // an ARN where there is one, else the login
	Name    string `json:"name,omitempty"`    // for people: user name, role name, login
	Session string `json:"session,omitempty"` // the role session's name
	Via     string `json:"via,omitempty"`     // user agent, or the service that called on the actor's behalf
	IP      string `json:"ip,omitempty"`
}

// String names the actor as a report would: its id, else its name.
func (a Actor) String() string {
	switch {
	case a.ID != "":
		return a.ID
	case a.Name != "":
		return a.Name
	}
	return "an unknown actor"
}

// Trigger is a source and the names of its events that start a function.
// Deployment templates must hold the same.
type Trigger struct {
	Source string   `json:"source"` // "aws.ec2", "github"
	Names  []string `json:"names"`  // CloudTrail event names, or a webhook's "event.action"
}

// Matches reports whether the trigger covers ev.
func (t Trigger) Matches(ev Event) bool {
	if t.Source != ev.Source {
		return false
	}
	for _, n := range t.Names {
		if n == ev.Name {
			return true
		}
	}
	return false
}

// Ref names one resource, the same way on every path.
type Ref struct {
	Type    string `json:"type"`              // CloudFormation's word where there is one: "AWS::EC2::SecurityGroup", "GitHub::Repository"
	ID      string `json:"id"`                // the ARN where the cloud has one, else the product's own path: "github.com/acme/site"
	Account string `json:"account,omitempty"` // AWS account id, or the SaaS tenant
	Region  string `json:"region,omitempty"`
}

// Key is the resource's key in the ledger. Two refs with the same key are the same resource.
func (r Ref) Key() string { return r.Type + "|" + r.ID }

// String gives the resource's ID.
func (r Ref) String() string { return r.ID }
