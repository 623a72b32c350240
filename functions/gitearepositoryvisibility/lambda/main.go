// Command lambda runs gitea-repository-visibility on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/gitearepositoryvisibility"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/secret"
)

func main() { host.Main(secret.Function(gitearepositoryvisibility.Function)) }
