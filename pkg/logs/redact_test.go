package logs_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/logs"
)

// attrs gives the attributes of the line that a record comes to.
func attrs(t testing.TB, attrs ...slog.Attr) map[string]any {
	t.Helper()
	line := decode(t, write(t.Context(), logs.Options{}, slog.LevelInfo, "m", nil, attrs...))
	for _, k := range []string{"timestamp", "level", "message", "service"} {
		delete(line, k)
	}
	return line
}

// The secrets are made up, or are AWS's own for documentation.
const (
	awsSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	pem       = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nq2Xw\n-----END RSA PRIVATE KEY-----"
	jwt       = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl"
)

func TestSecretsInText(t *testing.T) {
	t.Parallel()
	session := "IQoJb3JpZ2luX2VjE" + strings.Repeat("aB3/x+", 20)
	for name, tc := range map[string]struct{ text, want string }{
		"GitHub token":              {"with ghp_16C7e42F292c6912E7710c838347Ae178B4a, denied", "with REDACTED, denied"},
		"GitHub app token":          {"ghs_abcdEFGH1234", "REDACTED"},
		"GitHub fine-grained token": {"(github_pat_11ABCDEFG0aBcD_efGHij)", "(REDACTED)"},
		"JSON web token":            {"sent " + jwt, "sent REDACTED"},
		"AWS secret key":            {"key " + awsSecret + ".", "key REDACTED."},
		"two AWS secret keys":       {awsSecret + "," + awsSecret, "REDACTED,REDACTED"},
		"AWS session token":         {"session " + session + " expired", "session REDACTED expired"},
		"PEM key":                   {"parse " + pem + ": bad", "parse REDACTED: bad"},
		"PEM key without its end":   {"parse " + pem[:60], "parse REDACTED"},
		"bearer header":             {"Authorization: Bearer s3cr3t!", "Authorization: REDACTED"},
		"bearer token":              {"bearer 0123456789abcdef0", "bearer REDACTED"},
		"basic credentials":         {"Basic dXNlcjpwYXNzd29yZDEyMw==", "Basic REDACTED"},
		"URL with a user":           {`Get "https://ops:hunter2@example.com/x": EOF`, `Get "https://REDACTED@example.com/x": EOF`},
		"query":                     {"https://example.com/?a=1&access_token=abc&b=2", "https://example.com/?a=1&access_token=REDACTED&b=2"},
		"signed URL":                {"https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c&X-Amz-Date=1", "https://b.s3.amazonaws.com/k?X-Amz-Signature=REDACTED&X-Amz-Date=1"},
		"setting":                   {"GITHUB_TOKEN='abc' is set", "GITHUB_TOKEN='REDACTED' is set"},
		"member of JSON":            {`{"client_secret": "abc","a":"b"}`, `{"client_secret": "REDACTED","a":"b"}`},
		"member of JSON in JSON":    {`{\"password\":\"abc\"}`, `{\"password\":\"REDACTED\"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]any{"a": tc.want, "error": tc.want, "list": []any{tc.want}, "g": map[string]any{"b": tc.want}}
			got := attrs(t, slog.String("a", tc.text), slog.Any("error", errors.New(tc.text)),
				slog.Any("list", []string{tc.text}), slog.Group("g", slog.String("b", tc.text)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			line := decode(t, write(t.Context(), logs.Options{}, slog.LevelInfo, tc.text, nil))
			if line["message"] != tc.want {
				t.Errorf("message %q, want %q", line["message"], tc.want)
			}
		})
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"arn:aws:sts::111122223333:assumed-role/Developers/jane.doe@example.com",
		"arn:aws:s3:::MyCompanyProductionArtifacts2024EuWest1Bucket",
		"AKIAIOSFODNN7EXAMPLE", // a key's id is what iam-access-key reports
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
		"9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B",
		"1-69a7b2bf-5e3c1d0f8a9b7c6d5e4f3a2b",
		"/Departments/Engineering2/PlatformTeam/a", // as long as a key
		"github.com/acme/site",
		"https://api.github.com/repos/acme/site",
		"Basic authentication is off; a bearer token is asked for",
		"The token has expired. Grant secretsmanager:GetSecretValue to the role.",
		"parse policy: unexpected token: want an object",
		"Password policy: at least 14 characters",
		"Statement \"Public\" lets everybody read. Put back with 1 call to the nearest compliant state.",
		"",
	} {
		if got := attrs(t, slog.String("a", text), slog.Any("error", errors.New(text))); got["a"] != text || got["error"] != text {
			t.Errorf("%q became %v", text, got)
		}
	}
}

func TestSecretsByName(t *testing.T) {
	t.Parallel()
	type login struct {
		User, Password string
	}
	got := attrs(t,
		slog.String("GITHUB_TOKEN", "x"), slog.String("webhookSecret", "x"), slog.String("private-key", "x"), slog.Int("api_key", 1),
		slog.Any("Authorization", []string{"x"}), slog.Bool("token_set", true), slog.String("key", "stays"), slog.Bool("private", true),
		slog.Group("credentials", slog.String("a", "x"), slog.Group("b", slog.Int("c", 1))),
		slog.Any("login", login{"jane", "x"}),
		slog.Any("header", http.Header{"Cookie": {"x"}, "Accept": {"*/*"}}),
		slog.Any("raw", json.RawMessage(`{"a":[{"session_token":"x","n":1.0}]}`)),
		slog.Any("value", lazy{}))
	want := map[string]any{
		"GITHUB_TOKEN": "REDACTED", "webhookSecret": "REDACTED", "private-key": "REDACTED", "api_key": "REDACTED",
		"Authorization": "REDACTED", "token_set": true, "key": "stays", "private": true,
		"credentials": map[string]any{"a": "REDACTED", "b": map[string]any{"c": "REDACTED"}},
		"login":       map[string]any{"User": "jane", "Password": "REDACTED"},
		"header":      map[string]any{"Cookie": "REDACTED", "Accept": []any{"*/*"}},
		"raw":         map[string]any{"a": []any{map[string]any{"session_token": "REDACTED", "n": 1.0}}},
		"value":       map[string]any{"password": "REDACTED", "b": "stays"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// lazy is a value that says only when it is logged what it is.
type lazy struct{}

func (lazy) LogValue() slog.Value {
	return slog.GroupValue(slog.String("password", "x"), slog.String("b", "stays"))
}

func TestValuesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", logs.MaxValue-1) + "éé"
	cut := long[:logs.MaxValue-1] + "... (8195 bytes)"
	array := strings.Repeat(`"x",`, logs.MaxValue/4) + `"x"`
	for name, tc := range map[string]struct {
		value slog.Value
		want  any
	}{
		"a text, between two runes":         {slog.StringValue(long), cut},
		"an error":                          {slog.AnyValue(errors.New(long)), cut},
		"a text that just fits":             {slog.StringValue(long[:logs.MaxValue-1]), long[:logs.MaxValue-1]},
		"a structure":                       {slog.AnyValue(json.RawMessage("[" + array + "]")), ("[" + array)[:logs.MaxValue] + "... (8197 bytes)"},
		"a secret across the bound":         {slog.StringValue(long[:logs.MaxValue-20] + " ghp_16C7e42F292c6912E7710c838347Ae178B4a"), long[:logs.MaxValue-20] + " REDACTED"},
		"a text that is short when cleaned": {slog.StringValue("ghp_" + long[:logs.MaxValue-1]), "REDACTED"},
	} {
		if diff := cmp.Diff(map[string]any{"a": tc.want}, attrs(t, slog.Attr{Key: "a", Value: tc.value})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	line := decode(t, write(t.Context(), logs.Options{}, slog.LevelInfo, long, nil))
	if line["message"] != cut {
		t.Errorf("the message is not bounded: %d bytes", len(line["message"].(string)))
	}
}
