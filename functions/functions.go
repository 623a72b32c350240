// Package functions lists every remediation function there is.
package functions

import (
	"github.com/ebb-ops/ebb/functions/cloudtraillogging"
	"github.com/ebb-ops/ebb/functions/configrecorder"
	"github.com/ebb-ops/ebb/functions/ebsdefaultencryption"
	"github.com/ebb-ops/ebb/functions/ebssnapshotaccessblock"
	"github.com/ebb-ops/ebb/functions/ebssnapshotsharing"
	"github.com/ebb-ops/ebb/functions/ec2flowlog"
	"github.com/ebb-ops/ebb/functions/ec2imageaccessblock"
	"github.com/ebb-ops/ebb/functions/ec2imagesharing"
	"github.com/ebb-ops/ebb/functions/ec2instancelaunch"
	"github.com/ebb-ops/ebb/functions/ec2instancemetadata"
	"github.com/ebb-ops/ebb/functions/ec2networkacl"
	"github.com/ebb-ops/ebb/functions/ec2route"
	"github.com/ebb-ops/ebb/functions/ec2securitygroup"
	"github.com/ebb-ops/ebb/functions/ec2securitygroupegress"
	"github.com/ebb-ops/ebb/functions/ecrrepositorypolicy"
	"github.com/ebb-ops/ebb/functions/gitearepositoryvisibility"
	"github.com/ebb-ops/ebb/functions/githubrepositoryvisibility"
	"github.com/ebb-ops/ebb/functions/guarddutydetector"
	"github.com/ebb-ops/ebb/functions/iamaccesskey"
	"github.com/ebb-ops/ebb/functions/iaminlinepolicy"
	"github.com/ebb-ops/ebb/functions/iampasswordpolicy"
	"github.com/ebb-ops/ebb/functions/iampolicyattachment"
	"github.com/ebb-ops/ebb/functions/iampolicyversion"
	"github.com/ebb-ops/ebb/functions/iamroletrust"
	"github.com/ebb-ops/ebb/functions/kmskey"
	"github.com/ebb-ops/ebb/functions/lambdafunctionurl"
	"github.com/ebb-ops/ebb/functions/lambdapermission"
	"github.com/ebb-ops/ebb/functions/rdssnapshotsharing"
	"github.com/ebb-ops/ebb/functions/s3accountaccessblock"
	"github.com/ebb-ops/ebb/functions/s3bucketacl"
	"github.com/ebb-ops/ebb/functions/s3bucketlogging"
	"github.com/ebb-ops/ebb/functions/s3bucketpolicy"
	"github.com/ebb-ops/ebb/functions/s3bucketversioning"
	"github.com/ebb-ops/ebb/functions/s3publicaccessblock"
	"github.com/ebb-ops/ebb/functions/secretsmanagersecretpolicy"
	"github.com/ebb-ops/ebb/functions/snstopicpolicy"
	"github.com/ebb-ops/ebb/functions/sqsqueuepolicy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// All is the explicit registration list, in alphabetical order: a function that
// is not here is in no host, no policy and no report.
var All = []remedy.Function{
	cloudtraillogging.Function,
	configrecorder.Function,
	ebsdefaultencryption.Function,
	ebssnapshotaccessblock.Function,
	ebssnapshotsharing.Function,
	ec2flowlog.Function,
	ec2imageaccessblock.Function,
	ec2imagesharing.Function,
	ec2instancelaunch.Function,
	ec2instancemetadata.Function,
	ec2networkacl.Function,
	ec2route.Function,
	ec2securitygroup.Function,
	ec2securitygroupegress.Function,
	ecrrepositorypolicy.Function,
	gitearepositoryvisibility.Function,
	githubrepositoryvisibility.Function,
	guarddutydetector.Function,
	iamaccesskey.Function,
	iaminlinepolicy.Function,
	iampasswordpolicy.Function,
	iampolicyattachment.Function,
	iampolicyversion.Function,
	iamroletrust.Function,
	kmskey.Function,
	lambdafunctionurl.Function,
	lambdapermission.Function,
	rdssnapshotsharing.Function,
	s3accountaccessblock.Function,
	s3bucketacl.Function,
	s3bucketlogging.Function,
	s3bucketpolicy.Function,
	s3bucketversioning.Function,
	s3publicaccessblock.Function,
	secretsmanagersecretpolicy.Function,
	snstopicpolicy.Function,
	sqsqueuepolicy.Function,
}
