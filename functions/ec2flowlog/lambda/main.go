// Command lambda runs ec2-flow-log on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2flowlog"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2flowlog.Function) }
