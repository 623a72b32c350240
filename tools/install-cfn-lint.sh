#!/bin/sh
# Installs the pinned template linter into .tools/cfn-lint. Does nothing when it is there.
exec sh "$(dirname "$0")/install-venv.sh" cfn-lint "the template linter (cfn-lint)"
