package policy

import (
	"maps"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Version is the version of the file format.
const Version = 1

// policy decodes a whole file into p.
func (d *decoder) policy(n ast.Node, p *Policy) {
	m := d.mapping(n, "the policy", "version", "defaults", "tracing", "functions", "exemptions")
	if m == nil {
		return
	}
	if v := m["version"]; v == nil {
		d.errorf(n, "the policy has no version: add version: 1")
	} else if i, ok := d.integer(v, "version"); ok && i != Version {
		d.errorf(v, "version %d is not known; there is version 1", i)
	}
	base := defaults()
	if v := m["defaults"]; v != nil {
		d.settings(d.mapping(v, "defaults", "mode", "caps", "undo_hold"), &base)
	}
	for name, f := range p.functions {
		params := f.base.Params
		f.base = base
		f.base.Params = params
		p.functions[name] = f
	}
	if v := m["tracing"]; v != nil {
		if share := d.mapping(v, "tracing", "noops")["noops"]; share != nil {
			p.noops, _ = d.share(share, "noops")
		}
	}
	if v := m["functions"]; v != nil {
		es, _ := d.entries(v, "functions")
		for _, e := range es {
			d.function(e, base, p)
		}
	}
	if v := m["exemptions"]; v != nil {
		nodes, _ := d.list(v, "exemptions")
		ids := map[string]int{}
		for _, n := range nodes {
			p.exemptions = append(p.exemptions, d.exemption(n, ids))
		}
	}
}

// settings decodes what every level of the file may set over to.
func (d *decoder) settings(m map[string]ast.Node, to *remedy.Decision) {
	if v := m["mode"]; v != nil {
		if s, ok := d.str(v, "mode", "off, observe or enforce"); ok {
			switch mode := remedy.Mode(s); mode {
			case remedy.Off, remedy.Observe, remedy.Enforce:
				to.Mode = mode
			default:
				d.unknown(v, "mode", s, "", []string{string(remedy.Off), string(remedy.Observe), string(remedy.Enforce)})
			}
		}
	}
	if v := m["caps"]; v != nil {
		caps := d.mapping(v, "caps", "blast", "fight")
		d.cap(caps["blast"], "the blast cap", remedy.MaxBlastLimit, &to.Blast)
		d.cap(caps["fight"], "the fight cap", remedy.MaxFightLimit, &to.Fight)
	}
	if v := m["undo_hold"]; v != nil {
		if hold, ok := d.duration(v, "undo_hold"); ok {
			to.UndoHold = hold
		}
	}
}

// cap decodes a cap as a whole: a limit means little without its window.
func (d *decoder) cap(n ast.Node, what string, most int, to *remedy.Cap) {
	if n == nil {
		return
	}
	m := d.mapping(n, what, "limit", "window")
	if m == nil {
		return
	}
	for _, key := range []string{"limit", "window"} {
		if m[key] == nil {
			d.errorf(n, "%s has no %s", what, key)
			return
		}
	}
	limit, limited := d.integer(m["limit"], "limit")
	if limited && limit < 1 {
		d.errorf(m["limit"], "limit must be at least 1; to stop a function set mode: off or observe")
		limited = false
	} else if limited && limit > most {
		d.errorf(m["limit"], "%s can count up to %d reverts, not %d", what, most, limit)
		limited = false
	}
	window, bounded := d.duration(m["window"], "window")
	if bounded && window > remedy.MaxCapWindow {
		d.errorf(m["window"], "%s can look back over at most %d days", what, remedy.MaxCapWindow/(24*time.Hour))
		bounded = false
	}
	if limited && bounded {
		*to = remedy.Cap{Limit: limit, Window: window}
	}
}

// function decodes one function's section into p.
func (d *decoder) function(e entry, base remedy.Decision, p *Policy) {
	f, known := d.functions[e.name]
	if !known && !d.others {
		d.unknown(e.key, "function", e.name, "", d.names())
		return
	}
	what := "function " + e.name
	m := d.mapping(e.value, what, "mode", "caps", "undo_hold", "params", "scopes")
	out := &function{base: base}
	out.base.Params = f.Params
	d.settings(m, &out.base)
	valid := true
	if v := m["params"]; v != nil && known {
		out.base.Params, valid = d.params(v, f.Params, what)
	} else if v != nil {
		d.entries(v, "params")
	}
	if v := m["scopes"]; v != nil {
		nodes, _ := d.list(v, "scopes")
		names := map[string]int{}
		for _, n := range nodes {
			out.scopes = append(out.scopes, d.scope(n, out.base, names, known && valid))
		}
	}
	if known {
		p.functions[e.name] = out
	}
}

// scope decodes one scope. names holds the lines of the names used so far.
func (d *decoder) scope(n ast.Node, base remedy.Decision, names map[string]int, checkParams bool) scope {
	s := scope{decision: base}
	s.line, s.column = at(n)
	m := d.mapping(n, "a scope", "name", "accounts", "regions", "resources", "mode", "caps", "undo_hold", "params")
	if m == nil {
		return s
	}
	s.decision.Scope = d.unique(n, m["name"], "scope", "name", names)
	what := label("scope", s.decision.Scope)
	if m["accounts"] == nil && m["regions"] == nil && m["resources"] == nil {
		d.errorf(n, "%s matches everything: give it accounts, regions or resources, or set what it says for the function", what)
	}
	for key, to := range map[string]*[]glob{"accounts": &s.accounts, "regions": &s.regions, "resources": &s.resources} {
		if v := m[key]; v != nil {
			*to = d.patterns(v, key)
		}
	}
	d.settings(m, &s.decision)
	if v := m["params"]; v != nil && checkParams {
		s.decision.Params, _ = d.params(v, base.Params, what)
	} else if v != nil {
		d.entries(v, "params")
	}
	return s
}

// unique decodes the name of an entry of a list, n, which no other entry may have.
func (d *decoder) unique(n, name ast.Node, what, key string, seen map[string]int) string {
	if name == nil {
		d.errorf(n, "the %s has no %s", what, key)
		return ""
	}
	s, ok := d.text(name, key)
	if !ok {
		return ""
	}
	line, _ := at(name)
	if before, dup := seen[s]; dup {
		d.errorf(name, "%s %q is given already, on line %d", what, s, before)
		return s
	}
	seen[s] = line
	return s
}

// label names an entry of a list, as well as it can be.
func label(what, name string) string {
	if name == "" {
		return "the " + what
	}
	return what + " " + name
}

// exemption decodes one exemption. ids holds the lines of the ids used so far.
func (d *decoder) exemption(n ast.Node, ids map[string]int) exemption {
	var x exemption
	x.line, x.column = at(n)
	m := d.mapping(n, "an exemption", "id", "function", "resource", "account", "tag", "actor", "reason", "owner", "expires")
	if m == nil {
		return x
	}
	x.ID = d.unique(n, m["id"], "exemption", "id", ids)
	what := label("exemption", x.ID)
	for _, key := range []string{"reason", "owner", "expires"} {
		if m[key] == nil {
			d.errorf(n, "%s has no %s; reason, owner and expires are mandatory", what, key)
		}
	}
	if v := m["function"]; v != nil {
		if name, ok := d.text(v, "function"); ok {
			x.Function = name
			if _, known := d.functions[name]; !known && !d.others {
				d.unknown(v, "function", name, "", d.names())
			}
		}
	}
	if m["resource"] == nil && m["account"] == nil && m["tag"] == nil && m["actor"] == nil {
		d.errorf(n, "%s covers every resource: narrow it by resource, account, tag or actor, or set mode: off for the function", what)
	}
	for key, to := range map[string]*glob{"resource": &x.resource, "account": &x.account, "actor": &x.actor} {
		if v := m[key]; v != nil {
			*to, _ = d.pattern(v, key)
			if to.isEverything() {
				d.errorf(v, "%s %q does not narrow the exemption: remove it, or narrow it", key, to.text)
			}
		}
	}
	x.Resource, x.Account, x.Actor = x.resource.text, x.account.text, x.actor.text
	if v := m["tag"]; v != nil {
		x.Tag, _ = d.text(v, "tag")
		if x.tagKey, x.tagValue = splitTag(x.Tag); x.Tag != "" && x.tagKey == "" {
			d.errorf(v, "tag %q has no key: write key or key=value", x.Tag)
		}
	}
	if v := m["reason"]; v != nil {
		x.Reason, _ = d.text(v, "reason")
	}
	if v := m["owner"]; v != nil {
		x.Owner, _ = d.text(v, "owner")
	}
	if v := m["expires"]; v != nil {
		x.Expires = d.expiry(v)
	}
	return x
}

// expiry decodes the time at which an exemption ends: a date ends with its
// last moment, UTC.
func (d *decoder) expiry(n ast.Node) time.Time {
	s, ok := d.str(n, "expires", "a date, such as 2027-01-31")
	if !ok {
		return time.Time{}
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.errorf(n, `expires is %q; write a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z`, s)
	}
	return t
}

func (d *decoder) names() []string { return slices.Collect(maps.Keys(d.functions)) }
