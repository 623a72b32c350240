// Package schema describes the notify file as a JSON Schema, for editors.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Schema gives the JSON Schema (draft 2020-12) of the notify file, indented.
// Every file that [notify.Load] accepts is valid; what Load refuses beyond it
// concerns more than one value.
func Schema() ([]byte, error) {
	s, err := jsonschema.For[notify.Config](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Duration]():   {Type: "string", Pattern: `^([0-9]+[hms])+$`},
		reflect.TypeFor[remedy.Outcome]():  {Type: "string", Enum: words(notify.Outcomes())},
		reflect.TypeFor[remedy.Severity](): {Type: "string", Enum: words(notify.Severities())},
	}})
	if err != nil {
		return nil, fmt.Errorf("describe the notify file: %w", err)
	}
	tighten(s)
	s.Properties["digests"].Items.Properties["reports"].Items.Enum = words(digest.Reports())
	s.Properties["version"].Const = jsonschema.Ptr[any](notify.Version)
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "Ebb notifications"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	return append(out, '\n'), nil
}

func words[T ~string](in []T) (out []any) {
	for _, w := range in {
		out = append(out, string(w))
	}
	return out
}

// tighten takes null away, which the file can't say.
func tighten(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if types := slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return t == "null" }); len(types) == 1 {
		s.Type, s.Types = types[0], nil
	}
	tighten(s.Items)
	tighten(s.AdditionalProperties)
	for _, p := range s.Properties {
		tighten(p)
	}
}
