// Package securitygroup is the rules of EC2's security groups in one direction:
// what a state holds, how it is put right, and which calls that takes. What is
// bad is for its users to say.
package securitygroup

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Direction is which of a group's rules are meant.
type Direction string

// The directions, as the names of EC2's calls end.
const (
	Ingress Direction = "Ingress"
	Egress  Direction = "Egress"
)

// Target is one security group.
type Target struct {
	GroupID string `json:"group_id"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the group by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::SecurityGroup",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, t.Account, "security-group/"+t.GroupID),
		Account: t.Account,
		Region:  t.Region,
	}
}

// request holds the group's id in the shapes of both calls. A call may name the
// rules in ipPermissions or flat; where the group stands is the same.
type request struct {
	GroupID   string `json:"groupId"`
	GroupName string `json:"groupName"` // instead of the id, in a default VPC
	Modify    struct {
		GroupID string `json:"GroupId"`
	} `json:"ModifySecurityGroupRulesRequest"`
}

// response holds the rules that were made, all of one group.
type response struct {
	Rules cloudtrail.Items[struct {
		GroupID string `json:"groupId"`
	}] `json:"securityGroupRuleSet"`
}

// Decode finds the group in the event of any call that changes rules: those
// that authorize or revoke, and the one that modifies. An event of a failed call
// gives none.
func Decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := cmp.Or(rec.Request.GroupID, rec.Request.Modify.GroupID)
	if id == "" { // only then is the answer, often the larger part, worth reading
		rec, err := cloudtrail.Decode[struct{}, response](ev)
		if err != nil {
			return nil, err
		}
		if len(rec.Response.Rules) > 0 {
			id = rec.Response.Rules[0].GroupID
		}
	}
	switch {
	case id == "" && rec.Request.GroupName != "":
		return nil, fmt.Errorf("the event names security group %q but holds no group id, neither in requestParameters.groupId nor in responseElements.securityGroupRuleSet", rec.Request.GroupName)
	case id == "":
		return nil, errors.New("the event holds no security group id: requestParameters.groupId, requestParameters.ModifySecurityGroupRulesRequest.GroupId and responseElements.securityGroupRuleSet are missing")
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	case !strings.HasPrefix(id, "sg-"):
		return nil, fmt.Errorf("the event's security group id %q does not start with sg-", id)
	}
	return []Target{{id, ev.Account, ev.Region}}, nil
}
