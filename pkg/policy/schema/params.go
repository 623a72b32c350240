package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Param is one parameter of a function, for people.
type Param struct {
	Name    string          `json:"name"`
	Type    string          `json:"type"`              // "list of whole numbers"
	Default json.RawMessage `json:"default,omitempty"` // as the policy would say it; missing when nothing is set
	Doc     string          `json:"doc"`
}

// Params gives a function's parameters in the order in which it declares
// them; none when it has none. It is an error if their type is one that a
// policy can't hold.
func Params(f remedy.Function) ([]Param, error) {
	if f.Params == nil {
		return nil, nil
	}
	s, err := parameters(f)
	if err != nil {
		return nil, fmt.Errorf("describe the parameters of %s: %w", f.Name, err)
	}
	var out []Param
	for _, name := range s.PropertyOrder {
		p := s.Properties[name]
		out = append(out, Param{name, human(p, false), p.Default, p.Description})
	}
	return out, nil
}

// parameters gives the schema of a function's parameters, with its defaults.
func parameters(f remedy.Function) (*jsonschema.Schema, error) {
	t := reflect.TypeOf(f.Params)
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("parameters are %s, want a struct", t)
	}
	strings := map[reflect.Type]*jsonschema.Schema{}
	texts(t, map[reflect.Type]bool{}, strings)
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: strings})
	if err != nil {
		return nil, err
	}
	loosen(s)
	encoded, err := json.Marshal(f.Params)
	if err != nil {
		return nil, fmt.Errorf("encode the defaults: %w", err)
	}
	var defaults map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &defaults); err != nil {
		return nil, fmt.Errorf("decode the defaults: %w", err)
	}
	for name, p := range s.Properties {
		p.Default = defaults[name]
		if given := string(p.Default); given != "" && given != "null" {
			continue
		}
		switch p.Type { // nil in Go, or omitted as empty
		case "array":
			p.Default = json.RawMessage("[]")
		case "object":
			p.Default = json.RawMessage("{}")
		default:
			p.Default = nil
		}
	}
	return s, nil
}

// texts finds the types that are written as strings because they decode themselves.
func texts(t reflect.Type, seen map[reflect.Type]bool, found map[reflect.Type]*jsonschema.Schema) {
	if seen[t] {
		return
	}
	seen[t] = true
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		found[t] = &jsonschema.Schema{Type: "string"}
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		texts(t.Elem(), seen, found)
	case reflect.Struct:
		for i := range t.NumField() {
			texts(t.Field(i).Type, seen, found)
		}
	}
}

// loosen makes every key optional, because there is a default for each, and
// takes away null, which a policy can't say.
func loosen(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	s.Required = nil
	if types := slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return t == "null" }); len(types) == 1 {
		s.Type, s.Types = types[0], nil
	}
	loosen(s.Items)
	loosen(s.AdditionalProperties)
	for _, p := range s.Properties {
		loosen(p)
	}
}

// human names a type, in the plural for "list of …".
func human(s *jsonschema.Schema, many bool) string {
	plural := ""
	if many {
		plural = "s"
	}
	switch s.Type {
	case "boolean":
		return "true or false"
	case "integer":
		return "whole number" + plural
	case "array":
		return "list" + plural + " of " + human(s.Items, true)
	case "object":
		if len(s.PropertyOrder) > 0 {
			return "mapping" + plural + " with " + strings.Join(s.PropertyOrder, ", ")
		}
		if s.AdditionalProperties != nil {
			return "mapping" + plural + " to " + human(s.AdditionalProperties, true)
		}
		return "mapping" + plural
	}
	return s.Type + plural
}
