// Command lambda runs ec2-image-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2imageaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2imageaccessblock.Function) }
