# What can be done with a checkout: `make demo` to see it run, `make test` for everything that CI runs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
BOOTSTRAP := .build/uv
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy

UV := $(shell command -v uv 2>/dev/null || echo $(BOOTSTRAP)/bin/uv)

.PHONY: help demo up test lint types imports unit fuzz bench reread chaos endurance catch-up lock clean

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(VENV)/runtime.stamp  ## Run everything on this machine, with demo traffic, until Ctrl-C
	@exec $(BIN)/tracemill demo $(ARGS)

up: $(VENV)/runtime.stamp  ## Run everything on this machine, without demo traffic
	@exec $(BIN)/tracemill up $(ARGS)

test: lint types imports unit  ## Everything that CI runs

lint: $(VENV)/dev.stamp  ## Style
	@echo "== style"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp  ## Types of the domain
	@echo "== types"
	$(BIN)/mypy

imports: $(VENV)/dev.stamp  ## Who may import whom
	@echo "== imports"
	$(BIN)/lint-imports

unit: $(VENV)/dev.stamp  ## Tests, those with real servers and killed processes among them
	@echo "== tests"
	$(BIN)/pytest $(ARGS)

fuzz: $(VENV)/dev.stamp  ## Mutate inputs until one breaks something: make fuzz SECONDS=3600 SEED=7 ARGS="--target json"
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1) $(ARGS)

bench: $(VENV)/dev.stamp  ## Measure: CPU-seconds per million spans, memory, freshness, and a ledger of every span
	@mkdir -p .build
	@$(BIN)/python -m loadtest.bench --json .build/bench.json --write-docs docs/benchmarks.md $(ARGS)

reread: $(VENV)/dev.stamp  ## Read the log of a running stack again with 1 and with 3 workers, and compare every row
	@$(BIN)/python -m loadtest.reread $(ARGS)

SECONDS ?= 120
SEED ?= 1

chaos: $(VENV)/dev.stamp  ## Kill, freeze, fill and starve everything for SECONDS by a plan drawn from SEED, then check every span
	@$(BIN)/python -m loadtest.chaos --seconds $(SECONDS) --seed $(SEED) --json .build/chaos-$(SEED).json \
	  --write-docs docs/guarantees.md $(ARGS)

endurance: SECONDS = 3600
endurance: RATE = 5000
endurance: $(VENV)/dev.stamp  ## Load for SECONDS at RATE spans/s: memory, freshness, the ledger, and the log read again
	@$(BIN)/python -m loadtest.endurance --seconds $(SECONDS) --rate $(RATE) --reread 1 --reread 4 \
	  --json .build/endurance.json --write-docs docs/endurance.md $(ARGS)

catch-up: SECONDS = 600
catch-up: RATE = 5000
catch-up: $(VENV)/dev.stamp  ## Take the stream workers away for SECONDS at RATE spans/s: how fast do they catch up?
	@$(BIN)/python -m loadtest.catch_up --down-seconds $(SECONDS) --rate $(RATE) --json .build/catch-up.json \
	  --write-docs docs/endurance.md $(ARGS)

lock:  ## Choose newest versions and lock them
	$(UV) pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	  --generate-hashes --no-header --upgrade -o requirements/runtime.txt
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --generate-hashes --no-header --upgrade -c requirements/runtime.txt -o requirements/dev.txt

clean:  ## Remove what was installed and what the embedded stack keeps
	rm -rf $(VENV) .build .tracemill .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BOOTSTRAP)/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Python >= 3.11 is missing: install python3"; exit 1; }
	@echo "== installing uv (once)"
	@$(PYTHON) -m venv $(BOOTSTRAP) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@$(BOOTSTRAP)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

ifeq ($(UV),$(BOOTSTRAP)/bin/uv)
$(VENV)/bin/python: | $(BOOTSTRAP)/bin/uv
endif

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python >= 3.11 is missing: install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is too old, Python >= 3.11 is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(UV) venv --quiet --python "$$(command -v $(PYTHON))" $(VENV)

$(VENV)/runtime.stamp: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "== installing Python packages (once, about 300 MB)"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/runtime.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "== installing Python packages for development (once)"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/runtime.stamp
