// Command lambda runs ec2-instance-metadata on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2instancemetadata"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2instancemetadata.Function) }
