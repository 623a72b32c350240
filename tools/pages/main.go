// Command pages writes what people read about each function: a page in
// docs/functions, their list there, and the table in the README. All of it comes
// from the functions' code.
//
//	go run ./tools/pages [REPOSITORY]
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/schema"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func main() {
	log.SetFlags(0)
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	files, err := generate(root, functions.All)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "docs/functions"), 0o755); err != nil {
		log.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// page is a function as its page shows it.
type page struct {
	remedy.Function
	Folder string
	AWS    bool
	Mode   remedy.Mode // unless a policy says otherwise
	Params []schema.Param
}

//go:embed *.tmpl
var sources embed.FS

var tmpls = template.Must(template.New("").Funcs(template.FuncMap{
	"oneline": func(raw json.RawMessage) (string, error) {
		if len(raw) == 0 {
			return "none", nil
		}
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return "", err
		}
		return "`" + strings.ReplaceAll(b.String(), ",", ", ") + "`", nil
	},
	"sentence": func(s string) string { return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "." },
	"code":     func(list []string) string { return "`" + strings.Join(list, "`, `") + "`" },
}).ParseFS(sources, "*.tmpl"))

// generate gives the files by their paths. A function that lacks words for its
// page is an error.
func generate(root string, all []remedy.Function) (map[string][]byte, error) {
	var pages []page
	for _, f := range all {
		for what, text := range map[string]string{"Bad": f.Doc.Bad, "Repair": f.Doc.Repair, "Keeps": f.Doc.Keeps, "Limits": strings.Join(f.Doc.Limits, "")} {
			if text == "" {
				return nil, fmt.Errorf("%s: its Doc has no %s", f.Name, what)
			}
		}
		params, err := schema.Params(f)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", f.Name, err)
		}
		pages = append(pages, page{
			Function: f, Folder: strings.ReplaceAll(f.Name, "-", ""), Mode: policy.DefaultMode, Params: params,
			AWS: strings.HasPrefix(f.Triggers[0].Source, "aws."),
		})
	}
	out := map[string][]byte{}
	for _, p := range pages {
		text, err := execute("page.md.tmpl", p)
		if err != nil {
			return nil, fmt.Errorf("write the page of %s: %w", p.Name, err)
		}
		out["docs/functions/"+p.Name+".md"] = text
	}
	table, err := execute("table.md.tmpl", pages)
	if err != nil {
		return nil, fmt.Errorf("write the table: %w", err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, fmt.Errorf("read the README: %w", err)
	}
	part := regexp.MustCompile(`(?s)(<!-- functions: made by make generate -->\n).*(<!-- functions end -->\n)`)
	at := part.FindSubmatchIndex(readme)
	if at == nil {
		return nil, fmt.Errorf("the README has no place for the table of functions")
	}
	out["README.md"] = slices.Concat(readme[:at[3]], table, readme[at[4]:])
	return out, nil
}

func execute(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := tmpls.ExecuteTemplate(&b, name, data)
	return b.Bytes(), err
}
