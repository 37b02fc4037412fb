# make            what can be done here
# Everything below works in a fresh clone; what is missing is set up first, and said.

.DEFAULT_GOAL := help
SHELL := /bin/sh

GO ?= go
BIN := bin/headroom
GRAPHIQL := web/graphiql/dist/index.html.br
LINT := .cache/golangci-lint/golangci-lint

# Build tags: storage_gs and storage_azure add those object stores (and their large drivers).
TAGS ?=

# What make test runs, for running less of it: make test ARGS='-run Webhook ./webhooks'
ARGS ?= ./...

.PHONY: help
help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what is missing to build, run and test
	@scripts/setup.sh test

.PHONY: build
build: ## set up what is missing and build bin/headroom with its models and GraphiQL
	@scripts/setup.sh build
# npm mostly waits for the network, so the Go packages are compiled meanwhile.
	@$(MAKE) --question $(GRAPHIQL) || $(MAKE) --no-print-directory -j2 $(GRAPHIQL) compile
	@$(GO) build -tags '$(TAGS)' -o $(BIN) .
	@$(BIN) models install

.PHONY: compile
compile:
	@echo "build: compiling the Go packages (a few minutes the first time)"
	@$(GO) build -tags '$(TAGS)' -o /dev/null .

$(GRAPHIQL): web/graphiql/node_modules/.package-lock.json web/graphiql/vite.config.js web/graphiql/index.html $(wildcard web/graphiql/src/*)
	@echo "build: bundling GraphiQL"
	@npm --prefix web/graphiql run --silent build -- --logLevel=warn

# npm writes this file last, so a cut-off install counts as none.
web/graphiql/node_modules/.package-lock.json: web/graphiql/package-lock.json
	@echo "build: installing GraphiQL's packages"
	@npm --prefix web/graphiql ci --ignore-scripts --loglevel=error >/dev/null

.PHONY: run
run: build ## build, start on ./data, and send a first portrait through the whole flow
	@$(BIN) models fetch portrait || echo "run: going on without the portrait profile"
	@exec $(BIN) demo

.PHONY: test
test: build ## set up what is missing and run every test, on SQLite and PostgreSQL
	@scripts/setup.sh test
	@$(GO) run ./scripts/gotest -postgres -count=1 -timeout=20m $(ARGS)

.PHONY: check
check: format build lint vet verify race goldens ## the whole gate for a change: lint, stale code, race tests on SQLite, goldens

.PHONY: format
format:
	@echo "check: format"
	@stale=$$(git ls-files --cached --others --exclude-standard '*.go' | while read -r f; do [ ! -f "$$f" ] || echo "$$f"; done | xargs gofmt -l) && \
		{ [ -z "$$stale" ] || { echo "not formatted (make fmt does it):"; echo "$$stale"; exit 1; }; } >&2

.PHONY: lint
lint: $(LINT) ## run the linters
	@echo "check: lint"
	@$(LINT) run ./...

# The linters' module is not the product's, and a version of its own is built once (about two minutes).
$(LINT): tools/go.mod tools/go.sum
	@echo "check: building golangci-lint"
	@mkdir -p $(@D)
	@$(GO) -C tools build -o ../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: vet
vet:
	@echo "check: vet"
	@$(GO) vet ./...

# -short keeps tests to SQLite and leaves out what takes long; make test runs all of it.
.PHONY: race
race:
	@echo "check: race"
	@$(GO) run ./scripts/gotest -race -short -timeout=10m ./internal/... ./webhooks/... ./graph/... ./rest/...

.PHONY: goldens
goldens:
	@echo "check: goldens"
	@$(GO) run ./scripts/gotest -timeout=10m ./enhance/...

.PHONY: generate
generate: ## write all generated code anew
	@$(GO) generate ./...

.PHONY: verify
verify: ## fail when generated code is stale
	@echo "check: generated code"
	@scripts/verify.sh

.PHONY: fmt
fmt: $(LINT) ## format the code
	@$(LINT) fmt

.PHONY: bench-flow
bench-flow: build ## measure a portrait's way through the program into bench/results
	@$(GO) run ./bench/flow

# Portraits to try and pairs of photo and known alpha to measure by are yours: PORTRAITS=DIR PAIRS=DIR FACEID=FILE.
.PHONY: bench-enhance
bench-enhance: build ## measure the enhancer into bench/results; PORTRAITS=DIR PAIRS=DIR FACEID=FILE SHEET=FILE
	@$(GO) run ./bench/enhance $(if $(PORTRAITS),--portraits "$(PORTRAITS)") $(if $(PAIRS),--pairs "$(PAIRS)") \
		$(if $(FACEID),--faceid "$(FACEID)") $(if $(SHEET),--sheet "$(SHEET)") $(if $(PROFILE),--profile "$(PROFILE)")

.PHONY: clean
clean: ## remove what was built (neither ./data nor ./models)
	rm -rf bin .cache web/graphiql/dist web/graphiql/node_modules test/clients/node_modules
