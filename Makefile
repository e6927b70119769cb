# Testday: see README.md. `make help` lists targets and variables.

GO      ?= go
BUILD   := .build
SHELL   := /bin/bash
PACKAGE := ./...

# What the variables of the main job mean is said in `make help`.
export SERVERS LABELS CELL FULL CORE OUT SEED PARALLEL KNOWN

# A variable that is misspelt must not be ignored.
VARIABLES := GO PACKAGE SERVERS LABELS CELL FULL CORE OUT SEED PARALLEL KNOWN RUN IMAGES ROW TIMES
UNKNOWN   := $(filter-out $(VARIABLES),$(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$v)))
ifneq ($(UNKNOWN),)
$(error unknown variable $(UNKNOWN): `make help` lists them)
endif

.DEFAULT_GOAL := help
.PHONY: help interop repeat plan lab publish selftest test race lint bench fuzz clean engine build

help: ## this text
	@echo 'make TARGET [VARIABLE=value ...]'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo 'Variables of interop, plan and lab:'
	@sed -n 's/^#: \(.*\)/  \1/p' $(MAKEFILE_LIST)

#: SERVERS=LIST   subjects: prosody@13,ejabberd@24.12,mine=IMAGE (default: newest prosody, newest ejabberd, jabberd2, and the reference)
#: LABELS=FILTER  Ginkgo label filter: 'family: containsAny s2s-pkix', 'core && from: containsAny {prosody@13}'
#: CELL=ID[,ID]   exactly those cells, with their controls
#: CORE=1         core scenarios only
#: FULL=1         the full product of policies and certificates too
#: OUT=DIR        run folder (default results/runs/<UTC time>, with results/runs/latest)
#: KNOWN=FILE     known failures (default results/known.yaml)
#: SEED=N         order of cells and names of domains (default 0)
#: PARALLEL=N     cells in flight at once (default 32 a core)
#: RUN=DIR        the run folder of publish
#: ROW=PREFIX     the rows of selftest whose ids begin so (default all)
#: TIMES=N        how often repeat runs (default 20)
#: IMAGES=1       clean removes images too

build:
	@mkdir -p $(BUILD)
	@$(GO) build -o $(BUILD)/testday ./suites/cmd/testday
	@$(GO) test -c -o $(BUILD)/interop ./suites/interop

interop: build ## runs the test day and publishes its matrix
	@TESTDAY_DOCKER=1 TESTDAY_TERMINAL=1 $(BUILD)/interop -test.run '^TestInterop$$'

repeat: build ## runs the same cells TIMES times and prints every verdict that differs
	@$(BUILD)/testday repeat $(or $(TIMES),20)

plan: build ## prints cells, containers and labels
	@$(BUILD)/testday plan

lab: build ## boots the plan's lab and keeps it up for exploring
	@$(BUILD)/testday lab

publish: build ## judges and publishes RUN again
	@$(BUILD)/testday publish "$(RUN)"

engine: build ## says which container engine answers
	@$(BUILD)/testday engine

selftest: build ## puts every row, or those that begin with ROW, to the reference and to its mutants; needs no engine
	@$(BUILD)/testday selftest $(ROW)

test: build ## vet, fast tests, and a short run in containers when an engine answers
	@test -z "$$(gofmt -s -l $$(git ls-files '*.go'))" || { gofmt -s -l $$(git ls-files '*.go'); echo 'these files are not formatted: gofmt -s -w'; exit 1; }
	$(GO) vet $(PACKAGE)
	@if $(BUILD)/testday engine; then export TESTDAY_DOCKER=1; else echo 'no engine answers: tests that need containers are skipped'; fi; \
	  set -x; TESTDAY_SHORT=1 $(GO) test -count=1 $(PACKAGE)

race: ## the fast tests under the race detector
	$(GO) test -race -count=1 $(PACKAGE)

lint: ## staticcheck
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 $(PACKAGE)

bench: build ## measures and prints every figure of the README, with its method
	@$(BUILD)/testday bench

fuzz: ## runs every fuzz target for ten seconds
	@for p in $$($(GO) list $(PACKAGE)); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime 10s $$p || exit 1; \
	  done; \
	done

clean: build ## removes every container and network of the project
	@$(BUILD)/testday clean $(if $(IMAGES),images)
	@rm -rf $(BUILD)
