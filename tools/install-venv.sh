#!/bin/sh
# install-venv.sh NAME TITLE: installs what tools/NAME-requirements.txt pins into
# the virtual environment .tools/NAME. Does nothing when it is there.
set -eu
cd "$(dirname "$0")/.."
requirements=tools/$1-requirements.txt
want=$(cksum <"$requirements")
dir=.tools/$1
if [ -x "$dir/bin/python" ] && [ "$(cat "$dir/.installed" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
echo "installing $2 into $dir ..."
rm -rf "$dir"
mkdir -p .tools
if ! python3 -m venv "$dir" 2>"$dir.log"; then
	# Debian ships venv without its pip; virtualenv or a pip of the system will do.
	rm -rf "$dir"
	if ! python3 -m virtualenv "$dir" 2>>"$dir.log" >&2; then
		echo "python3 can't make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2
		cat "$dir.log" >&2
		exit 1
	fi
fi
rm -f "$dir.log"
# A file with hashes locks everything, and pip asks for hashes of extras that it
# need not look for.
deps=
grep -q -e --hash= "$requirements" && deps=--no-deps
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-input $deps -r "$requirements"
echo "$want" >"$dir/.installed"
