// Command lambda runs secretsmanager-secret-policy on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/secretsmanagersecretpolicy"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(secretsmanagersecretpolicy.Function) }
