# How the functions and the command are built. The Makefile includes this file;
# it also works alone: make -f build.mk build-functions ARCHES=arm64 DIST=/tmp/out

DIST ?= dist
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
ARCHES ?= arm64 amd64
POLICY ?= policy.yaml
NOTIFY ?= notify.yaml
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUNCTIONS ?= $(patsubst functions/%/lambda/main.go,%,$(wildcard functions/*/lambda/main.go))
CYCLONEDX_VERSION := v1.10.0
TOOLS ?= $(CURDIR)/.tools
CYCLONEDX := $(TOOLS)/bin/cyclonedx-gomod-$(CYCLONEDX_VERSION)

# The same sources and VERSION give the same bytes, in whatever folder and on
# whatever machine: no paths, no time, no commit and no C compiler are in them.
# ebb.lambda leaves out what no function on Lambda has a use for.
GO_BUILD := CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 go build -trimpath -buildvcs=false \
	-ldflags '-s -w -buildid= -X github.com/ebb-ops/ebb/pkg/host.version=$(VERSION)'

BUILDS := $(foreach a,$(ARCHES),$(FUNCTIONS:%=%/$(a)))

## Build the command, and each function's zip for Lambda with its SBOM, into dist/
.PHONY: build
build: build-ebb build-zips build-sboms

.PHONY: build-ebb
build-ebb:
	@mkdir -p $(DIST)
	$(GO_BUILD) -o $(DIST)/ebb ./cmd/ebb

# What is deployed as a function: its bootstrap, and the policy beside it; beside
# the one that notifies, who is to be told.
.PHONY: build-functions
build-functions:
	@$(MAKE) --no-print-directory -f build.mk -j$(JOBS) build-bootstraps

# Most of the time goes into linking, which keeps one processor busy: hence as
# many at once as there are.
.PHONY: build-bootstraps
build-bootstraps: $(BUILDS:%=$(DIST)/%/bootstrap)

.PHONY: build-always
build-always:

# Whether a bootstrap is up to date is for the go command to say.
$(DIST)/%/bootstrap: build-always
	@mkdir -p $(@D)
	GOOS=linux GOARCH=$(notdir $*) $(GO_BUILD) -tags lambda.norpc,ebb.lambda -o $@ ./functions/$(patsubst %/,%,$(dir $*))/lambda
	@if [ -f "$(POLICY)" ]; then cp "$(POLICY)" $(@D)/policy.yaml; else rm -f $(@D)/policy.yaml; fi
	$(if $(filter notifier/%,$*),@if [ -f "$(NOTIFY)" ]; then cp "$(NOTIFY)" $(@D)/notify.yaml; else rm -f $(@D)/notify.yaml; fi)

# The zips are what template.yaml deploys, so that the sums say what runs.
.PHONY: build-zips
build-zips: build-functions
	go run ./tools/package $(DIST) $(BUILDS)

# What each function is made of, as CycloneDX: read from the binary itself.
.PHONY: build-sboms
build-sboms: build-functions $(CYCLONEDX)
	@$(MAKE) --no-print-directory -f build.mk -j$(JOBS) $(BUILDS:%=$(DIST)/%.cdx)

$(DIST)/%.cdx: build-always
	@out=$(DIST)/$(patsubst %/,%,$(dir $*))-$(notdir $*).cdx.json; \
		echo "writing $$out"; \
		GOOS=linux GOARCH=$(notdir $*) $(CYCLONEDX) bin -json -std -noserial -notimestamp -version '$(VERSION)' -output $$out $(DIST)/$*/bootstrap 2>$$out.log || { cat $$out.log >&2; exit 1; }; \
		rm -f $$out.log

$(CYCLONEDX):
	@echo "building cyclonedx-gomod $(CYCLONEDX_VERSION) into $(@D) ..."
	@mkdir -p $(@D)
	@GOBIN=$(@D) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	@mv $(@D)/cyclonedx-gomod $@
