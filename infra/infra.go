// Package infra reads the deployment's templates as CloudFormation gets them.
package infra

import (
	"bytes"
	"context"
	_ "embed" // transform.py
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed transform.py
var transform string

// Root is the template that is deployed; Spoke is for the accounts and regions
// that forward to it. Both are paths in the repository.
const (
	Root  = "template.yaml"
	Spoke = "infra/spoke.yaml"
)

// CodeBucket is where a transformed function's code is: dist/x.zip is its
// object x.zip.
const CodeBucket = "code"

// Templates gives the roots and all nested stacks of theirs, transformed by AWS's
// SAM translator, as JSON by path in the repository at dir. In a nested stack's
// TemplateURL is such a path. Makefile's "tools" target installs the translator.
func Templates(ctx context.Context, dir string, roots ...string) (map[string]json.RawMessage, error) {
	python, err := filepath.Abs(filepath.Join(dir, ".tools", "sam-translator", "bin", "python"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(python); err != nil {
		return nil, fmt.Errorf("find the SAM translator: %w; run `make tools`", err)
	}
	cmd := exec.CommandContext(ctx, python, append([]string{"-c", transform, dir}, roots...)...) // #nosec G204 -- the translator's own interpreter
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("transform templates: %w: %s", err, &stderr)
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("transform templates: %w", err)
	}
	return out, nil
}
