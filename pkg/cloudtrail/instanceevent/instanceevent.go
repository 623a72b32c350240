// Package instanceevent names the EC2 instances that a call was about.
package instanceevent

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Target is one instance. Its JSON form is kept in records.
type Target struct {
	InstanceID string `json:"instance_id"`
	Account    string `json:"account"`
	Region     string `json:"region"`
}

// Ref names the instance by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::Instance",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, t.Account, "instance/"+t.InstanceID),
		Account: t.Account,
		Region:  t.Region,
	}
}

var instanceID = regexp.MustCompile(`^i-[0-9a-zA-Z]+$`)

// Targets gives the instances with these ids, in the event's account and
// region. It is an error when there is none, when an id is no instance's, or
// when the event comes without account or region.
func Targets(ev remedy.Event, ids ...string) ([]Target, error) {
	switch {
	case len(ids) == 0:
		return nil, errors.New("the event names no instance")
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	out := make([]Target, len(ids))
	for i, id := range ids {
		if !instanceID.MatchString(id) {
			return nil, fmt.Errorf("the event's instance id %q is not one such as i-0123456789abcdef0", id)
		}
		out[i] = Target{id, ev.Account, ev.Region}
	}
	return out, nil
}
