# Ebb's targets. Each prints what it does and asks nothing.

SHELL := /bin/sh
TOOLS := $(CURDIR)/.tools
GOLANGCI_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.8.0

# The race detector looks at all Go code but SQLite and its C library, which were
# translated from C: to watch each of their accesses takes as long as all the
# rest of many tests. Their driver, and all that calls it, is watched.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false

# How many packages are tested at once: tests wait for a disk or an emulator about
# a fifth of their time.
PACKAGES := $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)

export AWS_EC2_METADATA_DISABLED := true

.DEFAULT_GOAL := help

include build.mk

## Run the demo: six bad changes ebb away, then it is your turn (CI=1 stops before that)
.PHONY: demo
demo: tools-moto
	@echo "building ebb and the demo ..."
	@mkdir -p dist
	@go build -trimpath -o dist/ebb ./cmd/ebb
	@go build -trimpath -o dist/demo ./cmd/demo
	@./dist/demo -ebb ./dist/ebb $(if $(KEEP),-keep) $(if $(CI),-ci) $(if $(CHAOS),-chaos '$(CHAOS)') $(if $(SEED),-seed $(SEED))

# The picture at the top of the README: a real run of the demo.
.PHONY: record-demo
record-demo: tools-moto
	@mkdir -p dist
	@go build -trimpath -o dist/ebb ./cmd/ebb
	@go build -trimpath -o dist/demo ./cmd/demo
	@python3 tools/record-demo.py docs/demo.svg ./dist/demo -ebb ./dist/ebb -ci

## The same for GitHub's webhooks, without AWS
.PHONY: demo-github
demo-github:
	@echo "building ebb and the demo ..."
	@mkdir -p dist
	@go build -trimpath -o dist/ebb ./cmd/ebb
	@go build -trimpath -o dist/demo ./cmd/demo
	@./dist/demo -only github -ebb ./dist/ebb $(if $(KEEP),-keep) $(if $(CI),-ci)

## Try ebb serve with a real Gitea, which is built from source once: some minutes
.PHONY: e2e-gitea
e2e-gitea: tools-gitea
	go test -tags e2e -count=1 -v ./e2e/gitea

## Look at what people read in a real browser: layout, keyboard, and axe's rules for accessibility
.PHONY: e2e-browser
e2e-browser: tools-browser
	go test -tags e2e -count=1 -v ./e2e/browser ./e2e/console

## Rehearse the deployment: every function with its own role, on an emulated AWS
.PHONY: rehearse
rehearse: tools
	@echo "building the rehearsal ..."
	@mkdir -p dist
	@go build -trimpath -o dist/rehearse ./cmd/rehearse
	@./dist/rehearse

## Run all tests with the race detector, those against the emulator included
.PHONY: test
test: tools
	@echo "building the functions for the tests ..."
	@rm -rf $(TOOLS)/bootstraps
	@$(MAKE) -s -f build.mk build-functions DIST=$(TOOLS)/bootstraps VERSION=test POLICY= NOTIFY=
	EBB_BOOTSTRAPS=$(TOOLS)/bootstraps go test $(RACE) -p $(PACKAGES) -timeout 30m ./...

## Check formatting, vet, lint, vulnerabilities and templates, then run the tests
.PHONY: check
check: lint templates vuln test

## Run the linters
.PHONY: lint
lint: tools-lint
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$files" ]; then echo "not gofmt-ed: $$files" >&2; exit 1; fi
	go vet ./...
	$(TOOLS)/bin/golangci-lint run ./...

## Write what follows from the code: templates, pages, tables, the files' schemas
.PHONY: generate
generate:
	go run ./tools/stacks
	go run ./tools/pages
	go run ./cmd/ebb policy schema > policy.schema.json.new && mv policy.schema.json.new policy.schema.json
	go run ./cmd/ebb notify schema > notify.schema.json.new && mv notify.schema.json.new notify.schema.json

## Check the deployment's templates
.PHONY: templates
templates: tools-sam tools-checkov
	@sh tools/templates.sh $(TOOLS)

## Look for known vulnerabilities, where their database can be reached
.PHONY: vuln
vuln:
	@sh tools/vulncheck.sh $(TOOLS)/bin $(GOVULNCHECK_VERSION)

## Run the benchmarks that the README quotes
.PHONY: bench
bench: tools
	go test -run '^$$' -bench . -benchmem ./...

## Write docs/benchmarks.md: allocations and remote calls of every function
.PHONY: bench-functions
bench-functions:
	@sh tools/bench-functions.sh

## Run each fuzz target for FUZZTIME (10s unless set)
.PHONY: fuzz
fuzz:
	@sh tools/fuzz.sh $(or $(FUZZTIME),10s)

## Install what the tests need into .tools
.PHONY: tools
tools: tools-moto tools-rie tools-jaeger tools-sam-translator

.PHONY: tools-moto
tools-moto:
	@sh tools/install-moto.sh

# An AWS command line for those who have none: nothing here needs it.
.PHONY: tools-aws
tools-aws:
	@sh tools/install-venv.sh aws "the AWS command line"

.PHONY: tools-rie
tools-rie:
	@sh tools/install-rie.sh

.PHONY: tools-jaeger
tools-jaeger:
	@sh tools/install-jaeger.sh

.PHONY: tools-gitea
tools-gitea:
	@sh tools/install-gitea.sh

.PHONY: tools-browser
tools-browser:
	@sh tools/install-browser.sh

.PHONY: tools-sam-translator
tools-sam-translator:
	@sh tools/install-sam-translator.sh

.PHONY: tools-sam
tools-sam:
	@sh tools/install-sam.sh

.PHONY: tools-checkov
tools-checkov:
	@sh tools/install-checkov.sh

.PHONY: tools-lint
tools-lint: $(TOOLS)/bin/golangci-lint-$(GOLANGCI_VERSION)

$(TOOLS)/bin/golangci-lint-$(GOLANGCI_VERSION):
	@echo "building golangci-lint $(GOLANGCI_VERSION) into .tools/bin ..."
	@mkdir -p $(TOOLS)/bin
	@GOBIN=$(TOOLS)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@touch $@

## Remove what was built
.PHONY: clean
clean:
	rm -rf dist

## List the targets
.PHONY: help
help:
	@awk '/^## /{doc=substr($$0,4)} /^[a-z0-9-]+:/{if(doc!=""){split($$1,t,":"); printf "  make %-11s %s\n", t[1], doc; doc=""}}' $(MAKEFILE_LIST)
