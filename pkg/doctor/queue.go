package doctor

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

// tooOld is how old a dead letter may be: the queue keeps it for twice as long.
const tooOld = 7 * 24 * time.Hour

// checkDeadLetters looks at the queue, and at the age of what is in it. Looking
// counts as a receive, after which the messages are there as before.
func (e *exam) checkDeadLetters(ctx context.Context) []Finding {
	if e.Queue == "" {
		if e.Stack == "" {
			return nil
		}
		return []Finding{about{"dead letters", e.Stack}.fail(deployAgain, "The stack has no queue for dead letters: what fails for good is lost.")}
	}
	client, url := sqs.NewFromConfig(e.cfg), e.Queue
	a := about{"dead letters", url[strings.LastIndex(url, "/")+1:]}
	if !strings.Contains(url, "://") {
		out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &url})
		if err != nil {
			return []Finding{a.queueError(err, "sqs:GetQueueUrl")}
		}
		url = *out.QueueUrl
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		return []Finding{a.queueError(err, "sqs:GetQueueAttributes")}
	}
	n, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil {
		return []Finding{a.unknown(err, "sqs:GetQueueAttributes")}
	}
	if n == 0 {
		return []Finding{a.ok("The queue is empty.")}
	}
	const fix = "Find out why in each message and in the functions' logs, then put the events back: docs/deploy.md says how."
	peek, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 0,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		return []Finding{a.warn(fix, "%d events wait there; how old they are is not known: %s.", n, oneLine(err))}
	}
	var age time.Duration
	for _, m := range peek.Messages {
		if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
			age = max(age, e.now().Sub(time.UnixMilli(ms)))
		}
	}
	if age > tooOld {
		return []Finding{a.fail(fix, "%d events wait there, one since %d days: after 14 they are lost.", n, int(age.Hours())/24)}
	}
	return []Finding{a.warn(fix, "%d events wait there, one since %s.", n, age.Round(time.Minute))}
}

func (a about) queueError(err error, action string) Finding {
	if cloud.HasCode(err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist") {
		return a.fail(deployAgain, "There is no such queue: what fails for good is lost.")
	}
	return a.unknown(err, action)
}
