// Command lambda runs s3-account-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3accountaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3accountaccessblock.Function) }
