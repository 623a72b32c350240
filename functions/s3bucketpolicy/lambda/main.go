// Command lambda runs s3-bucket-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3bucketpolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3bucketpolicy.Function) }
