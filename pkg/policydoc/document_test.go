package policydoc

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// whole compares documents with all that is in them, not by their text alone.
var whole = cmp.Options{
	cmp.Transformer("whole", func(d Document) parts { return parts(d) }),
	cmp.AllowUnexported(parts{}, span{}),
}

type parts struct {
	Version    string
	Statements []Statement
	text       string
	spans      []span
}

func parsed(t testing.TB, text string) Document {
	t.Helper()
	if text == "" {
		return Document{}
	}
	d, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWithout(t *testing.T) {
	t.Parallel()
	st := func(sid string) string {
		return `{"Sid": "` + sid + `",  "Effect":"Deny","Principal":"*" ,"Action":"s3:*"}`
	}
	a, b, c := st("a"), st("b"), st("c")
	for name, tc := range map[string]struct {
		text string
		drop []int
		want string
	}{
		"none":                          {"{ \"Statement\":[" + a + " ] }\n", nil, "{ \"Statement\":[" + a + " ] }\n"},
		"no such index":                 {`{"Statement":[` + a + `]}`, []int{7}, `{"Statement":[` + a + `]}`},
		"first":                         {"{\"Statement\": [\n\t" + a + ",\n\t" + b + ",\n\t" + c + "\n], \"Id\":\"x\"}", []int{0}, "{\"Statement\": [\n\t" + b + ",\n\t" + c + "\n], \"Id\":\"x\"}"},
		"middle":                        {"{\"Statement\": [\n\t" + a + " ,\n\t" + b + ",\n\t" + c + "\n]}", []int{1}, "{\"Statement\": [\n\t" + a + ",\n\t" + c + "\n]}"},
		"last":                          {"{\"Version\":\"2012-10-17\",\"Statement\": [\n\t" + a + ",\n\t" + b + "\n]}", []int{1}, "{\"Version\":\"2012-10-17\",\"Statement\": [\n\t" + a + "\n]}"},
		"first and last":                {`{"Statement":[` + a + `,` + b + `,` + c + `]}`, []int{2, 0}, `{"Statement":[` + b + `]}`},
		"all":                           {`{"Statement":[` + a + `,` + b + `]}`, []int{0, 1}, ""},
		"the only one, an object":       {`{"Statement":` + a + `}`, []int{0}, ""},
		"none of an object":             {`{"Statement": ` + a + `}`, nil, `{"Statement": ` + a + `}`},
		"none of an empty list":         {`{"Statement":[]}`, []int{0}, `{"Statement":[]}`},
		"brackets and commas in a text": {`{"Statement":[` + st(`a],[\"{`) + `,` + b + `],"Id":"],["}`, []int{1}, `{"Statement":[` + st(`a],[\"{`) + `],"Id":"],["}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parsed(t, tc.text).Without(func(i int) bool { return slices.Contains(tc.drop, i) })
			if diff := cmp.Diff(parsed(t, tc.want), got, whole); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEquivalentAndHolds(t *testing.T) {
	t.Parallel()
	const (
		x  = `{"Sid":"x","Effect":"Allow","Principal":{"AWS":["1","2"]},"Action":["s3:Get*"],"Resource":"*","Condition":{"Bool":{"k":"true"}}}`
		x2 = `{ "Condition":{"Bool":{"k":["true"]}},"Effect":"Allow","Principal":{"AWS":["2","1"]},"Action":"s3:Get*","Resource":["*"],"Sid":"x" }`
		y  = `{"Sid":"y","Effect":"Deny","Principal":"*","Action":"s3:*"}`
	)
	doc := func(version string, sts ...string) string {
		return `{"Version":"` + version + `","Statement":[` + strings.Join(sts, ",") + `]}`
	}
	const v8, v12 = "2008-10-17", "2012-10-17"
	for name, c := range map[string]struct {
		a, b                     string
		equivalent, aHolds, hasA bool
	}{
		"both none":                  {"", "", true, true, true},
		"none and one":               {"", doc(v12, x), false, false, true},
		"same text":                  {doc(v12, x), doc(v12, x), true, true, true},
		"written in another way":     {doc(v12, x, y), doc(v12, y, x2), true, true, true},
		"one as an object":           {doc(v12, x), `{"Statement":` + x + `,"Version":"2012-10-17"}`, true, true, true},
		"one more":                   {doc(v12, x, y), doc(v12, x), false, true, false},
		"another action":             {doc(v12, x), doc(v12, strings.Replace(x, "Get", "Put", 1)), false, false, false},
		"a boolean is not a string":  {doc(v12, x), doc(v12, strings.Replace(x, `"true"`, `true`, 1)), false, false, false},
		"another id":                 {doc(v12, x), `{"Id":"i","Version":"2012-10-17","Statement":` + x + `}`, false, true, true},
		"another version":            {doc(v8, x), doc(v12, x), false, false, false},
		"no version is the old one":  {doc(v8, x), `{"Statement":[` + x + `]}`, false, true, true},
		"large numbers are not cut":  {doc(v12, strings.Replace(x, `"true"`, `9007199254740993`, 1)), doc(v12, strings.Replace(x, `"true"`, `9007199254740992`, 1)), false, false, false},
		"a statement repeated is it": {doc(v12, x, x), doc(v12, x), true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := parsed(t, c.a), parsed(t, c.b)
			if got := a.Equivalent(b); got != c.equivalent {
				t.Errorf("a.Equivalent(b) = %v, want %v", got, c.equivalent)
			}
			if got := b.Equivalent(a); got != c.equivalent {
				t.Errorf("b.Equivalent(a) = %v, want %v", got, c.equivalent)
			}
			if got := a.Holds(b); got != c.aHolds {
				t.Errorf("a.Holds(b) = %v, want %v", got, c.aHolds)
			}
			if got := b.Holds(a); got != c.hasA {
				t.Errorf("b.Holds(a) = %v, want %v", got, c.hasA)
			}
		})
	}
}

// TestWithoutKeepsBytes drops statements at random from policies laid out at
// random, and looks for each kept one's own bytes.
func TestWithoutKeepsBytes(t *testing.T) {
	t.Parallel()
	space := rapid.SampledFrom([]string{"", " ", "\n  ", "\t", "\r\n"})
	rapid.Check(t, func(t *rapid.T) {
		w := func() string { return space.Draw(t, "space") }
		var sts []string
		n := rapid.IntRange(1, 6).Draw(t, "statements")
		text := "{" + w() + `"Statement"` + w() + ":" + w() + "["
		for i := range n {
			sid := strings.Repeat("ab]},", i) // all differ, and none is harmless
			st := "{" + w() + `"Sid":"` + sid + `",` + w() + `"Effect":"Deny","Action":["a",` + w() + `"b"],"Principal":"*"` + w() + "}"
			sts = append(sts, st)
			if i > 0 {
				text += "," + w()
			}
			text += st + w()
		}
		text += "]" + w() + `,"Version":"2012-10-17"}` + w()
		doc, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		drop := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "drop")
		got := doc.Without(func(i int) bool { return drop[i] })
		var want []string
		for i, st := range sts {
			if !drop[i] {
				want = append(want, st)
			}
		}
		var have []string
		for _, s := range got.spans {
			have = append(have, got.text[s.from:s.to])
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("kept statements (-want +got):\n%s", diff)
		}
		if len(want) == 0 {
			return
		}
		again, err := Parse(got.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again, got, whole); diff != "" {
			t.Fatalf("(-parsed +given):\n%s", diff)
		}
		if len(want) == n && got.String() != text {
			t.Fatalf("nothing dropped, but %q became %q", text, got)
		}
	})
}

func BenchmarkParseAndJudge(b *testing.B) {
	const text = `{"Version":"2012-10-17","Id":"Policy1523832833708","Statement":[{"Sid":"Stmt1523832826961","Effect":"Allow","Principal":"*",` +
		`"Action":["s3:Get*","s3:List*","s3:Delete*"],"Resource":"arn:aws:s3:::example/*","Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}}}]}`
	b.ReportAllocs()
	for b.Loop() {
		doc, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if public, _ := doc.Statements[0].Public(); !public {
			b.Fatal("not public")
		}
	}
}
