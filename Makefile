# Two commands first: `make verify` and `make test`. Both make .venv themselves; python3 >= 3.11 with venv is all they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PLAN ?= quick
SEED ?= 1
OUT ?= reports/out/make-verify

DIST ?= dist

# Bytecode is kept, whatever the environment says: the tests start some two hundred processes.
unexport PYTHONDONTWRITEBYTECODE

# So are the constants that Hypothesis reads out of every module, once in each process otherwise.
test mission-critical: export HYPOTHESIS_STORAGE_DIRECTORY ?= $(CURDIR)/.hypothesis

.PHONY: help verify test services check mission-critical package try-package versions properties schedules load report \
	mutants examples bench clean

help: ## Say what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

$(STAMP): pyproject.toml constraints.txt
	@echo "==> making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "python3 >= 3.11 is needed: set PYTHON=" >&2; exit 2)
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

verify: $(STAMP) ## Verify the bundled backend and write a report (PLAN, SEED, OUT)
	@echo "==> verifying the bundled backend with plan $(PLAN)"
	@test ! -e $(OUT) || test -e $(OUT)/manifest.json || (echo "$(OUT) is no run folder: give another OUT" >&2; exit 2)
	@rm -rf $(OUT)
	$(BIN)/harness verify --plan $(PLAN) --seed $(SEED) --out $(OUT)

test: $(STAMP) ## Run the tests of this project's own code
	@echo "==> tests"
	@# what a module verifies once is not verified twice; in order, as the longest modules have few tests and would come last
	$(BIN)/pytest tests --ignore tests/services --ignore tests/packaging -n auto --dist loadfile --no-loadscope-reorder

services: $(STAMP) ## Verify nineteen small services, each leaky in one way, and their corrected twins
	@echo "==> services"
	$(BIN)/pytest tests/services -n auto --dist worksteal -rs

mission-critical: $(STAMP) ## Run the gate: one test per claim, per planted bug, per null target
	@echo "==> the gate"
	$(BIN)/pytest mission_critical -n auto --dist worksteal

check: $(STAMP) ## Format, lint, types, import contracts, house rules
	@echo "==> format and lint"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@echo "==> types"
	@$(BIN)/mypy
	@echo "==> import contracts"
	@$(BIN)/lint-imports
	@echo "==> house rules"
	@$(BIN)/pytest tests/test_tidy.py

package: $(STAMP) ## Build the sdist, and from it the wheel (DIST)
	@echo "==> building into $(DIST)"
	$(BIN)/python -m build --outdir $(DIST) .

try-package: $(STAMP) ## Install what `make package` builds outside of the repository, and use it
	@echo "==> the package"
	$(BIN)/pytest tests/packaging

versions: $(STAMP) ## Try the base installation under the other Pythons of this machine
	@echo "==> other Pythons"
	$(BIN)/python -m tests.packaging.versions

properties: $(STAMP) ## Run the properties suite alone, on the bundled backend
	@rm -rf reports/out/make-properties
	$(BIN)/harness verify --plan docs/plans/properties.toml --seed $(SEED) --out reports/out/make-properties

schedules: $(STAMP) ## Run the schedules suite alone, on the bundled backend
	@rm -rf reports/out/make-schedules
	$(BIN)/harness verify --plan docs/plans/schedules.toml --seed $(SEED) --out reports/out/make-schedules

load: $(STAMP) ## Run the load suite alone, on the bundled backend
	@rm -rf reports/out/make-load
	$(BIN)/harness verify --plan docs/plans/load.toml --seed $(SEED) --out reports/out/make-load

report: $(STAMP) ## Render the report of the last `make verify` anew
	$(BIN)/harness report $(OUT)

examples: $(STAMP) ## Make the example reports in reports/examples anew
	@for example in reference:holds shared-bridge:violated; do \
		target=$${example%%:*}; folder=reports/examples/$${example##*:}; run=reports/out/example-$$target; \
		rm -rf $$run $$folder; \
		$(BIN)/harness verify $$target --plan quick --out $$run; code=$$?; test $$code -le 1 || exit $$code; \
		mkdir -p $$folder; \
		cp $$run/report.html $$run/report.md $$run/report.json $$run/junit.xml $$folder/; \
	done

mutants: $(STAMP) ## Print the kill matrix: mutant x checker x suite
	$(BIN)/harness mutants --suite all

bench: $(STAMP) ## Measure what judging and exploring cost
	$(BIN)/python benchmarks/judging.py
	$(BIN)/python -m benchmarks.schedules

clean: ## Remove what the targets above have made
	rm -rf $(VENV) $(DIST) build reports/out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
