#!/bin/sh
# Installs AWS's Lambda Runtime Interface Emulator, pinned, as
# .tools/rie/aws-lambda-rie. Does nothing when it is there.
set -eu
cd "$(dirname "$0")/.."
if [ "$(uname -s)" != Linux ]; then
	echo "the Lambda emulator runs on Linux only: the tests that need it are not built here"
	exit 0
fi
case $(uname -m) in
x86_64 | amd64) arch=x86_64 ;;
aarch64 | arm64) arch=arm64 ;;
*)
	echo "the Lambda emulator exists for x86_64 and arm64, not for $(uname -m)" >&2
	exit 1
	;;
esac
want="$arch $(cksum <tools/rie-requirements.txt)"
dir=.tools/rie
if [ -x "$dir/aws-lambda-rie" ] && [ "$(cat "$dir/.installed" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
# Its Python brings pip, which a system's may lack.
python=.tools/moto/bin/python
[ -x "$python" ] || sh tools/install-moto.sh
echo "installing the Lambda emulator into $dir ..."
rm -rf "$dir"
mkdir -p "$dir"
"$python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
	--ignore-requires-python --dest "$dir" -r tools/rie-requirements.txt
"$python" - "$dir" "$arch" <<'PY'
import glob, os, sys, zipfile

dir, arch = sys.argv[1:]
(wheel,) = glob.glob(os.path.join(dir, "*.whl"))
out = os.path.join(dir, "aws-lambda-rie")
with zipfile.ZipFile(wheel) as z, open(out, "wb") as f:
    f.write(z.read("samcli/local/rapid/aws-lambda-rie-" + arch))
os.chmod(out, 0o755)
os.remove(wheel)
PY
echo "$want" >"$dir/.installed"
