// Package ec2flowlog makes flow logs again that were deleted.
package ec2flowlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function makes deleted flow logs again, from what it read of them when they
// were created. EC2 gives the new one another id; a tag on it names the first,
// by which the function keeps both as one.
//
// Reading takes one round of two calls at once.
var Function = remedy.Function{
	Name:     "ec2-flow-log",
	Title:    "Makes deleted flow logs again",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{"CreateFlowLogs", "DeleteFlowLogs"}}},
	Actions: []string{
		"ec2:CreateFlowLogs",
		"ec2:CreateTags",
		"ec2:DeleteFlowLogs",
		"ec2:DescribeFlowLogs",
		"firehose:TagDeliveryStream",
		"iam:PassRole",
		"logs:CreateLogDelivery",
		"logs:DeleteLogDelivery",
	},
	Doc: remedy.Doc{
		Bad: "A flow log that was deleted breaks the policy, unless another bears the tag " + tagReplaces + " with its id.",
		Repair: "The flow log is made again (CreateFlowLogs) with all that the last known state has: resource, traffic, destination, roles, format, interval and tags, " +
			"and the tag " + tagReplaces + " with the id of the first one. It is known from the event of its creation. " +
			"Of a flow log that was made before Ebb came, EC2 keeps nothing once it is gone: the record says so, and a person must make it.",
		Keeps: "All other flow logs, the destination and what was logged there. Settings can't be changed by anybody: EC2 knows no call for it.",
		Limits: []string{
			"What happens between the deletion and the revert is in no log.",
			"Whoever deletes a flow log to make a better one ends with both: exempt the roles that do so, such as a pipeline's.",
			"When the monitored resource is deleted as well, the record says gone, and nothing is made.",
			"Whoever may tag flow logs can pass one off as another's successor: let nobody but Ebb set the tag " + tagReplaces + ".",
			"Tags that begin with aws: are not set again.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
			"https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html",
			"https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-firehose.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, struct{}]{
	Decode: decode, Check: check, Repair: repair, Diff: diff, Root: root,
}

// Target is one flow log, by the first id that it had.
type Target struct {
	FlowLog string `json:"flow_log"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the flow log by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::FlowLog",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, t.Account, "vpc-flow-log/"+t.FlowLog),
		Account: t.Account,
		Region:  t.Region,
	}
}

// request holds the ids of the call that deletes.
type request struct {
	Delete struct {
		IDs ids `json:"FlowLogId"`
	} `json:"DeleteFlowLogsRequest"`
}

// response holds the ids of the call that creates, which are none for what it
// could not create.
type response struct {
	Create struct {
		IDs ids `json:"flowLogIdSet"`
	} `json:"CreateFlowLogsResponse"`
}

// ids are ids in the forms that EC2's newer calls have in a record: the XML of
// the call as JSON. One is {"content": id} in a request and {"item": id} in an
// answer, several are a list of or in such an object, and none is "".
type ids []string

// maxDepth is how deep an id may lie: more than in any of the forms.
const maxDepth = 4

// UnmarshalJSON takes any of the forms.
func (l *ids) UnmarshalJSON(b []byte) error {
	*l = nil
	return l.collect(b, maxDepth)
}

func (l *ids) collect(b []byte, depth int) error {
	b = bytes.TrimSpace(b)
	switch {
	case depth == 0:
		return errors.New("ids lie too deep")
	case bytes.Equal(b, []byte("null")):
		return nil
	case bytes.HasPrefix(b, []byte("[")):
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
		for _, entry := range list {
			if err := l.collect(entry, depth-1); err != nil {
				return err
			}
		}
		return nil
	case bytes.HasPrefix(b, []byte("{")):
		var object struct {
			Content, Item, Items json.RawMessage
		}
		if err := json.Unmarshal(b, &object); err != nil {
			return err
		}
		for _, inner := range []json.RawMessage{object.Content, object.Item, object.Items} {
			if inner == nil {
				continue
			}
			if err := l.collect(inner, depth-1); err != nil {
				return err
			}
		}
		return nil
	}
	var id string
	if err := json.Unmarshal(b, &id); err != nil {
		return err
	}
	if id != "" {
		*l = append(*l, id)
	}
	return nil
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	found := slices.Concat(rec.Request.Delete.IDs, rec.Response.Create.IDs)
	switch {
	case len(found) == 0 && ev.Name == "CreateFlowLogs":
		return nil, nil // the call made none, and its answer says why
	case len(found) == 0:
		return nil, errors.New("the event holds no flow log id: requestParameters.DeleteFlowLogsRequest.FlowLogId is missing")
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	out := make([]Target, len(found))
	for i, id := range found {
		if !strings.HasPrefix(id, "fl-") {
			return nil, fmt.Errorf("the event's flow log id %q does not start with fl-", id)
		}
		out[i] = Target{id, ev.Account, ev.Region}
	}
	return out, nil
}
