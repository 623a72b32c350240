// Command lambda runs ec2-network-acl on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2networkacl"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2networkacl.Function) }
