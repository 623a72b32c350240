// Command lambda runs s3-bucket-logging on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3bucketlogging"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3bucketlogging.Function) }
