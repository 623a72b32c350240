// Command lambda runs ebs-snapshot-public-access-block on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ebssnapshotpublicaccessblock"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ebssnapshotpublicaccessblock.Function) }
