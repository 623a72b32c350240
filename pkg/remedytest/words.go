package remedytest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// maxSentences is how many sentences a violation's message may have: what is
// wrong, and what a person must do where Ebb can't.
const maxSentences = 2

// misworded says what is wrong with a violation's message about a resource, as
// the rest of a sentence; empty when it is as every function's should be. People
// read it apart from the record too, in a chat or on a pager, so it says what
// it is about: the last part of the resource's name, or whose account it is of.
func misworded(message string, of remedy.Ref) string {
	name := of.ID[strings.LastIndexAny(of.ID, "/:")+1:]
	first, _ := utf8.DecodeRuneInString(message)
	switch {
	case message == "":
		return "is missing"
	case !unicode.IsUpper(first):
		return "does not begin with a capital letter"
	case !strings.HasSuffix(message, ".") || strings.HasSuffix(message, ".."):
		return "does not end with one full stop"
	case strings.Join(strings.Fields(message), " ") != message:
		return "has more white space than single spaces"
	case strings.Count(message, ". ") >= maxSentences:
		return "has too many sentences"
	case strings.Contains(message, "; "):
		return "runs on after a semicolon"
	case !strings.Contains(message, name) && (of.Account == "" || !strings.Contains(message, of.Account)):
		return "does not name the resource"
	}
	return ""
}
