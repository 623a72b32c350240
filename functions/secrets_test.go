//go:build linux

package functions_test

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
)

// TestReceiverOnLambda_with_a_stored_secret has the secret made and replaced
// while the function runs.
func TestReceiverOnLambda_with_a_stored_secret(t *testing.T) {
	account := mototest.New(t)
	queue := listen(t, account, `{"source":["github"]}`)
	settings := lambdaSettings(t, account)
	settings["EBB_GITHUB_WEBHOOK_SECRET_ARN"] = "ebb/webhook"
	settings["EBB_GITHUB_WEBHOOK_SECRET"] = "of a setting"
	f := emulate(t, bootstrap(t, "githubwebhook", hostArch), settings)
	body := sample(t, "github-webhook/publicized.json", account)
	send := func(delivery, key string, status int) {
		t.Helper()
		payload, err := json.Marshal(gatewayRequest(t, body, delivery, key))
		check(t, err)
		var got events.APIGatewayV2HTTPResponse
		f.invoke(t, payload, &got)
		if got.StatusCode != status || strings.Contains(got.Body, "ebb/webhook") {
			t.Errorf("%s: answer = %+v, want %d and nothing about the secret", delivery, got, status)
		}
	}

	send("too-early", "0ne-key", 500)
	f.logs(t, "read secret ebb/webhook: there is no such secret")
	api := secretsmanager.NewFromConfig(account.Config)
	_, err := api.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("ebb/webhook"), SecretString: aws.String(`{"current":"0ne-key"}`)})
	check(t, err)
	send("first", "0ne-key", 202)
	send("of-the-setting", "of a setting", 401)
	_, err = api.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String("ebb/webhook"), SecretString: aws.String(`{"current":"tw0-key","previous":"0ne-key"}`)})
	check(t, err)
	until(t, "the new key is taken", func() bool {
		payload, err := json.Marshal(gatewayRequest(t, body, "second", "tw0-key"))
		check(t, err)
		var got events.APIGatewayV2HTTPResponse
		f.invoke(t, payload, &got)
		return got.StatusCode == 202
	})
	send("late", "0ne-key", 202)
	want(t, "events on the bus", []string{
		"github repository.publicized first", "github repository.publicized second", "github repository.publicized late",
	}, queue(t, 3))
	for _, key := range []string{"0ne-key", "tw0-key"} {
		if strings.Contains(f.function.Log(), key) {
			t.Error("a key is in the log")
		}
	}
}

// TestGitHubOnLambda_with_stored_credentials shows that without them the event
// comes again, and that they need no deployment.
func TestGitHubOnLambda_with_stored_credentials(t *testing.T) {
	const name = "github-repository-visibility"
	account := mototest.New(t)
	s := stageFor(t, name, account)
	ledger := newLedger(t, account)
	listen(t, account, `{"source":["ebb"]}`)
	settings := lambdaSettings(t, account)
	for k, v := range s.settings {
		settings[k] = v
	}
	token := settings["GITHUB_TOKEN"]
	delete(settings, "GITHUB_TOKEN")
	settings["EBB_GITHUB_CREDENTIALS_ARN"] = "ebb/github"
	f := emulate(t, bootstrap(t, folder(name), hostArch), settings)
	s.spoil(t)

	if body := string(f.raw(t, s.event)); !strings.Contains(body, "errorMessage") || !strings.Contains(body, "read secret ebb/github: there is no such secret") {
		t.Errorf("answer = %s, want an error about the secret", body)
	}
	want(t, "the state without credentials", s.bad, s.state(t))
	want(t, "dead letters", nil, deadLetters(t, ledger)) // it is for Lambda to try again

	secret, err := json.Marshal(map[string]string{"token": token})
	check(t, err)
	_, err = secretsmanager.NewFromConfig(account.Config).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("ebb/github"), SecretString: aws.String(string(secret))})
	check(t, err)
	f.handle(t, s.event)
	want(t, "the state with credentials", s.good, s.state(t))
}

// TestSecretsManagerIsForForges keeps its client out of the functions that have
// no credentials to read, and no secret to guard.
func TestSecretsManagerIsForForges(t *testing.T) {
	args := []string{"list", "-tags", "lambda.norpc,ebb.lambda", "-f", `{{.ImportPath}} {{join .Deps " "}}`}
	for _, folder := range lambdaFolders(t) {
		args = append(args, "./"+folder+"/lambda")
	}
	out, err := exec.Command("go", args...).Output()
	check(t, err)
	var got []string
	for line := range strings.Lines(string(out)) {
		paths := strings.Fields(line)
		if slices.Contains(paths, "github.com/aws/aws-sdk-go-v2/service/secretsmanager") {
			got = append(got, path.Base(path.Dir(paths[0])))
		}
	}
	want(t, "functions with Secrets Manager's client", []string{"gitearepositoryvisibility", "giteawebhook", "githubrepositoryvisibility", "githubwebhook", "secretsmanagersecretpolicy"}, got)
}

// TestReceiverOnLambda_without_its_bus shows that a delivery which no bus took is
// not answered as if it were safe.
func TestReceiverOnLambda_without_its_bus(t *testing.T) {
	account := mototest.New(t)
	settings := lambdaSettings(t, account)
	settings["EBB_BUS"] = "gone"
	settings["EBB_GITHUB_WEBHOOK_SECRET"] = "key"
	f := emulate(t, bootstrap(t, "githubwebhook", hostArch), settings)
	payload, err := json.Marshal(gatewayRequest(t, sample(t, "github-webhook/publicized.json", account), "d1", "key"))
	check(t, err)
	var got events.APIGatewayV2HTTPResponse
	f.invoke(t, payload, &got)
	if got.StatusCode != 500 {
		t.Errorf("answer = %+v, want 500", got)
	}
	f.logs(t, "on bus gone")
}
