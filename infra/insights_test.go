package infra_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A reader of CloudWatch Logs Insights' query language, as far as the saved
// queries use it: what it does not know is an error, not skipped.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html

// The functions of the language that the queries use.
var (
	scalars    = []string{"coalesce", "ispresent"}
	aggregates = []string{"avg", "count", "count_distinct", "earliest", "latest", "max", "pct"}
)

// query is a query that was read.
type query struct {
	filters []expr   // of the lines, in their order
	fields  []string // that the query expects in a line
	columns []string // of its result
}

// expr is a node of an expression: a field, a literal, or an operator or
// function with arguments.
type expr struct {
	op    string // "field", "literal", "regexp", "list", an operator, or a function
	field string
	value any // a literal's string or float64, or a *regexp.Regexp
	args  []expr
}

var tokens = regexp.MustCompile(`^(?:\s+|#[^\n]*)|^(?:"[^"]*"|/(?:\\.|[^/\n])+/|[@A-Za-z_][\w.@]*|\d+(?:\.\d+)?|!=|<=|>=|[=<>()\[\],|*])`)

// parseQuery reads a query. Every field must be one of the line's, or named by
// an earlier command; after stats there are only the fields that it gives.
func parseQuery(text string) (q query, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	p := &parser{}
	for rest := text; rest != ""; {
		t := tokens.FindString(rest)
		if t == "" {
			return query{}, fmt.Errorf("what is this: %.30q", rest)
		}
		rest = rest[len(t):]
		if strings.TrimSpace(t) != "" && t[0] != '#' {
			p.rest = append(p.rest, t)
		}
	}
	for {
		p.command()
		if len(p.rest) == 0 {
			break
		}
		p.want("|")
	}
	slices.Sort(p.q.fields)
	p.q.fields = slices.Compact(p.q.fields)
	return p.q, nil
}

type parser struct {
	rest    []string
	q       query
	named   []string // by an earlier command
	grouped bool     // stats was there: what is not named is gone
}

func (p *parser) command() {
	switch name := p.next(); name {
	case "fields":
		p.q.columns = append(p.q.columns, p.columns(false)...)
	case "filter":
		e := p.or(false)
		if !p.grouped {
			p.q.filters = append(p.q.filters, e)
		}
	case "stats":
		names := p.columns(true)
		if p.peek() == "by" {
			p.next()
			names = append(names, p.columns(false)...)
		}
		p.named, p.q.columns, p.grouped = names, names, true
	case "sort":
		p.or(false)
		if order := p.next(); order != "asc" && order != "desc" {
			panic(fmt.Sprintf("sort %q: want asc or desc", order))
		}
	case "limit":
		if n, err := strconv.Atoi(p.next()); err != nil || n < 1 || n > 10_000 {
			panic("limit: want 1 to 10000")
		}
	default:
		panic(fmt.Sprintf("unknown command %q", name))
	}
}

// columns reads expressions with their names.
func (p *parser) columns(aggregate bool) []string {
	var names []string
	for {
		e := p.or(aggregate)
		name := e.field
		if p.peek() == "as" {
			p.next()
			name = p.next()
			p.named = append(p.named, name)
		} else if e.op != "field" {
			panic(e.op + " has no name: add as NAME")
		}
		names = append(names, name)
		if p.peek() != "," {
			return names
		}
		p.next()
	}
}

func (p *parser) or(aggregate bool) expr {
	e := p.and(aggregate)
	for p.peek() == "or" {
		e = expr{op: p.next(), args: []expr{e, p.and(aggregate)}}
	}
	return e
}

func (p *parser) and(aggregate bool) expr {
	e := p.comparison(aggregate)
	for p.peek() == "and" {
		e = expr{op: p.next(), args: []expr{e, p.comparison(aggregate)}}
	}
	return e
}

func (p *parser) comparison(aggregate bool) expr {
	e := p.operand(aggregate)
	if slices.Contains([]string{"=", "!=", "<", "<=", ">", ">=", "like", "in"}, p.peek()) {
		e = expr{op: p.next(), args: []expr{e, p.operand(false)}}
	}
	return e
}

func (p *parser) operand(aggregate bool) expr {
	t := p.next()
	switch {
	case t == "(":
		e := p.or(aggregate)
		p.want(")")
		return e
	case t == "[":
		return expr{op: "list", args: p.list("]")}
	case t[0] == '"':
		return expr{op: "literal", value: t[1 : len(t)-1]}
	case t[0] == '/':
		return expr{op: "regexp", value: regexp.MustCompile(t[1 : len(t)-1])}
	case t[0] >= '0' && t[0] <= '9':
		n, _ := strconv.ParseFloat(t, 64) // the token is a number
		return expr{op: "literal", value: n}
	case p.peek() == "(":
		p.next()
		if known := map[bool][]string{false: scalars, true: aggregates}[aggregate]; !slices.Contains(known, t) {
			panic("no function for this place: " + t)
		}
		if t == "count" && p.peek() == "*" {
			p.next()
			p.want(")")
			return expr{op: t}
		}
		return expr{op: t, args: p.list(")")}
	case t[0] != '@' && t[0] != '_' && (t[0]|0x20 < 'a' || t[0]|0x20 > 'z'):
		panic(fmt.Sprintf("%q is no value", t))
	}
	if !slices.Contains(p.named, t) {
		if p.grouped {
			panic(fmt.Sprintf("%s is not there after stats", t))
		}
		p.q.fields = append(p.q.fields, t)
	}
	return expr{op: "field", field: t}
}

func (p *parser) list(end string) (out []expr) {
	for {
		out = append(out, p.or(false))
		if t := p.next(); t == end {
			return out
		} else if t != "," {
			panic(fmt.Sprintf("%q: want , or %s", t, end))
		}
	}
}

func (p *parser) peek() string {
	if len(p.rest) == 0 {
		return ""
	}
	return p.rest[0]
}

func (p *parser) next() string {
	if len(p.rest) == 0 {
		panic("the query ends too early")
	}
	t := p.rest[0]
	p.rest = p.rest[1:]
	return t
}

func (p *parser) want(t string) {
	if got := p.next(); got != t {
		panic(fmt.Sprintf("%q: want %s", got, t))
	}
}

// selects reports whether all filters let a line through.
func (q query) selects(line map[string]any) bool {
	return !slices.ContainsFunc(q.filters, func(e expr) bool { return e.eval(line) != true })
}

// eval gives an expression's value: nil for a field that a line does not have.
func (e expr) eval(line map[string]any) any {
	arg := func(i int) any { return e.args[i].eval(line) }
	switch e.op {
	case "field":
		return line[e.field]
	case "literal", "regexp":
		return e.value
	case "and":
		return arg(0) == true && arg(1) == true
	case "or":
		return arg(0) == true || arg(1) == true
	case "=":
		return arg(0) != nil && arg(0) == arg(1)
	case "in":
		v := arg(0)
		return slices.ContainsFunc(e.args[1].args, func(e expr) bool { return v != nil && v == e.eval(line) })
	case "like":
		s, ok := arg(0).(string)
		if re, is := arg(1).(*regexp.Regexp); is {
			return ok && re.MatchString(s)
		}
		return ok && strings.Contains(s, arg(1).(string))
	case "ispresent":
		return arg(0) != nil
	case "coalesce":
		for i := range e.args {
			if v := arg(i); v != nil {
				return v
			}
		}
		return nil
	}
	panic("filter: " + e.op + " is not known here")
}
