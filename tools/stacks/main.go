// Command stacks writes the parts of the deployment's templates that follow from
// the functions: a nested stack for each of AWS's services, what the root stack
// says of them, and the rules and roles of the spokes.
//
//	go run ./tools/stacks [REPOSITORY]
//
// A function's triggers and title come from its code, the statements of its role
// from role.yaml in its folder. In template.yaml and infra/spoke.yaml it replaces
// what stands between "# made: NAME" and "# end: NAME"; the files in
// infra/functions it writes whole.
package main

import (
	"bytes"
	"embed"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/ebb-ops/ebb/functions"
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
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o600); err != nil {
			log.Fatalf("write a template: %v", err)
		}
	}
}

// titles are what people call AWS's services.
var titles = map[string]string{
	"cloudtrail": "CloudTrail", "config": "AWS Config", "ec2": "EC2", "ecr": "ECR", "guardduty": "GuardDuty",
	"iam": "IAM", "kms": "KMS", "lambda": "Lambda", "rds": "RDS", "s3": "S3",
	"secretsmanager": "Secrets Manager", "sns": "SNS", "sqs": "SQS",
}

// service is one of AWS's services, with the functions for changes in it.
type service struct {
	Service, Title, ID string
	Global             bool // its events come in one region only
	Functions          []function
}

type function struct {
	Name, Title, ID, ServiceID, Service, Folder string
	Events                                      []string
	Statements                                  string // of its role
	actions                                     []string
}

// Events gives the names of all events that start a function of the service.
func (s service) Events() []string {
	var out []string
	for _, f := range s.Functions {
		out = append(out, f.Events...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Names gives the names of the functions, with commas.
func (s service) Names() string {
	var out []string
	for _, f := range s.Functions {
		out = append(out, f.Name)
	}
	return strings.Join(out, ",")
}

// Actions gives all that the service's functions may do.
func (s service) Actions() []string {
	var out []string
	for _, f := range s.Functions {
		out = append(out, f.actions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

//go:embed *.tmpl
var sources embed.FS

var tmpls = template.Must(template.New("").Funcs(template.FuncMap{
	"indent": func(n int, text string) string {
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		pad := strings.Repeat(" ", n)
		for i, l := range lines {
			if l != "" {
				lines[i] = pad + l
			}
		}
		return strings.Join(lines, "\n") + "\n"
	},
	"yaml": func(text string) string {
		if strings.ContainsAny(text, ":#'\"{}[]") {
			return strconv.Quote(text)
		}
		return text
	},
}).ParseFS(sources, "*.tmpl"))

// generate gives the files that change with the functions, by their paths.
func generate(root string, all []remedy.Function) (map[string][]byte, error) {
	services, err := collect(root, all)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, s := range services {
		var b bytes.Buffer
		if err := tmpls.ExecuteTemplate(&b, "stack.yaml.tmpl", s); err != nil {
			return nil, fmt.Errorf("write the stack of %s: %w", s.Service, err)
		}
		out["infra/functions/"+s.Service+".yaml"] = append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
	}
	var groups []string
	for _, f := range all {
		groups = append(groups, f.Name)
	}
	groups = append(groups, "gitea-webhook", "github-webhook")
	slices.Sort(groups)
	for _, part := range []struct {
		file, name string
		data       any
	}{
		{"template.yaml", "sources", services},
		{"template.yaml", "functions", services},
		{"template.yaml", "log-groups", groups},
		{"infra/spoke.yaml", "events", services},
		{"infra/spoke.yaml", "boundaries", services},
		{"infra/spoke.yaml", "roles", services},
	} {
		if out[part.file] == nil {
			if out[part.file], err = os.ReadFile(filepath.Join(root, part.file)); err != nil {
				return nil, fmt.Errorf("read a template: %w", err)
			}
		}
		var b bytes.Buffer
		if err := tmpls.ExecuteTemplate(&b, part.name+".yaml.tmpl", part.data); err != nil {
			return nil, fmt.Errorf("write %s of %s: %w", part.name, part.file, err)
		}
		if out[part.file], err = replace(out[part.file], part.name, b.Bytes()); err != nil {
			return nil, fmt.Errorf("%s: %w", part.file, err)
		}
	}
	return out, nil
}

// replace puts text between the two comments that name a part.
func replace(file []byte, name string, text []byte) ([]byte, error) {
	part := regexp.MustCompile(`(?s)(\n[ -]*# made: ` + name + `\n)(?:.*\n)??( *# end: ` + name + `\n)`)
	at := part.FindSubmatchIndex(file)
	if at == nil {
		return nil, fmt.Errorf("there is no part between # made: %s and # end: %s", name, name)
	}
	return slices.Concat(file[:at[3]], bytes.TrimRight(text, "\n"), []byte("\n"), file[at[4]:]), nil
}

// collect gives AWS's services, with their functions in the order of all.
func collect(root string, all []remedy.Function) ([]service, error) {
	byName := map[string]*service{}
	for _, f := range all {
		name, ok := strings.CutPrefix(f.Triggers[0].Source, "aws.")
		if !ok {
			continue
		}
		s := byName[name]
		if s == nil {
			if titles[name] == "" {
				return nil, fmt.Errorf("%s: say in tools/stacks what people call the service %s", f.Name, name)
			}
			s = &service{Service: name, Title: titles[name], ID: logicalID(name), Global: name == "iam"}
			byName[name] = s
		}
		folder := strings.ReplaceAll(f.Name, "-", "")
		role, err := os.ReadFile(filepath.Join(root, "functions", folder, "role.yaml"))
		if err != nil {
			return nil, fmt.Errorf("read what the role of %s may do: %w", f.Name, err)
		}
		fn := function{
			Name: f.Name, Title: f.Title, ID: logicalID(f.Name), ServiceID: s.ID, Service: name, Folder: folder,
			Statements: withoutComments(string(role)), actions: f.Actions,
		}
		for _, t := range f.Triggers {
			if t.Source != "aws."+name {
				return nil, fmt.Errorf("%s has triggers of %s and of %s: its rule can be for one of them", f.Name, f.Triggers[0].Source, t.Source)
			}
			fn.Events = append(fn.Events, t.Names...)
		}
		s.Functions = append(s.Functions, fn)
	}
	var out []service
	for _, s := range byName {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b service) int { return strings.Compare(a.Service, b.Service) })
	return out, nil
}

// withoutComments takes the lines at the top off that are comments only.
func withoutComments(text string) string {
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// logicalID gives the name of a function's resource: "S3BucketPolicy".
func logicalID(name string) string {
	var out string
	for word := range strings.SplitSeq(name, "-") {
		out += strings.ToUpper(word[:1]) + word[1:]
	}
	return out
}
