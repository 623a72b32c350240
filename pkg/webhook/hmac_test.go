package webhook_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/webhook"
)

// GitHub's own published example.
const (
	docSecret = "It's a Secret to Everybody"
	docBody   = "Hello, World!"
	docDigest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
)

func TestVerifyPublishedVectors(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	count := map[bool]int{}
	for n := 1; lines.Scan(); n++ {
		var v struct {
			Scheme, Source, Secret, Body string
			Headers                      map[string]string
			Valid                        bool
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		header := http.Header{}
		for k, value := range v.Headers {
			header.Set(k, value)
		}
		scheme, want := webhook.GitHub(v.Secret), v.Valid
		switch v.Scheme {
		case "github-sha1", "github-sha512":
			want = false // right or not: not the algorithm that Ebb checks
		case "gitea-hmac-sha256":
			scheme = webhook.Gitea(v.Secret)
		case "bitbucket-server-hmac-sha256":
			scheme = webhook.Bitbucket(v.Secret)
		}
		if err := scheme.Verify(header, []byte(v.Body)); (err == nil) != want {
			t.Errorf("line %d: %s from %s: got %v, want valid %v", n, v.Scheme, v.Source, err, want)
		}
		count[want]++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if count[true] < 30 || count[false] < 8 {
		t.Errorf("got %d valid and %d refused vectors, want the whole file", count[true], count[false])
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	const name = "X-Hub-Signature-256"
	sha1Of := func(key, body string) string {
		m := hmac.New(sha1.New, []byte(key))
		m.Write([]byte(body))
		return hex.EncodeToString(m.Sum(nil))
	}
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		want   webhook.Code
	}{
		{"no_header", http.Header{}, docBody, webhook.Missing},
		{"empty_header", http.Header{name: {""}}, docBody, webhook.Missing},
		{"two_headers_one_right", http.Header{name: {"sha256=" + docDigest, "sha256=00"}}, docBody, webhook.Ambiguous},
		{"two_equal_headers", http.Header{name: {"sha256=" + docDigest, "sha256=" + docDigest}}, docBody, webhook.Ambiguous},
		{"list_in_one_header", http.Header{name: {"sha256=" + docDigest + ",sha256=" + docDigest}}, docBody, webhook.Malformed},
		{"shorter_than_the_prefix", http.Header{name: {"sha2"}}, docBody, webhook.Malformed},
		{"prefix_only", http.Header{name: {"sha256="}}, docBody, webhook.Malformed},
		{"no_prefix", http.Header{name: {docDigest}}, docBody, webhook.Malformed},
		{"other_case_of_the_prefix", http.Header{name: {"SHA256=" + docDigest}}, docBody, webhook.Malformed},
		{"truncated_digest", http.Header{name: {"sha256=" + docDigest[:8]}}, docBody, webhook.Malformed},
		{"one_byte_short", http.Header{name: {"sha256=" + docDigest[:62]}}, docBody, webhook.Malformed},
		{"one_byte_long", http.Header{name: {"sha256=" + docDigest + "00"}}, docBody, webhook.Malformed},
		{"not_hex", http.Header{name: {"sha256=" + strings.Repeat("z", 64)}}, docBody, webhook.Malformed},
		{"space_around", http.Header{name: {"sha256= " + docDigest}}, docBody, webhook.Malformed},
		{"sha1_algorithm_in_the_sha256_header", http.Header{name: {"sha1=" + sha1Of(docSecret, docBody)}}, docBody, webhook.Malformed},
		{"sha1_digest_under_the_sha256_prefix", http.Header{name: {"sha256=" + sha1Of(docSecret, docBody)}}, docBody, webhook.Malformed},
		{"only_the_sha1_header", http.Header{"X-Hub-Signature": {"sha1=" + sha1Of(docSecret, docBody)}}, docBody, webhook.Missing},
		{"sha256_in_the_sha1_header", http.Header{"X-Hub-Signature": {"sha256=" + docDigest}}, docBody, webhook.Missing},
		{"other_secret", http.Header{name: {"sha256=" + sign("another", docBody)}}, docBody, webhook.Mismatch},
		{"signed_with_the_empty_secret", http.Header{name: {"sha256=" + sign("", docBody)}}, docBody, webhook.Mismatch},
		{"last_byte_differs", http.Header{name: {"sha256=" + docDigest[:62] + "18"}}, docBody, webhook.Mismatch},
		{"first_byte_differs", http.Header{name: {"sha256=74" + docDigest[2:]}}, docBody, webhook.Mismatch},
		{"changed_body", http.Header{name: {"sha256=" + docDigest}}, docBody + " ", webhook.Mismatch},
		{"empty_body", http.Header{name: {"sha256=" + docDigest}}, "", webhook.Mismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := webhook.GitHub(docSecret).Verify(tt.header, []byte(tt.body))
			e, ok := errors.AsType[*webhook.Error](err)
			if !ok {
				t.Fatalf("got %v, want a *webhook.Error", err)
			}
			if e.Code != tt.want || e.Status() != http.StatusUnauthorized {
				t.Errorf("got %s (%d), want %s (401)", e.Code, e.Status(), tt.want)
			}
			for _, secret := range []string{docSecret, sign(docSecret, tt.body), sign(docSecret, tt.body)[:16]} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error gives away a secret: %v", err)
				}
			}
		})
	}
}

