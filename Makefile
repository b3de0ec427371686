# Tenfold: `make help` lists what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The tests run side by side, a process a core. They start Python some hundred times, which takes half as long where
# its bytecode may be kept, whatever the shell says.
FOR_TESTS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help demo test slow bench check clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(VENV)/.train ## set up, train our fast network, run two studies, write a report
	$(BIN)/tenfold demo

test: $(VENV)/.dev ## set up what is missing and run the whole test suite
	$(FOR_TESTS) $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

slow: $(VENV)/.dev ## run the longer proofs as well, and look for new counterexamples
	$(BIN)/python -m pytest -m "slow or not slow" --hypothesis-profile=hunt

bench: $(VENV)/.bench ## measure Tenfold and its peers side by side, into results/benchmarks.md; goes on where it was
	$(BIN)/tenfold bench

check: $(VENV)/.dev ## style, types and layers: ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove the environment and what the tools left behind
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tenfold needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`. Try: make PYTHON=python3.11 demo" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Tenfold and what training needs; this takes a few minutes the first time ..."
	$(PIP) --editable '.[train]'
	@touch $@

$(VENV)/.bench: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Tenfold and its peers; this takes a few minutes the first time ..."
	$(PIP) --editable '.[bench]'
	@touch $@ $(VENV)/.train

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Tenfold and what its tests need; this takes a few minutes the first time ..."
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.train
