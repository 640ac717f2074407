# SPDX-License-Identifier: Apache-2.0

PACKAGES = .build-packages/debian
CACHE ?= $(or $(GANTRY_CACHE),$(HOME)/.cache/gantry)
SCRIPTS = .ci/run $(wildcard Packaging/dev/* Packaging/gpu/*) Packaging/check-units Packaging/images/build \
	Packaging/debian/build Packaging/debian/check $(wildcard Packaging/debian/*.preinst Packaging/debian/*.postrm) \
	Packaging/images/check Packaging/images/debian/customize Packaging/images/host/customize Packaging/images/micro/rc \
	Packaging/images/micro/udhcpc Packaging/images/micro/initramfs-init

.DEFAULT_GOAL := help
.PHONY: help demo demo-down dependencies images judges build packages test test-all format lint benchmark clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Boot a VM through the whole of Gantry and say how to log in (root)
	@Packaging/dev/demo up

demo-down: ## Take the demo away again
	@Packaging/dev/demo down

dependencies: ## Install the Debian packages that are missing, after saying which (root)
	@Packaging/dev/install-dependencies build services host images judges lint

images: dependencies ## Build the test images
	@Packaging/images/build micro $(CACHE)/images
	@Packaging/images/build debian $(CACHE)/images
	@Packaging/images/build host $(CACHE)/images

judges: dependencies ## Install the vendor's SDK and what else judges the API
	@Packaging/dev/python-environment Tests/System/SDK/requirements.txt $(CACHE)/judges

build: ## Compile everything, tests included
	swift build --build-tests

packages: ## Build the Debian packages of conductor, agent and command line
	@Packaging/dev/install-dependencies build packages
	@Packaging/debian/build $(PACKAGES)

# By lines, so that a log that was cut off ends with the test that was running.
test: dependencies images judges build ## Run all tests on real parts (root)
	GANTRY_CACHE=$(CACHE) GANTRY_IMAGES=$(CACHE)/images stdbuf -oL swift test --skip-build --no-parallel

test-all: export GANTRY_TEST_ALL = 1
test-all: export GANTRY_PACKAGES = $(abspath $(PACKAGES))
test-all: packages test ## The same, and what takes longer: GPUs in trouble, guest images by BIOS and UEFI, packages
	Packaging/images/check $(CACHE)/images/micro.qcow2 gantry bios
	Packaging/images/check $(CACHE)/images/micro.qcow2 gantry uefi
	Packaging/images/check $(CACHE)/images/debian.qcow2 debian bios
	Packaging/images/check $(CACHE)/images/debian.qcow2 debian uefi
	Packaging/debian/check $(PACKAGES)/*.deb

format: ## Format the sources
	swift format -i -r Sources Tests Benchmarks/Sources Package.swift Benchmarks/Package.swift

lint: ## Check format, scripts and units
	swift format lint --strict -r Sources Tests Benchmarks/Sources Package.swift Benchmarks/Package.swift
	shellcheck $(SCRIPTS)
	Packaging/check-units

benchmark: dependencies images ## Measure, side by side, and print tables (root)
	@Packaging/dev/benchmark $(CACHE)/images

clean: ## Remove what was built; the image cache stays
	rm -rf .build .build-packages Benchmarks/.build
