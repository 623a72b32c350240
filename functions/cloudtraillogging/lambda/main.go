// Command lambda runs cloudtrail-logging on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/cloudtraillogging"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(cloudtraillogging.Function) }
