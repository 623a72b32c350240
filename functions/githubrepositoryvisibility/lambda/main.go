// Command lambda runs github-repository-visibility on Lambda.
package main

import (
	"github.com/ebb-ops/ebb/functions/githubrepositoryvisibility"
	"github.com/ebb-ops/ebb/pkg/host"
)

func main() { host.Main(githubrepositoryvisibility.Function) }
