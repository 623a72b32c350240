#!/bin/sh
# Writes docs/benchmarks.md: what each function's event costs. Allocations do not
# depend on the machine, so that a change of theirs is a change of the code's; the
# remote calls are those that a test holds.
set -eu
cd "$(dirname "$0")/.."
out=docs/benchmarks.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "running DecodeAndCheck of every function ..."
go test -run '^$' -bench '^BenchmarkDecodeAndCheck$' -benchtime 2000x ./functions/... >"$work/bench" || { cat "$work/bench" >&2; exit 1; }
{
	cat <<'EOF'
<!-- Made by make bench-functions. -->
# What an event costs

Decoding a function's sample event and checking a bad state: allocations and bytes of one. Remote
calls for an event that is observed, reverted, and found compliant, the ledger's in DynamoDB
included; reads go out together, so that a revert of one call waits for three in a row.

| function | allocations | bytes | calls: observed | reverted | compliant |
|---|---|---|---|---|---|
EOF
	awk '
		FNR == NR && FNR > 1 { calls[$1] = $2 " | " $3 " | " $4; name = $1; gsub("-", "", name); full[name] = $1; next }
		/^pkg:/ { n = split($2, part, "/"); folder = part[n] }
		/^BenchmarkDecodeAndCheck/ && folder in full {
			for (i = 2; i < NF; i++) { if ($(i+1) == "allocs/op") a = $i; if ($(i+1) == "B/op") b = $i }
			print "| [`" full[folder] "`](functions/" full[folder] ".md) | " a " | " b " | " calls[full[folder]] " |"
		}' functions/testdata/calls.golden "$work/bench"
} >"$work/page"
cp "$work/page" "$out"
echo "wrote $out"
