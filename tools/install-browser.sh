#!/bin/sh
# Installs Playwright and axe-core, pinned, into .tools/browser, and links the
# system's Chromium there. Does nothing when both are there.
set -eu
cd "$(dirname "$0")/.."
sh tools/install-venv.sh browser "Playwright and axe-core"
for name in "${EBB_CHROMIUM:-}" chromium chromium-browser google-chrome; do
	if [ -n "$name" ] && found=$(command -v "$name"); then
		ln -sf "$found" .tools/browser/chromium
		exit 0
	fi
done
echo "no Chromium is on the PATH. On Debian or Ubuntu: apt-get install chromium; elsewhere set EBB_CHROMIUM to its path" >&2
exit 1
