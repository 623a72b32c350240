package bus

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("{}\n", MaxEvents)
	tests := map[string]struct {
		body string
		want []string
	}{
		"one":                        {` {"a":1} `, []string{`{"a":1}`}},
		"one_over_many_lines":        {"{\n\"a\":\n1}\n", []string{"{\n\"a\":\n1}"}},
		"array":                      {`[{"a":1}, {"b":[{}]}]`, []string{`{"a":1}`, `{"b":[{}]}`}},
		"empty_array":                {`[]`, []string{}},
		"json_lines":                 {"{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"log_file":                   {`{"Records":[{"eventName":"A"},{"eventName":"B"}]}`, []string{`{"eventName":"A"}`, `{"eventName":"B"}`}},
		"empty_log_file":             {`{"Records":[]}`, []string{}},
		"event_with_a_member_like_a": {`{"source":"acme","detail-type":"x","Records":[{}]}`, []string{`{"source":"acme","detail-type":"x","Records":[{}]}`}},
		"as_many_as_allowed":         {many, strings.Fields(many)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts, err := Split([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, len(parts))
			for i, p := range parts {
				got[i] = string(p)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("parts (-want +got):\n%s", d)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	tests := map[string]struct {
		body  string
		kind  error
		says  string
		event *EventError // its Index and Line
	}{
		"empty":                       {" \n", ErrTruncated, "the body is empty", nil},
		"a_number":                    {"7", ErrSyntax, "'7' at byte 0", nil},
		"byte_order_mark":             {"\xef\xbb\xbf{}", ErrSyntax, "byte 0", nil},
		"nul_after_an_event":          {"{}\x00", ErrSyntax, "byte 2", nil},
		"truncated_line":              {"{}\n{\"a\":", ErrTruncated, "event 2, at line 2", &EventError{Index: 1, Line: 2}},
		"truncated_array":             {"[{},\n{}", ErrTruncated, "byte 7", nil},
		"array_of_numbers":            {"[{},\n7]", ErrWrongType, "the event is a number", &EventError{Index: 1, Line: 2}},
		"something_after_the_array":   {"[{}] {}", ErrSyntax, "the end", nil},
		"not_utf8":                    {"{}\n\n{\"a\":\"\xc3\x28\"}", ErrNotUTF8, "event 2, at line 3", &EventError{Index: 1, Line: 3}},
		"too_deep":                    {`[{},{"a":` + deep + `}]`, ErrTooDeep, "event 2", &EventError{Index: 1, Line: 1}},
		"far_too_deep":                {"{}\n" + `{"a":` + strings.Repeat("[", MaxEvent), ErrTooDeep, "event 2", &EventError{Index: 1, Line: 2}},
		"missing_comma":               {"[{}\n{}]", ErrSyntax, "at byte 4", &EventError{Index: 1, Line: 2}},
		"trailing_comma":              {"[{},]", ErrSyntax, "at byte 4", &EventError{Index: 1, Line: 1}},
		"truncated_log_file":          {"{\"Records\":[{},\n{\"a\"", ErrTruncated, "event 2", &EventError{Index: 1, Line: 2}},
		"fault_after_the_records":     {`{"Records":[{}],}`, ErrSyntax, "at byte 16", nil},
		"text_after_the_log_file":     {`{"Records":[{}]}{}`, ErrSyntax, "at byte 16", nil},
		"one_too_large":               {`[{"a":"` + strings.Repeat("x", MaxEvent) + `"}]`, ErrTooLarge, "event 1", &EventError{Index: 0, Line: 1}},
		"too_large":                   {strings.Repeat(" ", MaxBody+1), ErrTooLarge, "at most 67108864", nil},
		"too_many":                    {strings.Repeat("{}\n", MaxEvents+1), ErrTooMany, "10000", nil},
		"log_file_of_strings":         {`{"Records":["a"]}`, ErrWrongType, "event 1", &EventError{Index: 0, Line: 1}},
		"records_that_are_not_a_list": {`{"Records":{}}`, ErrWrongType, "Records is not an array", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts, err := Split([]byte(tt.body))
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || parts != nil {
				t.Errorf("got %d parts and error %v, want an error that is %q and says %q", len(parts), err, tt.kind, tt.says)
			}
			var at *EventError
			if errors.As(err, &at) {
				at = &EventError{Index: at.Index, Line: at.Line}
			}
			if d := cmp.Diff(tt.event, at, cmp.AllowUnexported()); d != "" {
				t.Errorf("event (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeAllSaysWhichEventIsWrong(t *testing.T) {
	t.Parallel()
	body := `{"id":"1","source":"aws.x","detail-type":"Y"}` + "\n" + `{"id":"2","source":"aws.x"}`
	got, err := DecodeAll([]byte(body))
	if want := "event 2, at line 2: decode event: missing: no detail-type"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if got != nil {
		t.Errorf("got %d messages beside an error", len(got))
	}
}
