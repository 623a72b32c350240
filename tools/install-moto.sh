#!/bin/sh
# Installs the pinned AWS emulator into .tools/moto. Does nothing when it is there.
exec sh "$(dirname "$0")/install-venv.sh" moto "the AWS emulator (Moto)"
