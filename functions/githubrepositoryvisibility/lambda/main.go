// Command lambda runs github-repository-visibility on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/githubrepositoryvisibility"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/secret"
)

func main() { host.Main(secret.Function(githubrepositoryvisibility.Function)) }
