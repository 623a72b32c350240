// Command lambda runs ebs-snapshot-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ebssnapshotaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ebssnapshotaccessblock.Function) }
