// Command lambda runs s3-bucket-versioning on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3bucketversioning"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3bucketversioning.Function) }
