#!/bin/sh
# Builds Jaeger's all-in-one, pinned, as .tools/jaeger/all-in-one. Does nothing
# when it is there.
set -eu
cd "$(dirname "$0")/.."
# The last release that the Go module proxy has: later ones are tagged v2, and
# their module's path is not.
version=v1.76.0
program=github.com/jaegertracing/jaeger/cmd/all-in-one
want="$version $(go env GOOS GOARCH | tr '\n' ' ')"
dir=.tools/jaeger
if [ -x "$dir/all-in-one" ] && [ "$(cat "$dir/.installed" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
echo "building Jaeger $version into $dir, which takes some minutes once ..."
rm -rf "$dir"
mkdir -p "$dir/build"
trap 'rm -rf "$dir/build"' EXIT
# go install PACKAGE@VERSION refuses a module that replaces another, as Jaeger's
# does for its tests. A module that requires it gets the same versions.
(
	cd "$dir/build"
	export GOWORK=off
	go mod init build 2>/dev/null
	go mod edit -require="${program%/cmd/*}@$version"
	go build -mod=mod -trimpath -ldflags='-s -w' -o ../all-in-one "$program"
) 2>"$dir/log" || {
	cat "$dir/log" >&2
	exit 1
}
rm "$dir/log"
echo "$want" >"$dir/.installed"
