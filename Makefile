# settled: everything a developer runs. `make` alone lists the targets.
GO ?= go
TOOL = $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help build test race fuzz lint lint-full bench demo ci

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

lint: ## check formatting, vet and staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

lint-full: ## the above and golangci-lint (its first build takes minutes)
lint-full: lint
	$(TOOL) golangci-lint run ./...

bench: ## measure against the limits of this machine
	$(GO) run ./cmd/settled bench

demo: ## run the whole system against a simulated processing center
	$(GO) run ./cmd/settled demo

ci: ## what CI runs
	.ci/run
