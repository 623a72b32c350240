// Command lambda runs ec2-security-group on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2securitygroup"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2securitygroup.Function) }
