// Command lambda runs iam-inline-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/iaminlinepolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(iaminlinepolicy.Function) }
