// Package metrics lists what Ebb measures: each instrument once, with its names
// in OpenTelemetry and in CloudWatch. It also holds the instruments that several
// packages share.
//
// The engine makes its own, because it imports nothing of Ebb; a test holds them
// to the list. Package emf writes the measurements of a function on Lambda.
package metrics

// Namespace is where CloudWatch keeps Ebb's metrics.
const Namespace = "Ebb"

// Kind is how an instrument's values add up.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	Histogram Kind = "histogram"
	Gauge     Kind = "gauge"
)

// Attribute is what measurements are told apart by. Its values are of a closed
// or bounded set: never the id of a resource, an event or an actor.
type Attribute struct {
	Key       string // in OpenTelemetry
	Dimension string // in CloudWatch, in Powertools' style; empty where it is none
}

// The attributes. CloudWatch has Service and Function on every metric of a
// process; in OpenTelemetry the service is the resource's.
var (
	Service  = Attribute{"service.name", "service"}
	Function = Attribute{"ebb.function", "function_name"}
	Source   = Attribute{"ebb.event.source", "event_source"} // of the function's triggers, else "other"
	Outcome  = Attribute{"ebb.outcome", "outcome"}
	Account  = Attribute{"ebb.account", "account"} // the first hundred of a process, then "other"
	Cap      = Attribute{"ebb.cap", "cap"}         // "blast", "fight"
	Remote   = Attribute{"ebb.remote.service", "remote_service"}
	Access   = Attribute{"ebb.remote.access", "remote_access"}             // "read", "write"
	Channel  = Attribute{"ebb.channel", ""}                                // of the notify file
	Result   = Attribute{"ebb.notification.result", "notification_result"} // "sent", "failed", "dead"
	Error    = Attribute{"error.type", ""}                                 // the HTTP status of an answer that is an error, else a word for the cause
)

// Instrument is one thing that is measured.
type Instrument struct {
	Name        string
	Kind        Kind
	Unit        string // UCUM, as OpenTelemetry has it
	Description string
	Buckets     []float64 // of a histogram: the upper bounds, in its unit
	Attributes  []Attribute
	EMF         EMF
}

// EMF is an instrument in CloudWatch's embedded metric format. Each dimension
// set makes a metric of its own, which costs money; more can be added up by
// metric math. It is zero for what no function on Lambda can see.
type EMF struct {
	Name       string
	Unit       string
	Dimensions [][]Attribute
}

// Durations are the buckets for what takes from 10 ms to an hour, in seconds.
var Durations = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}

// CallDurations are the buckets that OpenTelemetry advises for remote calls, in seconds.
// https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpclientrequestduration
var CallDurations = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// Dimension sets that several instruments have.
var (
	byFunction = [][]Attribute{{Service}, {Service, Function}}
	byCall     = [][]Attribute{{Service, Remote}, {Service, Function, Remote, Access}}
)

// All are Ebb's instruments, in the order in which they are documented.
var All = []Instrument{
	{
		Name: "ebb.events.received", Kind: Counter, Unit: "{event}",
		Description: "Events that reached a function; copies and further attempts count.",
		Attributes:  []Attribute{Function, Source},
		EMF:         EMF{"EventsReceived", "Count", [][]Attribute{{Service}, {Service, Function, Source}}},
	}, {
		Name: "ebb.outcomes", Kind: Counter, Unit: "{outcome}",
		Description: "How events ended, for each resource; no-ops count, and an attempt that ended in an error counts as failed.",
		Attributes:  []Attribute{Function, Outcome, Account},
		EMF:         EMF{"Outcomes", "Count", [][]Attribute{{Service, Outcome}, {Service, Function, Outcome, Account}}},
	},
	step("ebb.remediation.time_to_compliance", "TimeToCompliance", "From the change, by its source's clock, to the read that found it put back."),
	step("ebb.remediation.delivery.duration", "DeliveryTime", "From the change, by its source's clock, until Ebb received the event."),
	step("ebb.remediation.queue.duration", "QueueTime", "From when Ebb received the event until a function began with it."),
	step("ebb.remediation.decide.duration", "DecideTime", "From when a function began until the live state was read and judged."),
	step("ebb.remediation.fix.duration", "FixTime", "From the decision until the last call returned."),
	step("ebb.remediation.verify.duration", "VerifyTime", "From the last call until a read found the state as it should be."),
	{
		Name: "ebb.caps.reached", Kind: Counter, Unit: "{revert}",
		Description: "Reverts that a cap held back.",
		Attributes:  []Attribute{Function, Cap},
		EMF:         EMF{"CapsReached", "Count", [][]Attribute{{Service}, {Service, Function, Cap}}},
	}, {
		Name: "ebb.dead_letters", Kind: Counter, Unit: "{event}",
		Description: "Events that failed for good and were kept as dead letters.",
		Attributes:  []Attribute{Function},
		EMF:         EMF{"DeadLetters", "Count", byFunction},
	}, {
		Name: "ebb.inbox.pending", Kind: Gauge, Unit: "{event}",
		Description: "Events in the inbox, those being handled included.",
	}, {
		Name: "ebb.inbox.oldest.age", Kind: Gauge, Unit: "s",
		Description: "Age of the oldest event in the inbox; 0 when it is empty.",
	}, {
		Name: "ebb.notifications", Kind: Counter, Unit: "{attempt}",
		Description: "Attempts to send a notification; what failed is sent again, what is dead is a dead letter.",
		Attributes:  []Attribute{Channel, Result},
		EMF:         EMF{"Notifications", "Count", [][]Attribute{{Service, Result}}},
	}, {
		Name: "ebb.outbox.pending", Kind: Gauge, Unit: "{notification}",
		Description: "Notifications in the outbox, and results that will be part of one.",
	}, {
		Name: "ebb.remote.call.duration", Kind: Histogram, Unit: "s", Buckets: CallDurations,
		Description: "Calls to AWS and to SaaS products, all attempts included; its count is the number of calls.",
		Attributes:  []Attribute{Remote, Access, Error},
		EMF:         EMF{"RemoteCallTime", "Seconds", byCall},
	}, {
		Name: "ebb.remote.retries", Kind: Counter, Unit: "{retry}",
		Description: "Times that a call was sent again.",
		Attributes:  []Attribute{Remote, Access},
		EMF:         EMF{"RemoteRetries", "Count", byCall},
	}, {
		Name: "ebb.remote.throttles", Kind: Counter, Unit: "{throttle}",
		Description: "Answers that said the caller is too fast.",
		Attributes:  []Attribute{Remote, Access},
		EMF:         EMF{"RemoteThrottles", "Count", byCall},
	}, {
		Name: "faas.coldstarts", Kind: Counter, Unit: "{coldstart}",
		Description: "Invocations that had to wait for a new process.",
		EMF:         EMF{"ColdStart", "Count", [][]Attribute{{Service, Function}}},
	},
}

// step is a part of a remediation.
func step(name, emf, description string) Instrument {
	return Instrument{
		Name: name, Kind: Histogram, Unit: "s", Buckets: Durations, Description: description,
		Attributes: []Attribute{Function}, EMF: EMF{emf, "Seconds", byFunction},
	}
}

// find gives the instrument of that name. The names are constants of this
// package, and a test makes each.
func find(name string) Instrument {
	for _, i := range All {
		if i.Name == name {
			return i
		}
	}
	return Instrument{Name: name}
}
