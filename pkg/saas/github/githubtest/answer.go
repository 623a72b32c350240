package githubtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// examples are GitHub's own; testdata/SOURCES.md says from where.
//
//go:embed testdata/examples.json
var examples []byte

const web = "https://github.com/"

type answer struct {
	status int
	header http.Header
	body   json.RawMessage
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that has hung up needs no answer
}

func notFound() answer { return failure(http.StatusNotFound, "Not Found") }

// failure is GitHub's basic error.
func failure(status int, message string) answer {
	return answer{status: status, body: encode(map[string]any{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status),
	})}
}

// invalid is GitHub's validation error.
func invalid(message string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: encode(map[string]any{
		"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
		"errors": []any{map[string]any{"resource": "Repository", "field": "visibility", "code": "custom", "message": message}},
	})}
}

// redirect is what GitHub answers under a name that was given up.
func redirect(r *http.Request, repo *Repo) answer {
	status := http.StatusMovedPermanently
	if r.Method != http.MethodGet {
		status = http.StatusTemporaryRedirect
	}
	a := failure(status, "Moved Permanently")
	a.header = http.Header{"Location": {fmt.Sprintf("/repositories/%d", repo.ID)}}
	return a
}

// example gives a fresh copy of one of GitHub's examples, with names replaced.
func example(name string, replace ...string) map[string]any {
	var all map[string]json.RawMessage
	must(json.Unmarshal(examples, &all))
	var one map[string]any
	must(json.Unmarshal([]byte(strings.NewReplacer(replace...).Replace(string(all[name]))), &one))
	return one
}

// must holds for the embedded examples and for values made of maps: neither can fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	must(err)
	return raw
}

func (r *Repo) object() map[string]any {
	v := example("repository", "octocat/Hello-World", r.Owner+"/"+r.Name)
	v["id"], v["name"], v["full_name"] = r.ID, r.Name, r.Owner+"/"+r.Name
	v["visibility"], v["private"] = r.Visibility, r.Visibility != "public"
	v["archived"], v["fork"] = r.Archived, r.Fork
	v["topics"] = append([]string{}, r.Topics...)
	v["created_at"] = r.Updated.UTC().Format(time.RFC3339)
	v["updated_at"] = r.Updated.UTC().Format(time.RFC3339)
	owner := v["owner"].(map[string]any)
	owner["login"], owner["html_url"], owner["type"] = r.Owner, web+r.Owner, "Organization"
	if r.User {
		owner["type"] = "User"
		delete(v, "organization")
	} else {
		v["organization"] = owner
	}
	delete(v, "template_repository")
	if !r.Fork {
		delete(v, "parent")
		delete(v, "source")
	}
	return v
}

func (r *Repo) json() json.RawMessage { return encode(r.object()) }

func (in Installation) json(now time.Time) json.RawMessage {
	v := example("installation")
	v["id"], v["suspended_at"], v["suspended_by"] = in.ID, nil, nil
	v["account"].(map[string]any)["login"] = in.Account
	v["repository_selection"] = "all"
	if in.Only != nil {
		v["repository_selection"] = "selected"
	}
	v["permissions"] = map[string]any{"administration": "write", "metadata": "read"}
	if in.ReadOnly {
		v["permissions"] = map[string]any{"metadata": "read"}
	}
	if in.Suspended {
		v["suspended_at"] = now.UTC().Format(time.RFC3339)
	}
	return encode(v)
}

func (t Token) json() json.RawMessage {
	v := example("user", "octocat", t.Login)
	v["login"], v["user_view_type"] = t.Login, "private"
	return encode(v)
}

func membership(t Token, org, role string) json.RawMessage {
	v := example("membership")
	v["role"] = role
	v["user"].(map[string]any)["login"] = t.Login
	v["organization"].(map[string]any)["login"] = org
	return encode(v)
}
