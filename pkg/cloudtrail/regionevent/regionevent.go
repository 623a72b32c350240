// Package regionevent reads whose setting of a whole region a call changed.
package regionevent

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Place is one account in one region: what a setting is of. Its JSON form is
// kept in records.
type Place struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the place's setting of EC2. Such settings have no ARN; the ID is in
// the form of one, with the setting's name for the resource.
func (p Place) Ref(kind, name string) remedy.Ref {
	return remedy.Ref{
		Type:    kind,
		ID:      cloudtrail.ARN(p.Region, "ec2", p.Region, p.Account, name),
		Account: p.Account,
		Region:  p.Region,
	}
}

// Decode gives where a call changed a setting; changed is false for a call that
// failed. It is an error when the event is no CloudTrail record, or comes
// without account or region. What the call asked for is not looked at: the
// live setting decides.
func Decode(ev remedy.Event) (place Place, changed bool, err error) {
	rec, err := cloudtrail.Decode[struct{}, struct{}](ev)
	switch {
	case err != nil || rec.Failed():
		return Place{}, false, err
	case ev.Account == "" || ev.Region == "":
		return Place{}, false, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return Place{ev.Account, ev.Region}, true, nil
}
