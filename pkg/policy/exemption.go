package policy

import (
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// exemption is a written exception with its patterns compiled. Where it does
// not narrow, the embedded text is empty and the pattern unused.
type exemption struct {
	remedy.Exemption
	resource, account, actor glob

	tagKey   string
	tagValue glob // "*" when the exemption names the key alone

	line, column int
}

// splitTag takes "key" or "key=value" apart. The key ends at the first "=".
func splitTag(tag string) (key string, value glob) {
	key, v, given := strings.Cut(tag, "=")
	if !given {
		return key, newGlob("*")
	}
	return key, newGlob(v)
}

// Exempt gives the first exemption in the file that covers q, or nil. One that
// has expired at q.Now covers nothing. An actor is known by its ID, or by its
// name if it has no ID; one with neither is matched by no actor pattern.
func (p *Policy) Exempt(q remedy.ExemptionQuery) *remedy.Exemption {
	candidates, known := p.byFunction[q.Function]
	if !known {
		candidates = p.exemptions
	}
	for i := range candidates {
		if candidates[i].covers(&q) {
			x := candidates[i].Exemption
			return &x
		}
	}
	return nil
}

func (x *exemption) covers(q *remedy.ExemptionQuery) bool {
	return q.Now.Before(x.Expires) &&
		(x.Function == "" || x.Function == q.Function) &&
		(x.Resource == "" || x.resource.match(q.Resource.ID)) &&
		(x.Account == "" || x.account.match(q.Resource.Account)) &&
		(x.Actor == "" || x.coversActor(q.Actor)) &&
		(x.Tag == "" || x.coversTags(q.Tags))
}

// coversActor needs no case for an unknown actor: a pattern that matches the
// empty string is refused when the file is loaded.
func (x *exemption) coversActor(a remedy.Actor) bool {
	if a.ID == "" {
		return x.actor.match(a.Name)
	}
	return x.actor.match(a.ID)
}

func (x *exemption) coversTags(tags map[string]string) bool {
	v, tagged := tags[x.tagKey]
	return tagged && x.tagValue.match(v)
}
