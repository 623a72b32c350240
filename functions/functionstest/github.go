package functionstest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

func repository(_ context.Context, events samples, account Account) (Stage, error) {
	const id, owner, name = 186853002, "Codertocat", "Hello-World"
	server := githubtest.New(githubtest.Options{Tokens: []githubtest.Token{
		{Value: "t0ken", Login: owner, Scopes: []string{"repo"}, AdminOf: []string{owner}},
	}})
	body, err := Sample(string(events), "github-webhook/publicized.json", account.ID)
	if err != nil {
		return Stage{}, err
	}
	event, err := AsDelivered(githubwebhook.Forge(), body, "repository", "72d3162e-cc78-11e3-81ab-4c9367dc0958", account.Config.Region)
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
