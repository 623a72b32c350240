package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/ebb-ops/ebb/functions/functionstest"
)

// The functions for GitHub's webhooks.
const (
	receiver = "github-webhook"
	github   = "github-repository-visibility"
)

// credentialsForGitHub does what a person does after the deployment: it puts the
// token into the stack's secret.
func (d *deployment) credentialsForGitHub(ctx context.Context) error {
	value, err := json.Marshal(map[string]string{"token": d.stages[github].Settings["GITHUB_TOKEN"]})
	if err != nil {
		return err
	}
	_, err = secretsmanager.NewFromConfig(d.account.cfg).PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(d.functions[github].settings["EBB_GITHUB_CREDENTIALS_ARN"]), SecretString: aws.String(string(value)),
	})
	if err != nil {
		return fmt.Errorf("put GitHub's credentials: %w", err)
	}
	return nil
}

// receive has the receiver take a delivery, signed with the stack's secret, and
// refuse another.
func (r *rehearsal) receive(ctx context.Context, f *function, d *deployment, res *result) (err error) {
	out, err := secretsmanager.NewFromConfig(d.account.cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(f.settings["EBB_GITHUB_WEBHOOK_SECRET_ARN"]),
	})
	if err != nil {
		return fmt.Errorf("read the webhook's secret: %w", err)
	}
	var secret struct{ Current string }
	if err := json.Unmarshal([]byte(*out.SecretString), &secret); err != nil {
		return fmt.Errorf("decode the webhook's secret: %w", err)
	}
	body, err := functionstest.Sample(r.root, "github-webhook/publicized.json", d.account.id)
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
	defer func() {
		if err != nil {
			r.out.log(process.Log())
		}
		err = errors.Join(err, process.close())
	}()
	for _, delivery := range []struct {
		id, secret string
		status     int
	}{{"rehearsed", secret.Current, http.StatusAccepted}, {"forged", "a guess", http.StatusUnauthorized}} {
		in, err := functionstest.GatewayRequest(body, delivery.id, delivery.secret)
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
	res.measure(f, process.Function, g)
	if _, refused, unknown := g.calls(); len(refused)+len(unknown) > 0 {
		return fmt.Errorf("calls were refused: %v %w", refused, errors.Join(unknown...))
	}
	return outside(ctx, f, g, r.emulator, d)
}
