# How the functions and the command are built. The Makefile includes this file;
# it also works alone: make -f build.mk build-functions ARCHES=arm64 DIST=/tmp/out

DIST ?= dist
ARCHES ?= arm64 amd64
POLICY ?= policy.yaml
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUNCTIONS ?= $(patsubst functions/%/lambda/main.go,%,$(wildcard functions/*/lambda/main.go))

# The same sources and VERSION give the same bytes, in whatever folder and on
# whatever machine: no paths, no time, no commit and no C compiler are in them.
# ebb.lambda leaves out what no function on Lambda has a use for.
GO_BUILD := CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 go build -trimpath -buildvcs=false \
	-ldflags '-s -w -buildid= -X github.com/ebb-ops/ebb/pkg/host.version=$(VERSION)'

## Build the command, and each function for Lambda, into dist/
.PHONY: build
build: build-ebb build-functions

.PHONY: build-ebb
build-ebb:
	@mkdir -p $(DIST)
	$(GO_BUILD) -o $(DIST)/ebb ./cmd/ebb

# What is deployed as a function: its bootstrap, and the policy beside it.
.PHONY: build-functions
build-functions: $(foreach a,$(ARCHES),$(FUNCTIONS:%=$(DIST)/%/$(a)/bootstrap))

.PHONY: build-always
build-always:

# Whether a bootstrap is up to date is for the go command to say.
$(DIST)/%/bootstrap: build-always
	@mkdir -p $(@D)
	GOOS=linux GOARCH=$(notdir $*) $(GO_BUILD) -tags lambda.norpc,ebb.lambda -o $@ ./functions/$(patsubst %/,%,$(dir $*))/lambda
	@if [ -f "$(POLICY)" ]; then cp "$(POLICY)" $(@D)/policy.yaml; else rm -f $(@D)/policy.yaml; fi
