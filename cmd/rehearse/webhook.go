package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/ebb-ops/ebb/functions/functionstest"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// forge is a product whose webhooks are received.
type forge struct {
	source  string // of its events
	sample  string // a delivery of the event "repository"
	deliver func(url string, body []byte, event, delivery, secret string) (*http.Request, error)
}

func forges() []forge {
	return []forge{
		{"gitea", "gitea-webhook/created.json", giteatest.Deliver},
		{"github", "github-webhook/publicized.json", githubtest.Deliver},
	}
}

// The forge's functions, and what the names of its settings begin with.
func (f forge) receiver() string { return f.source + receiver }
func (f forge) function() string { return f.source + "-repository-visibility" }
func (f forge) setting() string  { return strings.ToUpper(f.source) }

// receiver is what the names of receivers end with.
const receiver = "-webhook"

// credentials does what a person does after the deployment: it puts the forges'
// tokens into the stack's secrets.
func (d *deployment) credentials(ctx context.Context) error {
	for _, f := range forges() {
		value, err := json.Marshal(map[string]string{"token": d.stages[f.function()].Settings[f.setting()+"_TOKEN"]})
		if err != nil {
			return err
		}
		_, err = secretsmanager.NewFromConfig(d.account.cfg).PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
			SecretId: aws.String(d.functions[f.function()].settings["EBB_"+f.setting()+"_CREDENTIALS_ARN"]), SecretString: aws.String(string(value)),
		})
		if err != nil {
			return fmt.Errorf("put the credentials for %s: %w", f.source, err)
		}
	}
	return nil
}

// receive has the forge's receiver take a delivery, signed with the stack's
// secret, and refuse another.
func (r *rehearsal) receive(ctx context.Context, from forge, d *deployment, res *result) (err error) {
	f := d.functions[from.receiver()]
	out, err := secretsmanager.NewFromConfig(d.account.cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(f.settings["EBB_"+from.setting()+"_WEBHOOK_SECRET_ARN"]),
	})
	if err != nil {
		return fmt.Errorf("read the webhook's secret: %w", err)
	}
	var secret struct{ Current string }
	if err := json.Unmarshal([]byte(*out.SecretString), &secret); err != nil {
		return fmt.Errorf("decode the webhook's secret: %w", err)
	}
	body, err := functionstest.Sample(r.root, from.sample, d.account.id)
	if err != nil {
		return err
	}
	g, err := r.gate(d)
	if err != nil {
		return err
	}
	defer g.server.Close()
	process, err := f.start(ctx, r.root, r.dist, g, nil)
	if err != nil {
		return err
	}
	defer func() { err = r.finish(process, res, err) }()
	for _, delivery := range []struct {
		id, secret string
		status     int
	}{{"rehearsed", secret.Current, http.StatusAccepted}, {"forged", "a guess", http.StatusUnauthorized}} {
		req, err := from.deliver("https://example.com/webhooks/"+from.source, body, "repository", delivery.id, delivery.secret)
		if err != nil {
			return err
		}
		in, err := functionstest.GatewayRequest(req)
		if err != nil {
			return err
		}
		payload, err := json.Marshal(in)
		if err != nil {
			return err
		}
		var answer events.APIGatewayV2HTTPResponse
		if err := process.Invoke(ctx, payload, &answer); err != nil {
			return err
		}
		if answer.StatusCode != delivery.status {
			return fmt.Errorf("delivery %q was answered with %d %s, want %d", delivery.id, answer.StatusCode, answer.Body, delivery.status)
		}
	}
	return r.confined(ctx, d, f, g, res)
}
