// Command lambda runs ec2-image-public-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2imagepublicaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2imagepublicaccessblock.Function) }
