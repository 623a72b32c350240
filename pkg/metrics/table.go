package metrics

import (
	"fmt"
	"strings"
)

// Table gives the instruments as a Markdown table, for the documentation.
func Table() string {
	var b strings.Builder
	b.WriteString("| metric | kind, unit | attributes | in CloudWatch | dimension sets | what |\n|---|---|---|---|---|---|\n")
	for _, i := range All {
		cloudWatch := "–"
		if i.EMF.Name != "" {
			cloudWatch = fmt.Sprintf("`%s`, %s", i.EMF.Name, i.EMF.Unit)
		}
		var keys, sets []string
		for _, a := range i.Attributes {
			keys = append(keys, "`"+a.Key+"`")
		}
		for _, set := range i.EMF.Dimensions {
			sets = append(sets, "`"+strings.Join(names(set), ", ")+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s, %s | %s | %s | %s | %s |\n",
			i.Name, i.Kind, i.Unit, orNone(strings.Join(keys, ", ")), cloudWatch, orNone(strings.Join(sets, "; ")), i.Description)
	}
	return b.String()
}

func names(set []Attribute) []string {
	out := make([]string, len(set))
	for i, a := range set {
		out[i] = a.Dimension
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
