#!/bin/sh
# Installs Checkov, pinned, into .tools/checkov. Does nothing when it is there.
exec sh "$(dirname "$0")/install-venv.sh" checkov "Checkov"
