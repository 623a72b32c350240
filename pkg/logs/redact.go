package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Redacted stands where a secret was.
const Redacted = "REDACTED"

// MaxValue is how many bytes of one value are written; the rest is counted.
// CloudWatch cuts events at 256 KB or more, and a line has some thirty values.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const MaxValue = 8 << 10

// safe makes an attribute fit for a log. A name that stands for a secret hides
// all but a yes or no.
func safe(groups []string, a slog.Attr) slog.Attr {
	if (secretName(a.Key) || slices.ContainsFunc(groups, secretName)) && a.Value.Kind() != slog.KindBool {
		return slog.String(a.Key, Redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(clean(a.Value.String()))
	case slog.KindAny:
		a.Value = safeAny(a.Value.Any())
	}
	return a
}

// safeAny gives what is logged of a value that only its own code can write. A
// panic in that code is no reason to end a remediation.
func safeAny(v any) (out slog.Value) {
	defer func() {
		if p := recover(); p != nil {
			out = slog.StringValue(clean(fmt.Sprintf("!PANIC: %T: %v", v, p)))
		}
	}()
	if err, ok := v.(error); ok {
		return slog.StringValue(clean(err.Error()))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(clean("!ERROR: " + err.Error()))
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return slog.StringValue(clean("!ERROR: " + err.Error()))
	}
	tree = safeTree(tree)
	if len(text) <= MaxValue {
		return slog.AnyValue(tree)
	}
	if text, err = json.Marshal(tree); err != nil {
		return slog.StringValue(clean("!ERROR: " + err.Error()))
	}
	return slog.StringValue(cut(string(text)))
}

func safeTree(v any) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = safeTree(v[i])
		}
	case map[string]any:
		for k := range v {
			if _, yesNo := v[k].(bool); secretName(k) && !yesNo {
				v[k] = Redacted
			} else {
				v[k] = safeTree(v[k])
			}
		}
	}
	return v
}

// clean hides the secrets in a text and bounds it.
func clean(s string) string {
	if suspect(s) {
		for _, p := range patterns() {
			s = p.ReplaceAllString(s, "${before}"+Redacted+"${after}")
		}
		s = hideKeys(s)
	}
	return cut(s)
}

func cut(s string) string {
	if len(s) <= MaxValue {
		return s
	}
	end := MaxValue
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s... (%d bytes)", s[:end], len(s))
}

// secretNames are in the names of what is secret.
const secretNames = `secret|token|passw(?:or)?d|authorization|private[_-]?key|api[_-]?key|credential|cookie|signature`

// secretName reports whether a name stands for a secret: "github_token".
func secretName(name string) bool {
	name = strings.ToLower(name)
	return containsAny(name, "secret", "token", "passw", "authorization", "credential", "cookie", "signature") ||
		strings.Contains(name, "key") && containsAny(name, "private_key", "privatekey", "private-key", "api_key", "apikey", "api-key")
}

// suspect reports whether a text may hold a secret: it has what a pattern must
// find. That is many times faster than the patterns.
func suspect(s string) bool {
	return strings.IndexByte(s, '_') >= 0 && containsAny(s, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_") ||
		strings.IndexByte(s, ' ') >= 0 && containsAny(s, "BEGIN ", "earer ", "EARER ", "asic ", "ASIC ") ||
		strings.IndexByte(s, '.') >= 0 && strings.Contains(s, "eyJ") ||
		strings.ContainsAny(s, ":=") && (strings.Contains(s, "://") || namesSecret(s)) ||
		len(s) >= keyLength && (containsAny(s, "IQoJ", "FwoG", "FQoG") || hasKey(s))
}

func namesSecret(s string) bool {
	return containsAny(s, "ecret", "oken", "assw", "uthoriz", "redential", "ookie", "ignature",
		"ECRET", "OKEN", "ASSW", "UTHORIZ", "REDENTIAL", "OOKIE", "IGNATURE",
		"rivate", "RIVATE", "pi_key", "pikey", "pi-key", "piKey", "pi-Key", "PI_KEY", "PIKEY")
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// patterns find the secrets that have a form or a name. They are made when the
// first suspect text comes along: most functions never see one.
var patterns = sync.OnceValue(func() []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, p := range []string{
		`-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`,
		// GitHub's, JSON web tokens, AWS session tokens.
		`(?:gh[pousr]|github_pat)_[\w.-]{4,}`,
		`eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?`,
		`(?:IQoJ|FwoG|FQoG)[\w/+=%-]{50,}`,
		`(?P<before>://)[^\s/?#"'\\@]+(?P<after>@)`,
		// A header, a setting or query, a JSON member, also in JSON in a string.
		`(?i)(?P<before>\b(?:authorization|cookie|x-amz-security-token|x-hub-signature-256)\b["'\\]*\s*[:=]\s*["'\\]*)(?:(?:bearer|basic|token)\s+)?[^\s"'\\]+`,
		`(?i)(?P<before>\b(?:bearer|basic)\s+)[\w.~+/=-]{16,}`,
		`(?i)(?P<before>(?:` + secretNames + `)[\w-]*\s*=\s*["'\\]*)[^\s"'\\&,;]+`,
		`(?i)(?P<before>(?:` + secretNames + `)[\w-]*\\*["']\s*:\s*\\*["'])[^"'\\]+`,
	} {
		out = append(out, regexp.MustCompile(p))
	}
	return out
})

// An AWS secret access key has a length and an alphabet, and no other mark:
// what looks as random as one is hidden. In it the class of character (capital,
// small, digit, sign) changes 25 times on average, and fewer than 16 times in
// one of 700; in a path or a name of that length it changes far less often.
const (
	keyLength  = 40
	keyChanges = 16
)

// keyRuns calls found with the bounds of each run of the key's alphabet that
// looks like a key, until found returns false.
func keyRuns(s string, found func(start, end int) bool) {
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && class(s[i]) != 0 {
			continue
		}
		if i-start == keyLength && random(s[start:i]) && !found(start, i) {
			return
		}
		start = i + 1
	}
}

func hasKey(s string) (has bool) {
	keyRuns(s, func(int, int) bool { has = true; return false })
	return has
}

func hideKeys(s string) string {
	var out strings.Builder
	rest := 0
	keyRuns(s, func(start, end int) bool {
		out.WriteString(s[rest:start])
		out.WriteString(Redacted)
		rest = end
		return true
	})
	out.WriteString(s[rest:])
	return out.String()
}

// random reports whether a run has capitals, small letters and digits, mixed as
// in a key. Hashes in hex have no capitals or no small letters.
func random(run string) bool {
	var seen [5]bool
	changes := -1
	last := byte(0)
	for i := range len(run) {
		c := class(run[i])
		seen[c] = true
		if c != last {
			changes++
		}
		last = c
	}
	return seen[1] && seen[2] && seen[3] && changes >= keyChanges
}

// class gives the class of a character in the alphabet of keys, 0 for others.
func class(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return 1
	case c >= 'a' && c <= 'z':
		return 2
	case c >= '0' && c <= '9':
		return 3
	case c == '/' || c == '+' || c == '=':
		return 4
	}
	return 0
}
