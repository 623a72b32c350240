// Command lambda runs rds-snapshot-sharing on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/rdssnapshotsharing"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(rdssnapshotsharing.Function) }
