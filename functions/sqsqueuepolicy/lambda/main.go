// Command lambda runs sqs-queue-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/sqsqueuepolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(sqsqueuepolicy.Function) }
