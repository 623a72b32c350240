// Command lambda runs guardduty-detector on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/guarddutydetector"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(guarddutydetector.Function) }
