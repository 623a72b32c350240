// Command lambda runs ebs-snapshot-sharing on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ebssnapshotsharing"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ebssnapshotsharing.Function) }
