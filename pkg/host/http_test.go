package host

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// seen is a request as a handler sees it.
type seen struct {
	Method, URL, Host, Remote, Body string
	Header                          http.Header
}

func serve(t *testing.T, ctx context.Context, payload []byte) seen {
	t.Helper()
	var got seen
	_, err := gateway{http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = seen{r.Method, r.URL.String(), r.Host, r.RemoteAddr, string(body), r.Header}
	})}.Invoke(ctx, payload)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// edited gives a sample with some of its members changed.
func edited(t *testing.T, name string, members map[string]any) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(testdata(t, name), &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range members {
		m[k] = v
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGateway_request(t *testing.T) {
	t.Parallel()
	url := seen{
		Method: "POST", URL: "/my/path?parameter1=value1&parameter1=value2&parameter2=value",
		Host: "<url-id>.lambda-url.us-west-2.on.aws", Remote: "123.123.123.123:0", Body: "Hello from client!",
		Header: http.Header{"Header1": {"value1"}, "Header2": {"value1,value2"}},
	}
	binary := url
	binary.Body = "\x00\xff{}"
	tests := map[string]struct {
		payload []byte
		want    seen
	}{
		"API Gateway": {testdata(t, "apigw-v2-request-no-authorizer.json"), seen{
			Method: "GET", URL: "/", Host: "aaaaaaaaaa.execute-api.us-west-2.amazonaws.com", Remote: "1.2.3.4:0",
			Header: http.Header{
				"Accept": {"*/*"}, "Content-Length": {"0"}, "Host": {"aaaaaaaaaa.execute-api.us-west-2.amazonaws.com"},
				"User-Agent": {"curl/7.58.0"}, "X-Amzn-Trace-Id": {"Root=1-5e9f0c65-1de4d666d4dd26aced652b6c"},
				"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"},
			},
		}},
		"function URL": {testdata(t, "lambda-urls-request.json"), url},
		"base64": {edited(t, "lambda-urls-request.json", map[string]any{
			"body": base64.StdEncoding.EncodeToString([]byte(binary.Body)), "isBase64Encoded": true,
		}), binary},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, serve(t, t.Context(), tt.payload)); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGateway_request_carries_the_trace(t *testing.T) {
	t.Parallel()
	const (
		segment = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
		parent  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	)
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", segment) //nolint:staticcheck // aws-lambda-go's own key
	got := serve(t, ctx, edited(t, "apigw-v2-request-no-authorizer.json", map[string]any{
		"headers": map[string]string{"x-amzn-trace-id": "Root=1-5e9f0c65-1de4d666d4dd26aced652b6c", "traceparent": parent},
	}))
	want := http.Header{"X-Amzn-Trace-Id": {segment}, "Traceparent": {parent}}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestGateway_request_that_is_none(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		payload []byte
		want    string
	}{
		"not JSON":         {[]byte("{"), "decode request"},
		"payload format 1": {edited(t, "lambda-urls-request.json", map[string]any{"version": "1.0"}), "PayloadFormatVersion"},
		"another event":    {testdata(t, "sqs-event.json"), "PayloadFormatVersion"},
		"broken base64":    {edited(t, "lambda-urls-request.json", map[string]any{"isBase64Encoded": true}), "body"},
		"no method":        {edited(t, "lambda-urls-request.json", map[string]any{"requestContext": map[string]any{"http": map[string]any{"method": "NO METHOD"}}}), "method"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") })
			_, err := gateway{handler}.Invoke(t.Context(), tt.payload)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestGateway_response(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler http.HandlerFunc
		want    events.APIGatewayV2HTTPResponse
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) {}, events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Headers: map[string]string{},
		}},
		"status, headers and body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "10")
			w.Header()["Vary"] = []string{"a", "b"}
			w.WriteHeader(http.StatusServiceUnavailable)
			w.WriteHeader(http.StatusOK) // too late
			_, _ = io.WriteString(w, `{"error":"bü`)
			_, _ = io.WriteString(w, `sy"}`)
		}, events.APIGatewayV2HTTPResponse{
			StatusCode: 503, Headers: map[string]string{"Retry-After": "10", "Vary": "a,b"}, Body: `{"error":"büsy"}`,
		}},
		"binary": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte{0, 0xff})
		}, events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Headers: map[string]string{}, Body: "AP8=", IsBase64Encoded: true,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := gateway{tt.handler}.Invoke(t.Context(), testdata(t, "lambda-urls-request.json"))
			if err != nil {
				t.Fatal(err)
			}
			var got events.APIGatewayV2HTTPResponse
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzGateway(f *testing.F) {
	for _, name := range []string{"apigw-v2-request-no-authorizer.json", "lambda-urls-request.json", "sqs-event.json"} {
		f.Add(testdata(f, name))
	}
	g := gateway{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw, err := g.Invoke(t.Context(), payload)
		if err != nil {
			return
		}
		var in events.APIGatewayV2HTTPRequest
		var out events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(payload, &in); err != nil {
			t.Fatalf("took %q: %v", payload, err)
		}
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("answered %q: %v", raw, err)
		}
		if want, got := plain(t, in.Body, in.IsBase64Encoded), plain(t, out.Body, out.IsBase64Encoded); want != got {
			t.Errorf("the body %q went in, %q came back", want, got)
		}
	})
}

func plain(t *testing.T, body string, encoded bool) string {
	t.Helper()
	if !encoded {
		return body
	}
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
