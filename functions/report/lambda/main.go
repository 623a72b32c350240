// Command lambda runs the function that writes reports on Lambda.
package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ebb-ops/ebb/functions/report"
	"github.com/ebb-ops/ebb/pkg/host"
)

// The function's settings, as environment variables.
const (
	settingBucket  = "EBB_BUCKET"         // where reports are kept; required
	settingTopic   = "EBB_REPORT_TOPIC"   // the SNS topic that is told of them; none is when empty
	settingTeamTag = "EBB_TEAM_TAG"       // the key of the tag that names a team
	settingMinutes = "EBB_REPORT_MINUTES" // of human work that one revert saves
)

func main() {
	host.MainJob("report", func(job host.Job) (func(context.Context, []byte) error, error) {
		byPath := func(o *s3.Options) { o.UsePathStyle = job.Getenv(host.SettingAWS) != "" }
		objects := s3.NewFromConfig(job.AWS, byPath)
		// What is put around calls does not fit around a link, which makes none.
		signing := job.AWS.Copy()
		signing.APIOptions = nil
		f := report.Function{
			Ledger: job.Ledger, Objects: objects, Links: s3.NewPresignClient(s3.NewFromConfig(signing, byPath)), Bucket: job.Getenv(settingBucket),
			Now: time.Now, TeamTag: job.Getenv(settingTeamTag),
		}
		if f.Bucket == "" {
			return nil, fmt.Errorf("%s is not set: name the bucket that keeps reports", settingBucket)
		}
		if s := job.Getenv(settingMinutes); s != "" {
			var err error
			if f.Minutes, err = strconv.ParseFloat(s, 64); err != nil || f.Minutes <= 0 {
				return nil, fmt.Errorf("%s %q: want a number greater than 0", settingMinutes, s)
			}
		}
		if topic := job.Getenv(settingTopic); topic != "" {
			f.Tell = append(f.Tell, report.SNS(sns.NewFromConfig(job.AWS), topic))
		}
		if bus := job.Getenv(host.SettingBus); bus != "" {
			f.Tell = append(f.Tell, report.Bus(host.Publisher(job.AWS, bus)))
		}
		return f.Invoke, nil
	})
}
