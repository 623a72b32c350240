// Command lambda runs ec2-image-sharing on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ec2imagesharing"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ec2imagesharing.Function) }
