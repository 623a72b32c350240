package report

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

// Topics is what [SNS] needs of an SNS client.
type Topics interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// SNS tells a topic of reports.
func SNS(client Topics, topic string) func(context.Context, Notice) error {
	return func(ctx context.Context, n Notice) error {
		_, err := client.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Subject: aws.String(n.Subject()), Message: aws.String(n.Text())})
		if err != nil {
			return fmt.Errorf("tell topic %s of the report: %w", topic, cloud.Explain(err, "sns:Publish"))
		}
		return nil
	}
}
