package doctor

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/saas/gitea"
	"github.com/ebb-ops/ebb/pkg/saas/github"
	"github.com/ebb-ops/ebb/pkg/secret"
)

// The settings that name the stored secret of a webhook.
const (
	SettingWebhookSecret      = "EBB_GITHUB_WEBHOOK_SECRET_ARN" // #nosec G101 -- a name
	SettingGiteaWebhookSecret = "EBB_GITEA_WEBHOOK_SECRET_ARN"  // #nosec G101
)

// checkSecrets reads the secrets that the functions' settings name, and looks at
// their form. Nothing of them is in a finding.
func (e *exam) checkSecrets(ctx context.Context) (found []Finding) {
	keys := func(m map[string]string) error { _, err := secret.Keys(m); return err }
	store := secret.New(secretsmanager.NewFromConfig(e.cfg), e.now)
	for _, l := range e.lambdas {
		for _, s := range []struct {
			setting string
			check   func(map[string]string) error
		}{
			{SettingWebhookSecret, keys},
			{SettingGiteaWebhookSecret, keys},
			{github.SettingStored, github.Check},
			{gitea.SettingStored, gitea.Check},
		} {
			id := l.settings[s.setting]
			if id == "" {
				continue
			}
			a := about{"secret", id}
			members, err := store.Read(ctx, id, false)
			if cloud.Denied(errors.Unwrap(err)) {
				found = append(found, a.unknown(err, "secretsmanager:GetSecretValue"))
				continue
			}
			if err == nil {
				err = s.check(members)
			}
			if err != nil {
				found = append(found, a.fail("Put it right with aws secretsmanager put-secret-value; the functions need no deployment.", "%s can't use it: %s.", l.name, oneLine(err)))
				continue
			}
			found = append(found, a.ok("It can be read and is what %s expects.", l.name))
		}
	}
	return found
}
