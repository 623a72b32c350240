// Package ec2route takes routes to internet gateways out of the route tables of
// private subnets, and leaves all other routes as they are.
package ec2route

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function removes routes that make a private subnet public. Where such a route
// replaced another one that is known, that one comes back instead.
//
// Reading takes one round of two calls at once, and a second round when the
// table is its VPC's main one.
var Function = remedy.Function{
	Name:     "ec2-route",
	Title:    "Removes routes from private subnets to an internet gateway",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{"CreateRoute", "ReplaceRoute"}}},
	Actions: []string{
		"ec2:CreateRoute",
		"ec2:DeleteRoute",
		"ec2:DescribeRouteTables",
		"ec2:DescribeSubnets",
		"ec2:ReplaceRoute",
	},
	Params: Defaults(),
	Doc: remedy.Doc{
		Bad: "A route breaks the policy when its target is an internet gateway and its table is private. A table is private when one of private_tags is on it, " +
			"or on a subnet that it routes: one associated with it or, for a VPC's main table, one associated with none. Whatever the destination, " +
			"IPv4, IPv6 or a prefix list, such a route makes a subnet public. An egress-only internet gateway and a NAT gateway let nobody in, and are no reason.",
		Repair: "A route whose destination had another target in the last known compliant state takes that target again (ReplaceRoute). " +
			"Any other offending route, and every one where no compliant state is known, is deleted (DeleteRoute).",
		Keeps: "All other routes, those for the VPC's own ranges and those that a virtual private gateway propagates among them, the table's associations and all tags.",
		Limits: []string{
			"A private subnet that is associated with a public table causes no event that this function listens to.",
			"Any event of a table lets all its routes be judged, the old ones too: observe first, and see that public subnets bear no tag of private ones.",
			"Where the earlier target is gone by now, a NAT gateway for instance, EC2 refuses to bring it back, and the record says so: the route stays until somebody decides.",
			"A table with a target of a kind that is not known here is left alone, with an error.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html",
			"https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html",
			"https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	PrivateTags []string `json:"private_tags" jsonschema:"Tags of private subnets and of their route tables, as key=value. In the value * stands for any characters and ? for one, and case does not matter: Name=*-private-* fits what many modules make. A list given here replaces the default one."`
}

// Defaults gives the parameters that hold where a policy sets none: the tags
// that AWS's own VPC templates and its CDK put on private subnets, and the one
// that Terraform's documentation uses.
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ec2.SubnetType.html
func Defaults() Params {
	return Params{PrivateTags: []string{
		"Network=Private", "Tier=Private", "aws-cdk:subnet-type=Isolated", "aws-cdk:subnet-type=Private",
	}}
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if len(p.PrivateTags) == 0 {
		return errors.New("private_tags is empty: no subnet would be private; name a tag, or switch the function off")
	}
	for _, tag := range p.PrivateTags {
		key, value, ok := strings.Cut(tag, "=")
		if !ok || key == "" || value == "" {
			return fmt.Errorf("private_tags: %q is not of the form key=value", tag)
		}
		if err := pattern.Valid(value); err != nil {
			return fmt.Errorf("private_tags: %q: %w", tag, err)
		}
	}
	return nil
}

// Target is one route table.
type Target struct {
	Table   string `json:"table"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the table by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::RouteTable",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, t.Account, "route-table/"+t.Table),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	Table string `json:"routeTableId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := rec.Request.Table
	switch {
	case id == "":
		return nil, errors.New("the event holds no route table id: requestParameters.routeTableId is missing")
	case !strings.HasPrefix(id, "rtb-"):
		return nil, fmt.Errorf("the event's route table id %q does not start with rtb-", id)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{id, ev.Account, ev.Region}}, nil
}
