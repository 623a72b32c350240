// Command lambda runs ecr-repository-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ecrrepositorypolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ecrrepositorypolicy.Function) }
