// Command lambda runs iam-password-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/iampasswordpolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(iampasswordpolicy.Function) }
