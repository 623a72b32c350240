// Command lambda runs ec2-security-group-egress on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2securitygroupegress"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2securitygroupegress.Function) }
