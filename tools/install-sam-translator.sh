#!/bin/sh
# Installs AWS's SAM translator, pinned, into .tools/sam-translator. Does nothing when it is there.
exec sh "$(dirname "$0")/install-venv.sh" sam-translator "AWS's SAM translator"
