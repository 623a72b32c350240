package remedy

import (
	"fmt"
	"strings"
	"time"
)

// sentences joins the violations' messages into one line, without the last full stop.
func sentences(vs []Violation) string {
	out := make([]string, 0, len(vs))
	for _, v := range vs {
		out = append(out, strings.TrimSuffix(v.Message, "."))
	}
	return strings.Join(out, ". ")
}

func callNames(cs []change) string {
	var names []string
	for _, c := range cs {
		names = append(names, c.call.API)
	}
	return "bringing it back to what Ebb left would take " + strings.Join(names, ", ")
}

func failure(what string, err error) string {
	s := what + ": " + strings.TrimSuffix(strings.ReplaceAll(err.Error(), "\n", "; "), ".") + "."
	if IsPermanent(err) {
		return s + " No retry will mend that."
	}
	return s + " A retry may do better."
}

func observed(rec Record, p plan) string {
	if len(rec.Changes) == 0 {
		return fmt.Sprintf("%s. Ebb can't put this back in any mode, so a person must.", sentences(rec.Violations))
	}
	return fmt.Sprintf("%s. In enforce mode Ebb would make %s%s.%s", sentences(rec.Violations), count(len(rec.Changes), "call"), baselineNote(p), leftNote(p))
}

func done(rec Record, p plan) string {
	if p.outcome == Undone {
		return fmt.Sprintf("The state from before remediation %s is back, with %s: %s. The function leaves this resource alone until %s.",
			p.undone, count(len(rec.Changes), "call"), strings.TrimSuffix(p.hold.Reason, "."), p.hold.Until.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s. Put back with %s%s.%s", sentences(rec.Violations), count(len(rec.Changes), "call"), baselineNote(p), leftNote(p))
}

// leftNote says what Ebb can't put back beside what it can.
func leftNote(p plan) string {
	if len(p.left) == 0 {
		return ""
	}
	return " This it can't put back, and a person must: " + sentences(p.left) + "."
}

func baselineNote(p plan) string {
	if p.restored.IsZero() {
		return " to the nearest compliant state"
	}
	return ", to the compliant state last seen at " + p.restored.UTC().Format(time.RFC3339)
}

func held(rec Record, c *CapReached) string {
	s := fmt.Sprintf("%s. Nothing was changed, because the %s cap is reached: %s in the last %s, and the policy allows %d.",
		sentences(rec.Violations), c.Kind, count(c.Count, "revert"), period(c.Window), c.Limit)
	if len(c.Recent) > 0 {
		s += fmt.Sprintf(" This change was made by %s, the one reverted before it by %s.", rec.Event.Actor, c.Recent[0].Actor)
	}
	return s + " A person must decide."
}

// period gives a window as a policy writes it: "1h", not "1h0m0s".
func period(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func inScope(scope string) string {
	if scope == "" {
		return ""
	}
	return " in scope " + scope
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
