package moto_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
)

// TestCallsAtOnce makes calls side by side that read what the others write. A
// client would try again after an error of the server, and find its own work done.
func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	api := ec2.NewFromConfig(mototest.New(t).Config, func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })
	var all sync.WaitGroup
	for g := range 6 {
		all.Go(func() {
			for i := range 50 {
				_, err := api.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String(fmt.Sprint(g, "-", i)), Description: aws.String("web")})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
