package notify

import (
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Sample gives a notice about a made-up revert, marked as a test.
func (c *Config) Sample(now time.Time) Notice {
	rec := remedy.Record{
		ID: "5a3b1c00000000000000", Function: "ec2-security-group", Severity: remedy.High, Outcome: remedy.Reverted, Mode: remedy.Enforce,
		Reason: "Rule sgr-0abc let 0.0.0.0/0 reach port 22. Put back with 1 call.",
		Resource: remedy.Ref{
			Type: "AWS::EC2::SecurityGroup", ID: "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0example", Account: "111122223333", Region: "eu-west-1",
		},
		Event: remedy.EventRef{
			Name: "AuthorizeSecurityGroupIngress", Time: now.Add(-3 * time.Second),
			Actor: remedy.Actor{ID: "arn:aws:sts::111122223333:assumed-role/Developers/sample"},
		},
		Violations: []remedy.Violation{{Rule: "world-open-port", Message: "Everybody can reach port 22."}},
		Times:      remedy.Times{Changed: now.Add(-3 * time.Second), Recorded: now},
	}
	n := c.Gather("msg_sample-"+now.UTC().Format("20060102T150405.000000000Z"), []Item{c.Item(rec)}, now, now, now)
	n.Sample, n.Thread = true, ""
	return n
}
