package metrics_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

func TestTable_is_in_the_documentation(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(src), "<!-- metrics -->\n")
	documented, _, ended := strings.Cut(rest, "<!-- /metrics -->")
	if !found || !ended {
		t.Fatal("docs/observability.md has no lines <!-- metrics --> and <!-- /metrics -->")
	}
	if diff := cmp.Diff(metrics.Table(), strings.TrimSpace(documented)+"\n"); diff != "" {
		t.Errorf("the table (-code +documentation):\n%s\nput this in its place:\n%s", diff, metrics.Table())
	}
}

// The limits are CloudWatch's, the style is OpenTelemetry's and Powertools'.
// https://opentelemetry.io/docs/specs/semconv/general/naming/
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
func TestAll_keep_to_the_conventions(t *testing.T) {
	t.Parallel()
	var (
		names, emfNames, dimensions []string
		dotted                      = regexp.MustCompile(`^[a-z][a-z_]*(\.[a-z][a-z_]*)+$`)
		pascal                      = regexp.MustCompile(`^([A-Z][a-z]+)+$`)
		snake                       = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
		unit                        = regexp.MustCompile(`^(s|\{[a-z]+\})$`)
	)
	for _, i := range metrics.All {
		names = append(names, i.Name)
		switch {
		case !dotted.MatchString(i.Name):
			t.Errorf("%s: an instrument's name has lower-case words between dots", i.Name)
		case !unit.MatchString(i.Unit):
			t.Errorf("%s: unit %q is neither s nor {thing}", i.Name, i.Unit)
		case !strings.HasSuffix(i.Description, "."):
			t.Errorf("%s: description %q is no sentence", i.Name, i.Description)
		case (i.Kind == metrics.Histogram) != (len(i.Buckets) > 0) || !slices.IsSorted(i.Buckets):
			t.Errorf("%s: a %s with buckets %v", i.Name, i.Kind, i.Buckets)
		}
		for _, a := range i.Attributes {
			if !dotted.MatchString(a.Key) {
				t.Errorf("%s: attribute %q has lower-case words between dots", i.Name, a.Key)
			}
		}
		if i.EMF.Name == "" {
			continue
		}
		emfNames = append(emfNames, i.EMF.Name)
		wantUnit := map[metrics.Kind]string{metrics.Counter: "Count", metrics.Histogram: "Seconds"}[i.Kind]
		if !pascal.MatchString(i.EMF.Name) || i.EMF.Unit != wantUnit || len(i.EMF.Dimensions) == 0 {
			t.Errorf("%s: EMF %+v, want a PascalCase name in %s, with dimensions", i.Name, i.EMF, wantUnit)
		}
		for _, set := range i.EMF.Dimensions {
			if len(set) > 30 || set[0] != metrics.Service {
				t.Errorf("%s: dimension set %v, want at most 30, the service first", i.Name, set)
			}
			for _, a := range set {
				if !snake.MatchString(a.Dimension) || len(a.Dimension) > 250 {
					t.Errorf("%s: dimension %q, want snake_case", i.Name, a.Dimension)
				}
				if a != metrics.Service && a != metrics.Function && !slices.Contains(i.Attributes, a) {
					t.Errorf("%s: dimension %s is no attribute of it", i.Name, a.Dimension)
				}
				dimensions = append(dimensions, a.Dimension)
			}
		}
	}
	for _, list := range [][]string{names, emfNames} {
		slices.Sort(list)
		if len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("a name is there twice: %v", list)
		}
	}
	// A document has metrics and dimensions side by side.
	for _, name := range emfNames {
		if slices.Contains(dimensions, name) {
			t.Errorf("%s is a metric and a dimension", name)
		}
	}
}
