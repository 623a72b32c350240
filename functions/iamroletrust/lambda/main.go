// Command lambda runs iam-role-trust on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/iamroletrust"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(iamroletrust.Function) }
