// Package ec2imageaccessblock turns the block of public machine images
// back on.
package ec2imageaccessblock

import (
	"time"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function puts back that an account lets no image become public in a region.
var Function = remedy.Function{
	Name:     "ec2-image-access-block",
	Title:    "Turns the block of public machine images back on",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{disable, enable}}},
	Actions: []string{
		"ec2:DisableImageBlockPublicAccess",
		"ec2:EnableImageBlockPublicAccess",
		"ec2:GetImageBlockPublicAccessState",
	},
	Doc: remedy.Doc{
		Bad:    "A region of an account is bad when images can be shared with everybody there (unblocked).",
		Repair: "EnableImageBlockPublicAccess sets the only other state, block-new-sharing, with a baseline and without one.",
		Keeps:  "The permissions of images, those that are public included: ec2-image-sharing takes those back. Other regions.",
		Limits: []string{
			"EC2 may take ten minutes to put either call into effect, and tells of the old state until then. For so long the function goes by the last call that it knows of, " +
				"the event's or its own, and by EC2's answer to it: it does not wait to see a block go before it is put back, and says that it is back when EC2 has accepted the call.",
			"Images can become public until the call has taken effect: ec2-image-sharing watches them.",
			"An undo by another process is refused within ten minutes of the event, since it can't tell what holds.",
			"A state that an organization's declarative policy manages can't be changed by the account. It is reported, and nothing is called.",
			"An undo of a repair needs ec2:DisableImageBlockPublicAccess; a repair never calls it.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageBlockPublicAccess.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImageBlockPublicAccess.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, struct{}]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// The calls, by the API's names, which are CloudTrail's too.
const (
	disable = "DisableImageBlockPublicAccess"
	enable  = "EnableImageBlockPublicAccess"
)

// Target is one account in one region, and what a call asked for there: while
// EC2 puts that into effect, nothing else tells of it.
type Target struct {
	regionevent.Place
	Asked Write `json:"asked"`
}

// Write is a call that EC2 accepted.
type Write struct {
	Block string    `json:"block"` // the state that it asked for
	At    time.Time `json:"at"`
}

// Ref names the setting.
func (t Target) Ref() remedy.Ref {
	return t.Place.Ref("AWS::EC2::ImageBlockPublicAccess", "image-block-public-access")
}

func decode(ev remedy.Event) ([]Target, error) {
	place, changed, err := regionevent.Decode(ev)
	if !changed {
		return nil, err
	}
	asked := Write{Block: blockNew, At: ev.Time}
	if ev.Name == disable {
		asked.Block = unblocked
	}
	return []Target{{place, asked}}, nil
}
