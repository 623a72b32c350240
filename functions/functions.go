// Package functions lists every remediation function there is.
package functions

import (
	"github.com/ebb-ops/ebb/functions/ebssnapshotsharing"
	"github.com/ebb-ops/ebb/functions/ec2imagesharing"
	"github.com/ebb-ops/ebb/functions/ec2networkacl"
	"github.com/ebb-ops/ebb/functions/ec2securitygroup"
	"github.com/ebb-ops/ebb/functions/gitearepositoryvisibility"
	"github.com/ebb-ops/ebb/functions/githubrepositoryvisibility"
	"github.com/ebb-ops/ebb/functions/iamaccesskey"
	"github.com/ebb-ops/ebb/functions/iampolicyattachment"
	"github.com/ebb-ops/ebb/functions/s3bucketpolicy"
	"github.com/ebb-ops/ebb/functions/s3bucketversioning"
	"github.com/ebb-ops/ebb/functions/s3publicaccessblock"
	"github.com/ebb-ops/ebb/functions/snstopicpolicy"
	"github.com/ebb-ops/ebb/functions/sqsqueuepolicy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// All is the explicit registration list, in alphabetical order: a function that
// is not here is in no host, no policy and no report.
var All = []remedy.Function{
	ebssnapshotsharing.Function,
	ec2imagesharing.Function,
	ec2networkacl.Function,
	ec2securitygroup.Function,
	gitearepositoryvisibility.Function,
	githubrepositoryvisibility.Function,
	iamaccesskey.Function,
	iampolicyattachment.Function,
	s3bucketpolicy.Function,
	s3bucketversioning.Function,
	s3publicaccessblock.Function,
	snstopicpolicy.Function,
	sqsqueuepolicy.Function,
}
