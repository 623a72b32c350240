// Command lambda runs s3-account-public-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3accountpublicaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3accountpublicaccessblock.Function) }
