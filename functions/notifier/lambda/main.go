// Command lambda runs the function that sends notifications on Lambda.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	_ "time/tzdata" // quiet hours need it, and Lambda's image may have none

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ebb-ops/ebb/functions/notifier"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/dynamodb"
	"github.com/ebb-ops/ebb/pkg/secret"
)

// The function's settings, as environment variables.
const (
	settingFile      = "EBB_NOTIFY_FILE"        // the notify file's path; notify.yaml when empty
	settingSecrets   = "EBB_NOTIFY_SECRETS_ARN" // #nosec G101 -- the secret whose members the notify file names; required
	settingSlack     = "EBB_SLACK_URL"          // Slack's Web API; its public one when empty
	settingPagerDuty = "EBB_PAGERDUTY_URL"      // PagerDuty's Events API; its public one when empty
)

func main() { host.MainCollector("notifier", open) }

func open(job host.Job) (host.Collector, error) {
	file := cmp.Or(job.Getenv(settingFile), "notify.yaml")
	c, err := notify.LoadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return host.Collector{}, fmt.Errorf("the function was deployed without %s: build it in with make build NOTIFY=notify.yaml and deploy again, or deploy with Notify=disabled", file)
	}
	if err != nil {
		return host.Collector{}, err
	}
	secrets := notifier.Secrets{ID: job.Getenv(settingSecrets), Read: secret.New(secretsmanager.NewFromConfig(job.AWS), nil).Read}
	if secrets.ID == "" {
		return host.Collector{}, fmt.Errorf("%s is not set: name the secret whose members the notify file names", settingSecrets)
	}
	sender := notify.NewSender(c, notify.Options{
		Secret: secrets.Value, SNS: sns.NewFromConfig(job.AWS),
		SlackURL: job.Getenv(settingSlack), PagerDutyURL: job.Getenv(settingPagerDuty),
	})
	store := dynamodb.New(awsdynamodb.NewFromConfig(job.AWS), job.Getenv(host.SettingTable))
	return notifier.Collector(c, outbox.New(store, c, outbox.Options{
		Send: secrets.Renewing(sender.Send), Bury: job.Ledger.SaveDeadLetter, Count: metrics.NewHost(nil).Notification, Log: job.Log,
	})), nil
}
