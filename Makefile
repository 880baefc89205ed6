# settled: everything a developer runs. `make` alone lists the targets.
GO ?= go
TOOL = $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help build test race fuzz lint walls bench demo release ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/settled and bin/pcsim
	$(GO) build -trimpath -o bin/ ./cmd/...

test: ## run all tests; they start their own PostgreSQL
	$(GO) test ./...

race: ## run all tests under the race detector
	$(GO) test -race ./...

fuzz: ## fuzz each parser for FUZZTIME (default 10s)
	@.ci/fuzz $(FUZZTIME)

lint: ## check formatting, vet, the rules of .golangci.yml, and that nothing is there for tests alone
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(TOOL) golangci-lint run ./...
	@unused=$$($(TOOL) deadcode ./cmd/...); test -z "$$unused" || { echo "$$unused"; exit 1; }

walls: ## measure packages, types, functions, and references that run back up inside the large rooms
	cd tools && $(GO) run ./walls .. authorize settle clearing

bench: ## measure against the limits of this machine
	$(GO) run ./cmd/settled bench

demo: ## run the whole system against a simulated processing center
	$(GO) run ./cmd/settled demo

release: ## build what is handed out into dist/: binaries, their SBOMs, license texts, checksums
	cd tools && $(GO) run ./release .. ../dist

ci: ## what CI runs
	.ci/run
