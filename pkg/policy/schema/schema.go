// Package schema describes the policy file: as a JSON Schema for editors, and
// parameter by parameter for people. It is apart from package policy to keep
// the schema library out of the functions' binaries.
package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Schema gives the JSON Schema (draft 2020-12) of the policy file for the given
// functions, indented. Every file that [policy.Load] accepts is valid; of what
// Load refuses, the schema refuses what can be said of one value at a time.
func Schema(functions []remedy.Function) ([]byte, error) {
	var names []any
	sections := map[string]*jsonschema.Schema{}
	defs := definitions()
	for _, f := range functions {
		names = append(names, f.Name)
		section, params, err := function(f)
		if err != nil {
			return nil, fmt.Errorf("describe function %s: %w", f.Name, err)
		}
		sections[f.Name] = section
		if params != nil {
			defs[paramsDef(f)] = params
		}
	}
	slices.SortFunc(names, func(a, b any) int { return cmp.Compare(a.(string), b.(string)) })
	root := object("", map[string]*jsonschema.Schema{
		"version":  describe(&jsonschema.Schema{Const: jsonschema.Ptr[any](policy.Version)}, "The version of the file format."),
		"defaults": object("What holds for every function that does not say otherwise.", settings()),
		"tracing": object("Which traces are exported.", map[string]*jsonschema.Schema{
			"noops": describe(&jsonschema.Schema{Type: "number", Minimum: jsonschema.Ptr(0.0), Maximum: jsonschema.Ptr(1.0)},
				fmt.Sprintf("The share of events that led to nothing whose trace is exported, from 0 to 1; what left a record always is. Where nothing is said: %v.", policy.DefaultTracedNoops)),
		}),
		"functions":  object("What holds for each function. One that is not named gets the defaults.", sections),
		"exemptions": describe(listOf(exemption(names), 0), "Written exceptions. The first one that matches applies, until it expires."),
	}, "version")
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Ebb policy"
	root.Defs = defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	return append(out, '\n'), nil
}

// definitions gives the parts that recur.
func definitions() map[string]*jsonschema.Schema {
	blast, fight := policy.DefaultBlast(), policy.DefaultFight()
	return map[string]*jsonschema.Schema{
		"mode": describe(&jsonschema.Schema{
			Type: "string",
			Enum: []any{string(remedy.Off), string(remedy.Observe), string(remedy.Enforce)},
		}, fmt.Sprintf("off ignores events, observe records the calls that would be made, enforce makes them. Where nothing is said: %s.", policy.DefaultMode)),
		"duration": describe(&jsonschema.Schema{Type: "string", Pattern: `^([0-9]+[hms])+$`},
			`Whole hours, minutes and seconds: "90s", "10m", "1h30m".`),
		"cap": object("At most this many reverts in a sliding window.", map[string]*jsonschema.Schema{
			"limit":  describe(&jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(1.0), Maximum: jsonschema.Ptr(float64(remedy.MaxBlastLimit))}, "How many reverts are allowed."),
			"window": ref("duration"),
		}, "limit", "window"),
		"caps": object("Past a cap nothing is changed and a person is told.", map[string]*jsonschema.Schema{
			"blast": describe(ref("cap"), fmt.Sprintf("Reverts by one function in one account. Where nothing is said: %d in %s.", blast.Limit, blast.Window)),
			"fight": describe(ref("cap"), fmt.Sprintf("Reverts of one resource. Where nothing is said: %d in %s.", fight.Limit, fight.Window)),
		}),
		"patterns": describe(listOf(&jsonschema.Schema{Type: "string", Pattern: `\S`}, 1),
			"Patterns of which one must match: * stands for any characters, ? for one."),
	}
}

// settings gives the keys that every level of the file may have.
func settings() map[string]*jsonschema.Schema {
	return map[string]*jsonschema.Schema{
		"mode": ref("mode"),
		"caps": ref("caps"),
		"undo_hold": describe(ref("duration"),
			fmt.Sprintf("How long a resource is left alone after an undo. Where nothing is said: %s.", policy.DefaultUndoHold)),
	}
}

// function gives the schema of a function's section, and that of its
// parameters, nil when it has none.
func function(f remedy.Function) (section, params *jsonschema.Schema, err error) {
	keys := settings()
	scope := settings()
	if f.Params != nil {
		if params, err = parameters(f); err != nil {
			return nil, nil, err
		}
		keys["params"] = ref(paramsDef(f))
		scope["params"] = describe(ref(paramsDef(f)), "Merged over the function's params, key by key.")
	}
	scope["name"] = describe(text(), "What records call the scope. Unique in the function.")
	scope["accounts"] = describe(ref("patterns"), "AWS account ids, or the SaaS product's tenants. Patterns.")
	scope["regions"] = describe(ref("patterns"), "AWS regions. Patterns.")
	scope["resources"] = describe(ref("patterns"), "Resources as records name them: ARNs, or the product's own paths. Patterns.")
	one := object("A part of the world in which the function is treated differently. All the lists that are given must match.", scope, "name")
	one.AnyOf = oneGiven("accounts", "regions", "resources")
	keys["scopes"] = describe(listOf(one, 0), "Tried in order; the first that matches applies, and inherits what it does not set.")
	return object(f.Title, keys), params, nil
}

func exemption(functions []any) *jsonschema.Schema {
	// A pattern of stars alone would not narrow anything.
	narrowing := func(doc string) *jsonschema.Schema {
		return describe(&jsonschema.Schema{Type: "string", Pattern: `[^*\s]|\*\s|\s\*`}, doc)
	}
	x := object("", map[string]*jsonschema.Schema{
		"id":       describe(text(), "What records call the exemption. Unique in the file."),
		"function": describe(&jsonschema.Schema{Type: "string", Enum: functions}, "The only function that it exempts from."),
		"resource": narrowing("The resource as records name it. A pattern."),
		"account":  narrowing("The AWS account id, or the SaaS product's tenant. A pattern."),
		"tag":      describe(&jsonschema.Schema{Type: "string", Pattern: `^[^=]+(=|$)`}, "A tag of the live resource: key, or key=value, where the value is a pattern."),
		"actor":    narrowing("Who made the change: the ARN, the login, or the name if there is neither. A pattern."),
		"reason":   describe(text(), "Why."),
		"owner":    describe(text(), "Who answers for it."),
		"expires":  describe(&jsonschema.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$`}, "The last day (UTC), or the time of its end (RFC 3339)."),
	}, "id", "reason", "owner", "expires")
	x.AnyOf = oneGiven("resource", "account", "tag", "actor")
	return x
}

func paramsDef(f remedy.Function) string { return "params-" + f.Name }

func ref(def string) *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/" + def} }

func text() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: `\S`} }

func describe(s *jsonschema.Schema, doc string) *jsonschema.Schema {
	s.Description = doc
	return s
}

func listOf(s *jsonschema.Schema, least int) *jsonschema.Schema {
	out := &jsonschema.Schema{Type: "array", Items: s}
	if least > 0 {
		out.MinItems = &least
	}
	return out
}

// object gives an object that has no other keys than these.
func object(doc string, keys map[string]*jsonschema.Schema, required ...string) *jsonschema.Schema {
	return &jsonschema.Schema{
		Type: "object", Description: doc, Properties: keys, Required: required,
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
}

// oneGiven demands that at least one of the keys is there.
func oneGiven(keys ...string) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, k := range keys {
		out = append(out, &jsonschema.Schema{Required: []string{k}})
	}
	return out
}
