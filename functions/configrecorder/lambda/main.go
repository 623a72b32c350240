// Command lambda runs config-recorder on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/configrecorder"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(configrecorder.Function) }
