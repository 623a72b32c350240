// Command lambda runs sns-topic-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/snstopicpolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(snstopicpolicy.Function) }
