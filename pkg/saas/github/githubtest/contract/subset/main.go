// Command subset cuts the operations that Ebb calls, and every schema that they
// need, out of GitHub's OpenAPI description. CONTRACT.md beside its output says
// where that comes from.
//
//	go run ./pkg/saas/github/githubtest/contract/subset ghec.json github-openapi-subset.json examples.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// operations are the calls of pkg/saas/github that GitHub describes.
var operations = map[string][]string{
	"/repos/{owner}/{repo}":                              {"get", "patch"},
	"/repos/{owner}/{repo}/installation":                 {"get"},
	"/app/installations/{installation_id}":               {"get"},
	"/app/installations/{installation_id}/access_tokens": {"post"},
	"/user":                        {"get"},
	"/user/memberships/orgs/{org}": {"get"},
}

// answers are the examples that the test server's answers are made of.
var answers = map[string]string{
	"repository":   "full-repository-default-response",
	"installation": "installation",
	"user":         "private-user-response-with-public-and-private-profile-information",
	"membership":   "org-membership-response-if-user-has-an-active-admin-membership-with-organization",
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: subset DESCRIPTION SUBSET EXAMPLES")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "subset:", err)
		os.Exit(1)
	}
}

func run(in, out, examples string) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	paths := map[string]any{}
	for path, methods := range operations {
		item, ok := all["paths"].(map[string]any)[path].(map[string]any)
		if !ok {
			return fmt.Errorf("no path %s", path)
		}
		kept := map[string]any{}
		for _, method := range methods {
			kept[method] = item[method]
		}
		paths[path] = kept
	}
	components, ok := all["components"].(map[string]any)
	if !ok {
		return fmt.Errorf("no components")
	}
	kept := map[string]any{}
	if err := follow(paths, components, kept); err != nil {
		return err
	}
	if err := write(out, map[string]any{
		"openapi": all["openapi"], "info": all["info"], "servers": all["servers"], "paths": paths, "components": kept,
	}); err != nil {
		return err
	}
	values := map[string]any{}
	for name, example := range answers {
		e, ok := components["examples"].(map[string]any)[example].(map[string]any)
		if !ok {
			return fmt.Errorf("no example %s", example)
		}
		values[name] = e["value"]
	}
	return write(examples, values)
}

// follow copies every component that v refers to, and what those refer to.
// Examples are left out: no validation needs them.
func follow(v any, from, to map[string]any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := follow(e, from, to); err != nil {
				return err
			}
		}
	case map[string]any:
		if isExamples(v["examples"]) {
			delete(v, "examples")
		}
		if ref, ok := v["$ref"].(string); ok {
			return resolve(ref, from, to)
		}
		for _, e := range v {
			if err := follow(e, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func resolve(ref string, from, to map[string]any) error {
	kind, name, ok := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	if !ok {
		return fmt.Errorf("strange reference %s", ref)
	}
	section, _ := to[kind].(map[string]any)
	if section == nil {
		section = map[string]any{}
		to[kind] = section
	}
	if section[name] != nil {
		return nil
	}
	component := from[kind].(map[string]any)[name]
	if component == nil {
		return fmt.Errorf("no component %s", ref)
	}
	section[name] = component
	return follow(component, from, to)
}

// isExamples tells a media type's examples from a property of that name.
func isExamples(v any) bool {
	m, ok := v.(map[string]any)
	for _, e := range m {
		e, isMap := e.(map[string]any)
		_, isRef := e["$ref"]
		_, isValue := e["value"]
		if !isMap || !isRef && !isValue {
			return false
		}
	}
	return ok
}

func write(name string, v any) error {
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(out, '\n'), 0o644)
}
