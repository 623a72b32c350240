package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ebb-ops/ebb/pkg/webhook"
)

func TestReadBody(t *testing.T) {
	t.Parallel()
	broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("connection reset by peer")))
	for _, tt := range []struct {
		name   string
		body   io.Reader
		length int64 // as declared
		want   string
		code   webhook.Code
		status int
	}{
		{"empty", strings.NewReader(""), 0, "", "", 0},
		{"under_the_limit", strings.NewReader("1234567"), 7, "1234567", "", 0},
		{"at_the_limit", strings.NewReader("12345678"), 8, "12345678", "", 0},
		{"undeclared_at_the_limit", strings.NewReader("12345678"), -1, "12345678", "", 0},
		{"declared_over_the_limit", neverRead{t}, 9, "", webhook.TooLarge, http.StatusRequestEntityTooLarge},
		{"undeclared_over_the_limit", strings.NewReader("123456789"), -1, "", webhook.TooLarge, http.StatusRequestEntityTooLarge},
		{"breaks_off", broken, 8, "", webhook.Unreadable, http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", tt.body)
			r.ContentLength = tt.length
			got, err := webhook.ReadBody(httptest.NewRecorder(), r, 8)
			if tt.code == "" {
				if err != nil || string(got) != tt.want {
					t.Errorf("got %q, %v, want %q", got, err, tt.want)
				}
				return
			}
			e, ok := errors.AsType[*webhook.Error](err)
			if !ok || e.Code != tt.code || e.Status() != tt.status {
				t.Errorf("got %q, %v, want %s (%d)", got, err, tt.code, tt.status)
			}
		})
	}
}

func TestGitHubMaxBody(t *testing.T) {
	t.Parallel()
	if got, want := webhook.GitHubMaxBody, 25*1024*1024; got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
}

// A sender that declares 25 MB and sends nothing must not be given 25 MB.
func TestReadBodyTrustsNoLength(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.ContentLength = webhook.GitHubMaxBody
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Body = io.NopCloser(strings.NewReader("x"))
			if _, err := webhook.ReadBody(httptest.NewRecorder(), r, webhook.GitHubMaxBody); err != nil {
				b.Fatal(err)
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 1<<20 {
		t.Errorf("allocated %d bytes for a body of one", got)
	}
}

type neverRead struct{ t *testing.T }

func (n neverRead) Read([]byte) (int, error) {
	n.t.Error("the body was read")
	return 0, io.EOF
}
