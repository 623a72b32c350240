// Command lambda runs rds-public-access on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/rdspublicaccess"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(rdspublicaccess.Function) }
