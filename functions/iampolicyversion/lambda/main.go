// Command lambda runs iam-policy-version on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/iampolicyversion"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(iampolicyversion.Function) }
