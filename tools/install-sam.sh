#!/bin/sh
# Installs AWS's SAM command line and cfn-lint, pinned, into .tools/sam. Does nothing when they are there.
exec sh "$(dirname "$0")/install-venv.sh" sam "AWS's SAM command line and cfn-lint"
