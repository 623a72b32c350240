// Command lambda runs ec2-route on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2route"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2route.Function) }
