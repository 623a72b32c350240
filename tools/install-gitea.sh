#!/bin/sh
# Builds Gitea, pinned, as .tools/gitea/gitea, with the files that it reads beside
# it. Does nothing when it is there. It is built without its web pages' scripts,
# which the Go module proxy doesn't have: API and webhooks do without.
set -eu
cd "$(dirname "$0")/.."
version=v1.26.0
module=code.gitea.io/gitea
want="$version $(go env GOOS GOARCH | tr '\n' ' ')"
dir=.tools/gitea
if [ -x "$dir/gitea" ] && [ "$(cat "$dir/.installed" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
command -v "$(go env CC)" >/dev/null || {
	echo "Gitea's SQLite needs a C compiler: install $(go env CC)" >&2
	exit 1
}
echo "building Gitea $version into $dir, which takes some minutes once ..."
rm -rf "$dir"
mkdir -p "$dir"
module_dir=$(GOWORK=off go mod download -json "$module@$version" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
# The module is built in its own folder: it replaces others, which only the main
# module may. Nothing is written there.
(
	cd "$module_dir"
	export GOWORK=off
	go build -mod=readonly -trimpath -tags 'sqlite sqlite_unlock_notify' \
		-ldflags="-s -w -X main.Version=${version#v} -X \"main.Tags=sqlite sqlite_unlock_notify\"" \
		-o "$OLDPWD/$dir/gitea" .
) 2>"$dir/log" || {
	cat "$dir/log" >&2
	exit 1
}
rm "$dir/log"
cp -R "$module_dir/options" "$module_dir/templates" "$dir"
chmod -R u+w "$dir" # the module cache is read-only
echo "$want" >"$dir/.installed"
