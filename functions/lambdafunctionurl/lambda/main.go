// Command lambda runs lambda-function-url on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/lambdafunctionurl"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(lambdafunctionurl.Function) }
