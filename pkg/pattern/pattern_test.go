package pattern_test

import (
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/pattern"
)

func TestFits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		patterns, name string
		want           bool
	}{
		{"", "anything", true},
		{"", "", true},
		{"acme-*", "acme-logs", true},
		{"acme-*", "evil-acme-logs", false},
		{"acme-?", "acme-12", false},
		{"old new", "new", true},
		{"*", "", false},
		{"key/*", "key/a/b", false},
		{"acme-[", "acme-[", false},
	} {
		if got := pattern.Fits(strings.Fields(tt.patterns), tt.name); got != tt.want {
			t.Errorf("Fits(%q, %q) = %v, want %v", tt.patterns, tt.name, got, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for p, ok := range map[string]bool{"arn:aws:kms:*": true, "arn:?": true, "": false, "kms": false, "arn:[": false} {
		err := pattern.Validate("kms_keys", "arn:", "arn:aws:kms:*", []string{"arn:aws:kms:*", p})
		if (err == nil) != ok {
			t.Errorf("Validate of %q = %v, want ok: %v", p, err, ok)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "kms_keys: ") {
			t.Errorf("error %q does not name the parameter", err)
		}
	}
}

func TestFirstName(t *testing.T) {
	t.Parallel()
	for patterns, want := range map[string]string{"": "or", "a-* b? c[d] e": "e", "a-*": "or", "a b": "a"} {
		if got := pattern.FirstName(strings.Fields(patterns), "or"); got != want {
			t.Errorf("FirstName(%q) = %q, want %q", patterns, got, want)
		}
	}
}
