// Command lambda runs ec2-instance-launch on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2instancelaunch"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2instancelaunch.Function) }
