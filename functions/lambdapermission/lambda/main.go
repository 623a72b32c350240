// Command lambda runs lambda-permission on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/lambdapermission"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(lambdapermission.Function) }
