package notify

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// snsSubject is how long a subject may be, in ASCII characters.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const snsSubject = 100

// Topics is the part of SNS that is needed.
type Topics interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// subject gives a notice's headline as SNS takes it: printable ASCII.
func subject(n Notice) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, "Ebb: "+n.headline())
	return s[:min(len(s), snsSubject)]
}

func (s *Sender) sns(ctx context.Context, ch *SNS, n Notice) error {
	if s.opts.SNS == nil {
		return remedy.Permanent(fmt.Errorf("publish to %s: no AWS region is known: set AWS_REGION", ch.Topic))
	}
	_, err := s.opts.SNS.Publish(ctx, &sns.PublishInput{TopicArn: &ch.Topic, Subject: aws.String(subject(n)), Message: aws.String(n.plain())},
		func(o *sns.Options) { o.Region = strings.Split(ch.Topic, ":")[3] })
	switch {
	case err == nil:
		return nil
	case cloud.Denied(err):
		return fmt.Errorf("publish to %s: access denied: allow sns:Publish on it, and kms:GenerateDataKey where its key is your own: %w", ch.Topic, err)
	case cloud.HasCode(err, "NotFound"), cloud.HasCode(err, "InvalidParameter"):
		return remedy.Permanent(fmt.Errorf("publish to %s: %w", ch.Topic, err))
	}
	return fmt.Errorf("publish to %s: %w", ch.Topic, err)
}
