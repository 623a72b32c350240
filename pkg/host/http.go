package host

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Intake is what a receiver of webhooks is made from on Lambda.
type Intake struct {
	Getenv func(string) string                       // settings and secrets by name
	Accept func(context.Context, remedy.Event) error // puts an event on the bus; nil means that it is durable there
	Log    *slog.Logger
}

// MainHTTP runs a receiver on Lambda's runtime interface, behind an API Gateway
// HTTP API or a function URL. It does not return. What open returns serves every
// request; an error keeps the function from starting.
func MainHTTP(name string, open func(Intake) (http.Handler, error)) {
	start(name, func(ctx context.Context, w *watch) (lambda.Handler, error) {
		in, err := intake(ctx, os.Getenv, w.log)
		if err != nil {
			return nil, err
		}
		h, err := open(in)
		if err != nil {
			return nil, err
		}
		return gateway{h}, nil
	})
}

func intake(ctx context.Context, getenv func(string) string, log *slog.Logger) (Intake, error) {
	name := getenv(SettingBus)
	if name == "" {
		return Intake{}, fmt.Errorf("%s is not set: name the event bus that takes what is received", SettingBus)
	}
	cfg, err := cloud.LoadConfig(ctx, Env(getenv))
	if err != nil {
		return Intake{}, err
	}
	return Intake{Getenv: getenv, Accept: Publisher(cfg, name), Log: log}, nil
}

// gateway serves requests as API Gateway's HTTP APIs and function URLs invoke
// with them: payload format 2.0. Cookies are not handed on.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type gateway struct{ handler http.Handler }

// Invoke implements [lambda.Handler].
func (g gateway) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("decode request: %w", err)
	}
	r, err := request(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("decode request: %w", err)
	}
	w := answer{header: http.Header{}}
	g.handler.ServeHTTP(&w, r)
	return json.Marshal(w.response())
}

func request(ctx context.Context, in events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	if in.Version != "2.0" {
		return nil, fmt.Errorf("payload format %q is not 2.0: set the integration's PayloadFormatVersion", in.Version)
	}
	body := []byte(in.Body)
	if in.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(in.Body); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	target := url.URL{Path: in.RawPath, RawQuery: in.RawQueryString}
	r, err := http.NewRequestWithContext(ctx, in.RequestContext.HTTP.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range in.Headers {
		r.Header.Set(k, v) // in lower case, with all values of one name in one
	}
	r.Host = in.RequestContext.DomainName
	r.RemoteAddr = net.JoinHostPort(in.RequestContext.HTTP.SourceIP, "0")
	for k, v := range lambdaCarrier(ctx) {
		r.Header.Set(k, v) // the gateway's own names no parent
	}
	return r, nil
}

// answer keeps what a handler writes. Its zero status means 200.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (w *answer) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *answer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *answer) response() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Body: w.body.String()}
	for k, v := range w.header {
		out.Headers[k] = strings.Join(v, ",")
	}
	if !utf8.Valid(w.body.Bytes()) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out
}
