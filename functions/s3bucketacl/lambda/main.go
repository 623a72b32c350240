// Command lambda runs s3-bucket-acl on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3bucketacl"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3bucketacl.Function) }
