package doctor

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// maxSkew is how far off AWS lets a clock be: later or earlier calls are refused.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const maxSkew = 5 * time.Minute

// identity finds out who asks, and what AWS's clock says. Without an identity
// no other check makes sense.
func (e *exam) identity(ctx context.Context) ([]Finding, bool) {
	who := about{"identity", e.cfg.Region}
	if e.cfg.Region == "" {
		return []Finding{who.fail("Set AWS_REGION to the region of the deployment.", "No region is known.")}, false
	}
	out, err := sts.NewFromConfig(e.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return []Finding{who.fail("Set credentials of the deployment's account; aws sts get-caller-identity must work with them.", "AWS does not know who asks: %s.", oneLine(err))}, false
	}
	e.caller, err = arn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return []Finding{who.fail("Look at the endpoint: is it AWS's?", "The answer is no identity: %q.", aws.ToString(out.Arn))}, false
	}
	found := []Finding{who.ok("%s of account %s asks.", aws.ToString(out.Arn), e.caller.AccountID)}

	clock := about{"clock", "this machine"}
	theirs, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok {
		return append(found, clock.warn("Look at the endpoint: is there a proxy in between?", "AWS's answer does not say what time it is.")), true
	}
	// Dates in answers have no fractions of a second.
	skew := e.now().Sub(theirs).Round(time.Second)
	switch off := skew.Abs(); {
	case off > maxSkew:
		found = append(found, clock.fail("Set the clock, and keep it with NTP: AWS refuses calls that are more than 5 minutes off.", "It is %s off AWS's.", skew))
	case off > remedy.ClockSkew:
		found = append(found, clock.warn("Keep the clock with NTP: what runs here shares leases with the functions.", "It is %s off AWS's.", skew))
	default:
		found = append(found, clock.ok("It agrees with AWS's."))
	}
	return found, true
}
