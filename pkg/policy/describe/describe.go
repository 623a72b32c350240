// Package describe puts a function and what the policy says of it into words,
// for the command line and the console.
package describe

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/schema"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function gives a function with what the policy says of it.
func Function(f remedy.Function, p *policy.Policy) (console.Function, error) {
	says, _ := p.Describe(f.Name) // it was loaded with every function
	out := console.Function{
		Name: f.Name, Title: f.Title, Severity: f.Severity, Triggers: f.Triggers, Actions: append([]string{}, f.Actions...),
		Settings: settings(says.Decision), Exemptions: says.Exemptions, Params: []console.Param{},
	}
	params, err := schema.Params(f)
	if err != nil {
		return out, err
	}
	values, err := members(says.Decision.Params)
	if err != nil {
		return out, fmt.Errorf("describe %s: %w", f.Name, err)
	}
	for _, param := range params {
		out.Params = append(out.Params, console.Param{
			Name: param.Name, Type: param.Type, Doc: param.Doc, Default: param.Default, Value: orDefault(values[param.Name], param.Default),
		})
	}
	for _, s := range says.Scopes {
		scope := console.Scope{
			Name: s.Decision.Scope, Accounts: s.Accounts, Regions: s.Regions, Resources: s.Resources,
			Settings: settings(s.Decision), Params: map[string]json.RawMessage{},
		}
		own, err := members(s.Decision.Params)
		if err != nil {
			return out, fmt.Errorf("describe %s: scope %s: %w", f.Name, scope.Name, err)
		}
		for name, v := range own {
			if !bytes.Equal(v, values[name]) {
				scope.Params[name] = v
			}
		}
		out.Scopes = append(out.Scopes, scope)
	}
	return out, nil
}

func settings(d remedy.Decision) console.Settings {
	limit := func(c remedy.Cap) console.Cap { return console.Cap{Limit: c.Limit, Window: console.Duration(c.Window)} }
	return console.Settings{Mode: d.Mode, Blast: limit(d.Blast), Fight: limit(d.Fight), UndoHold: console.Duration(d.UndoHold)}
}

// members gives a struct's members as a policy would write them.
func members(params any) (map[string]json.RawMessage, error) {
	if params == nil {
		return nil, nil
	}
	b, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	return out, nil
}

// orDefault gives the default for a value that Go leaves out or calls null.
func orDefault(v, def json.RawMessage) json.RawMessage {
	if len(v) == 0 || string(v) == "null" {
		return def
	}
	return v
}
