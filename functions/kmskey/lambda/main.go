// Command lambda runs kms-key on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/kmskey"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(kmskey.Function) }
