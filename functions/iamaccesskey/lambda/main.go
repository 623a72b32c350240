// Command lambda runs iam-access-key on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/iamaccesskey"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(iamaccesskey.Function) }
