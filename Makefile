# Every verb makes its own set-up; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
ARGS ?=
# Flags for pytest in `make test`, for example ARGS="-k identity".
PYTEST := $(BIN)/python -m pytest

.PHONY: help
help: ## List the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Make the virtual environment in .venv

# A stub of pyenv answers to `python3.13` without being one, so each candidate is really run.
$(STAMP): requirements.lock pyproject.toml
	@python=""; \
	for candidate in python3.13 python3.12 python3.11 python3.14 python3; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or later is needed, and none was found on PATH." >&2; exit 1; fi; \
	if [ ! -x $(BIN)/python ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  if ! $$python -m venv --clear $(VENV); then \
	    echo "$$python cannot make a virtual environment (no ensurepip)." >&2; \
	    echo "On Debian and Ubuntu: apt install python3-venv; on others take a Python with ensurepip." >&2; \
	    exit 1; \
	  fi; \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

.PHONY: up
up: $(STAMP) ## Start everything on this machine: make up ARGS="--port 8123"
	@exec $(BIN)/groundswell up $(ARGS)

.PHONY: test
test: $(STAMP) ## Run every test but those that ask real upstreams
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m "not network" --cov --cov-report=term --cov-fail-under=90 $(ARGS)

.PHONY: test-network
test-network: $(STAMP) ## Run the tests that ask the real upstreams
	$(PYTEST) -m network $(ARGS)

.PHONY: check
check: $(STAMP) ## Format, lint, types, import rules, dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/codespell

.PHONY: format
format: $(STAMP) ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(STAMP) ## Run the benchmarks
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.api
	$(BIN)/python -m benchmarks.drill
	$(BIN)/python -m benchmarks.search_quality
	$(BIN)/python -m benchmarks.search_index

.PHONY: schema
schema: $(STAMP) ## Write contracts/generated anew
	$(BIN)/groundswell schema

.PHONY: lock
lock: ## Resolve the dependencies into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --python-version 3.11 --output-file requirements.lock

.PHONY: clean
clean: ## Remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
