package functionstest

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/ebb-ops/ebb/functions/giteawebhook"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
)

func giteaRepository(_ context.Context, events samples, account Account) (Stage, error) {
	const id, owner, name = 2, "acme", "plans"
	server := giteatest.New(giteatest.User{Token: "t0ken", Login: "ebb", Owns: []string{owner}})
	event, err := events.delivered(account, giteawebhook.Forge(), "gitea-webhook/created.json", "repository", "f9c3f4a2-5b0e-4d0b-8a3e-2b8a6f6c1d10")
	if err != nil {
		return Stage{}, err
	}
	api := httptest.NewServer(server.Handler())
	return Stage{
		Event: event,
		Spoil: func(context.Context) error {
			server.Put(giteatest.Repo{ID: id, Owner: owner, Name: name, OwnerVisibility: "public", Topics: []string{"demo"}})
			return nil
		},
		State: func(context.Context) ([]string, error) {
			r, ok := server.Repo(id)
			return append([]string{fmt.Sprint(ok, r.Private)}, r.Topics...), nil
		},
		Bad:      []string{"true false", "demo"},
		Good:     []string{"true true", "demo"},
		Settings: map[string]string{"EBB_GITEA_URL": api.URL, "GITEA_TOKEN": "t0ken"},
		Close:    api.Close,
	}, nil
}
