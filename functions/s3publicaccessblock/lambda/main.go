// Command lambda runs s3-public-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/s3publicaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(s3publicaccessblock.Function) }
