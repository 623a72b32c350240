// Command lambda runs iam-policy-attachment on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/iampolicyattachment"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(iampolicyattachment.Function) }
