// Command lambda runs ebs-default-encryption on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/ebsdefaultencryption"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(ebsdefaultencryption.Function) }