// The signature covers the bytes as sent: the same JSON written otherwise is
// another body.
func TestVerifyDoesNotReserialise(t *testing.T) {
	t.Parallel()
	sent := `{"b": 1,  "a": "\u00e9"}`
	header := http.Header{"X-Hub-Signature-256": {"sha256=" + sign(docSecret, sent)}}
	if err := webhook.GitHub(docSecret).Verify(header, []byte(sent)); err != nil {
		t.Errorf("as sent: %v", err)
	}
	var v any
	if err := json.Unmarshal([]byte(sent), &v); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.GitHub(docSecret).Verify(header, again); err == nil {
		t.Error("the re-serialised body passed")
	}
}

func TestVerifyWhileASecretIsReplaced(t *testing.T) {
	t.Parallel()
	scheme := webhook.GitHub("current", "previous")
	for secret, want := range map[string]bool{"current": true, "previous": true, "oldest": false} {
		header := http.Header{"X-Hub-Signature-256": {"sha256=" + sign(secret, docBody)}}
		if err := scheme.Verify(header, []byte(docBody)); (err == nil) != want {
			t.Errorf("signed with the %s secret: got %v, want valid %v", secret, err, want)
		}
	}
}

func TestVerifyWithoutASecretNeverAccepts(t *testing.T) {
	t.Parallel()
	for name, scheme := range map[string]webhook.HMAC{
		"none":                 webhook.GitHub(),
		"empty":                webhook.GitHub(""),
		"empty_beside_another": webhook.GitHub(docSecret, ""),
		"zero_value":           {},
		"no_hash":              {Header: "X-Hub-Signature-256", Prefix: "sha256=", Decode: hex.DecodeString, Secrets: []string{docSecret}},
		"no_decoding":          {Header: "X-Hub-Signature-256", Prefix: "sha256=", Hash: sha256.New, Secrets: []string{docSecret}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range []string{"", docSecret} {
				header := http.Header{"X-Hub-Signature-256": {"sha256=" + sign(secret, docBody)}}
				err := scheme.Verify(header, []byte(docBody))
				e, ok := errors.AsType[*webhook.Error](err)
				if !ok || e.Code != webhook.Unconfigured || e.Status() != http.StatusInternalServerError {
					t.Errorf("signed with %q: got %v, want %s and status 500", secret, err, webhook.Unconfigured)
				}
			}
			if scheme.Validate() == nil {
				t.Error("Validate found nothing wrong")
			}
		})
	}
}

func TestVerifyBase64(t *testing.T) {
	t.Parallel()
	scheme := webhook.HMAC{Header: "X-Sig", Hash: sha256.New, Decode: base64.StdEncoding.DecodeString, Secrets: []string{docSecret}}
	digest, err := hex.DecodeString(docDigest)
	if err != nil {
		t.Fatal(err)
	}
	if err := scheme.Verify(http.Header{"X-Sig": {base64.StdEncoding.EncodeToString(digest)}}, []byte(docBody)); err != nil {
		t.Error(err)
	}
}

// FuzzVerify holds that nothing but the one right digest is accepted, and that
// no input makes the verifier panic or tell what it expected.
func FuzzVerify(f *testing.F) {
	f.Add("sha256="+docDigest, []byte(docBody))
	f.Add("sha1=", []byte(docBody))
	f.Add("", []byte{})
	f.Add("sha256=\x00", []byte{0xff})
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		err := webhook.GitHub(docSecret).Verify(http.Header{"X-Hub-Signature-256": {value}}, body)
		want := sign(docSecret, string(body))
		if right := strings.EqualFold(value, "sha256="+want) && strings.HasPrefix(value, "sha256="); (err == nil) != right {
			t.Errorf("header %q over %q: got %v, want valid %v", value, body, err, right)
		}
		if err != nil && strings.Contains(err.Error(), want) {
			t.Errorf("the error holds the right digest: %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 7<<10) // a repository event has about 7 KB
	header := http.Header{"X-Hub-Signature-256": {"sha256=" + sign(docSecret, string(body))}}
	scheme := webhook.GitHub(docSecret)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := scheme.Verify(header, body); err != nil {
			b.Fatal(err)
		}
	}
}

func sign(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}
