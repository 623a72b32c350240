package functionstest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

func repository(_ context.Context, events samples, account Account) (Stage, error) {
	const id, owner, name = 186853002, "Codertocat", "Hello-World"
	server := githubtest.New(githubtest.Options{Tokens: []githubtest.Token{
		{Value: "t0ken", Login: owner, Scopes: []string{"repo"}, AdminOf: []string{owner}},
	}})
	event, err := events.delivered(account, githubwebhook.Forge(), "github-webhook/publicized.json", "repository", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	if err != nil {
		return Stage{}, err
	}
	api := httptest.NewServer(server.Handler())
	return Stage{
		Event: event,
		Spoil: func(context.Context) error {
			server.AddRepo(githubtest.Repo{ID: id, Owner: owner, Name: name, User: true, Visibility: "public", Topics: []string{"demo"}, Updated: time.Now()})
			return nil
		},
		State: func(context.Context) ([]string, error) {
			r, ok := server.Repo(owner, name)
			return append([]string{fmt.Sprint(ok), r.Visibility}, r.Topics...), nil
		},
		Bad:      []string{"true", "public", "demo"},
		Good:     []string{"true", "private", "demo"},
		Settings: map[string]string{"EBB_GITHUB_URL": api.URL, "GITHUB_TOKEN": "t0ken"},
		Close:    api.Close,
	}, nil
}

// GatewayRequest gives a delivery as API Gateway hands it on: header names in
// lower case, and trace headers of its own.
func GatewayRequest(r *http.Request) (events.APIGatewayV2HTTPRequest, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return events.APIGatewayV2HTTPRequest{}, err
	}
	headers := map[string]string{"x-amzn-trace-id": "Root=1-5e9f0c65-1de4d666d4dd26aced652b6c"}
	for k := range r.Header {
		headers[strings.ToLower(k)] = r.Header.Get(k)
	}
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST " + r.URL.Path, RawPath: r.URL.Path, Headers: headers, Body: string(body),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			DomainName: "example.execute-api.us-east-1.amazonaws.com",
			HTTP:       events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: http.MethodPost, Path: r.URL.Path, SourceIP: "192.0.2.1"},
		},
	}, nil
}
