#!/bin/sh
# Checks the deployment's templates with the tools in $1: AWS's linter, SAM's own
# validation and build, Checkov, and whether each permission is as narrow as AWS
# allows. What a check is told to leave out has its reason beside it: in
# .checkov.yaml, or in the template's Metadata.
set -eu
tools=$1
templates="template.yaml $(ls infra/*.yaml infra/functions/*.yaml)"
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1

echo "cfn-lint ..."
# shellcheck disable=SC2086 # one argument each
"$tools/sam/bin/cfn-lint" $templates

for t in $templates; do
	echo "sam validate $t ..."
	out=$("$tools/sam/bin/sam" validate --lint --template "$t" 2>&1) || { echo "$out" >&2; exit 1; }
done

echo "sam build ..."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
out=$("$tools/sam/bin/sam" build --build-dir "$build" --cache-dir "$build/cache" 2>&1) || { echo "$out" >&2; exit 1; }

echo "checkov ..."
"$tools/checkov/bin/checkov" --config-file .checkov.yaml

echo "least privilege ..."
# shellcheck disable=SC2086
"$tools/checkov/bin/python" tools/least.py $templates
