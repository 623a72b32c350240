package report

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/page"
)

// What the renderers for people say in words. Each is one or more plain sentences.

// number gives n and a noun: "1 record", "2,000 records".
func number(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return page.Count(n) + " " + noun + "s"
}

// counted is a number of something, in words that follow it.
type counted struct {
	n    int64
	what string
}

// listing joins what is not zero: "2 held, 1 failed".
func listing(all ...counted) string {
	var out []string
	for _, c := range all {
		if c.n > 0 {
			out = append(out, page.Count(c.n)+" "+c.what)
		}
	}
	return strings.Join(out, ", ")
}

// Sentence says what the window was and how much is in it.
func (r *Report) Sentence() string {
	return fmt.Sprintf("From %s to %s (UTC). Ebb kept %s: %s.", console.When(r.Since), console.When(r.Until), number(r.Records, "record"), r.Outcomes.words())
}

func (o Outcomes) words() string {
	s := listing(
		counted{o.Reverted, "put back"}, counted{o.Observed, "observed"}, counted{o.Held, "held"},
		counted{o.Exempt, "exempt"}, counted{o.Failed, "failed"}, counted{o.Undone, "undone"},
		counted{o.Pending, "pending"}, counted{o.Other, "closed without a change"},
	)
	if s == "" {
		return "nothing happened"
	}
	return s
}

// Sentence says whether all is well.
func (o Open) Sentence() string {
	s := "No violation is known to be open."
	if o.Total > 0 {
		s = fmt.Sprintf("%s open: %s.", areOpen(o.Total), listing(
			counted{o.Observed, "only observed"}, counted{o.Held, "held by a cap"}, counted{o.Failed, "that Ebb failed to put back"},
			counted{o.Pending, "in progress or interrupted"}, counted{o.Expired, "whose exemption has expired"},
		))
	}
	if o.Expiring > 0 {
		s += fmt.Sprintf(" Within %d days the exemption of %s ends.", ExpiryDays, number(o.Expiring, "resource"))
	}
	if o.Undone > 0 {
		s += fmt.Sprintf(" A person brought %s back with an undo.", number(o.Undone, "state"))
	}
	if o.Mended > 0 {
		s += fmt.Sprintf(" Of what was open, %s found compliant by a later event.", wasWere(o.Mended, "resource"))
	}
	if !o.Exact {
		s += " There was more than the report looks at, so these figures may be too high: ask for a shorter time."
	}
	return s
}

func areOpen(n int64) string {
	if n == 1 {
		return "1 violation is"
	}
	return page.Count(n) + " violations are"
}

func wasWere(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return number(n, noun) + " were"
}

// OpenLimits says what the figures of what is open can't tell.
const OpenLimits = "Open means: the latest record of the resource says so. A change that a person mended by hand counts as open until an event shows Ebb " +
	"a compliant state that differs from the one it last knew."

// Sentence says how much was put back.
func (p PutBack) Sentence() string {
	if p.Total == 0 {
		return "Nothing was put back."
	}
	return fmt.Sprintf("%s put back, each verified by reading it again.", wasWere(p.Total, "change"))
}

// Sentence says how long bad states lived.
func (l Lived) Sentence() string {
	if l.Total.Count == 0 {
		return "No bad state was put back whose beginning is known."
	}
	s := fmt.Sprintf("Half of the bad states lived up to %s, 95 %% up to %s, the longest %s. Delivery of the event took %.0f %% of that time, Ebb the rest.",
		lasting(l.Total.P50), lasting(l.Total.P95), lasting(l.Total.Worst), l.Share*100)
	if l.Unknown > 0 {
		s += fmt.Sprintf(" For %s the time of the change is not known.", number(l.Unknown, "revert"))
	}
	return s
}

func lasting(s Seconds) string { return console.Lasting(s.Duration()) }

// Sentence says what keeps coming back.
func (c ComesBack) Sentence() string {
	if len(c.Resources) == 0 && c.FightCap == 0 {
		return "No resource had to be put back twice."
	}
	s := "Somebody, or something, keeps making these changes: talk to who is behind it, or write an exemption."
	if c.FightCap > 0 {
		s += fmt.Sprintf(" The fight cap held %s back.", number(c.FightCap, "revert"))
	}
	return s
}

// Sentence says what events told late, and what the report can't know.
func (m Missed) Sentence() string {
	late := fmt.Sprintf("%g minutes", float64(m.LateAfter)/60)
	s := fmt.Sprintf("%s more than %s late; %s longer than that for Ebb, in a queue, between retries or as a dead letter until it was replayed; %s more than one attempt.",
		events(m.Late)+" came", late, events(m.Waited)+" waited", events(m.Retried)+" took")
	if m.Scheduled > 0 {
		return s + fmt.Sprintf(" %s found by a schedule and not by an event.", wasWere(m.Scheduled, "violation"))
	}
	return s + " Nothing was found by a schedule: what no event told of is not in this report."
}

func events(n int64) string { return number(n, "event") }

// Sentence says what Ebb did not dare to do.
func (l LeftAlone) Sentence() string {
	s := listing(
		counted{l.Observed, "only observed, because the policy says so"}, counted{l.Blast, "held by the blast cap"}, counted{l.Fight, "held by the fight cap"},
		counted{l.Exempt, "covered by an exemption or by the hold of an undo"}, counted{l.Untouched, "failed before a call was made, where a person must act"}, counted{l.Partly, "failed after a call was tried"},
	)
	if s == "" {
		return "Ebb left nothing alone."
	}
	return "Ebb saw these and did not put them back: " + s + "."
}

// Sentence says what went wrong.
func (e Errors) Sentence() string {
	if e.Failed == 0 && e.DeadLetters.Total == 0 {
		return "Nothing failed, and no dead letter waits."
	}
	s := fmt.Sprintf("%s failed.", number(e.Failed, "remediation"))
	if d := e.DeadLetters; d.Total > 0 {
		s += fmt.Sprintf(" %s for a person, %s of them of this time, the oldest since %s: ebb dead-letters lists them.",
			waits(d.Total), page.Count(d.InWindow), console.When(d.Oldest))
	}
	return s
}

func waits(n int64) string {
	if n == 1 {
		return "1 dead letter waits"
	}
	return number(n, "dead letter") + " wait"
}

// Sentence says what it cost and saved.
func (c Cost) Sentence() string {
	cost := "less than a cent"
	if c.TotalUSD >= 0.01 {
		cost = fmt.Sprintf("about $%.2f", c.TotalUSD)
	}
	return fmt.Sprintf("On AWS these reverts cost %s, at $%.7f each by the price model of docs/deploy.md; events that needed nothing and what a deployment "+
		"costs in any case are not in it. If putting one back by hand takes %g minutes, they saved %s of work.", cost, c.PerRevertUSD, c.Minutes, workTime(c.SavedMinutes))
}

func workTime(minutes float64) string {
	if minutes < 120 {
		return fmt.Sprintf("%g minutes", minutes)
	}
	return fmt.Sprintf("%.1f hours", minutes/60)
}

// named gives a tally's name for people.
func named(name, none string) string {
	if name == "" {
		return none
	}
	return name
}
