package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// printer writes what the rehearsal does.
type printer struct{ w io.Writer }

func (p printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p printer) step(what string) { p.line("%s ...", what) }

// left says what is not in the emulator's stack.
func (p printer) left(count map[string]int) {
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		p.line("  not on the emulator: %2d %s: %s", count[kind], kind, cannotCreate[kind])
	}
}

// log prints what a function wrote.
func (p printer) log(text string) {
	for l := range strings.Lines(text) {
		p.line("    | %s", strings.TrimRight(l, "\n"))
	}
}

func (p printer) outcome(r result) {
	if r.err != nil {
		p.line("  FAILED %s: %v", r.function, r.err)
		return
	}
	p.line("  %s: as it must be", r.function)
}

// byLambda are what Lambda itself does with a function's role: no function makes
// these calls.
var byLambda = []string{
	"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}

// report prints the table.
func (p printer) report(table []result) {
	p.line("")
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "WHERE\tFUNCTION\tINIT MS\tINVOKE MS\tCALLS\tACTIONS\tNOT USED\tOUTCOME")
	for _, r := range table {
		outcome := "reverted; denied outside its role"
		switch {
		case r.err != nil:
			outcome = "FAILED"
		case strings.HasSuffix(r.function, receiver):
			outcome = "handed on; denied outside its role"
		case r.function == reporter:
			outcome = "written and told; denied outside its role"
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n",
			r.where, r.function, ms(r.start), ms(r.invoke), r.calls, len(r.used), len(r.unused), outcome)
	}
	_ = tw.Flush()
	p.line("")
	p.line("Allowed, and not used here, beside what Lambda itself uses (%s):", strings.Join(byLambda, " "))
	for _, r := range table {
		if r.err == nil {
			p.line("  %s, %s: %s", r.where, r.function, strings.Join(r.unused, " "))
		}
	}
}

// limits says what stands in for AWS, and what nothing stands in for.
func (p printer) limits() {
	p.line("")
	p.line("What the emulator can't do:")
	for _, l := range []string{
		"start functions: a queue is behind each rule's pattern, and what it gets is handed to the bootstrap under AWS's Lambda emulator, built for " + runtime.GOARCH + " instead of arm64",
		"know resources, conditions, boundaries and trust in IAM, where it knows signatures and actions: a gate before it reads the policies that the stack made, and decides by all of them",
		"attach managed policies to a stack's roles: the rehearsal attaches them",
		"be an organization: the gate takes the hub and the spoke to be in one",
		"keep an event's account when a rule forwards it: the rehearsal puts it back",
		"make events of changes: the samples stand for CloudTrail's",
		"decide by the policies of buses, queues, topics, keys and buckets: they are not tried",
		"run schedules, alarms, retries, dead letters, backups, API Gateway and X-Ray: they are not tried",
		"update most resources in place: what holds something is compared by CloudFormation's rules instead",
	} {
		p.line("  %s", l)
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Millisecond)) }
