# make demo | make test | make test-slow | make check (lint and types)
#
# Everything happens in .venv, with the versions of constraints.txt. PIP_ARGS goes to pip as it is (see README: CPU or CUDA).
PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS)
# one thread per test process: two processes with two threads each are slower than two with one
TEST_ENV := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=2

.PHONY: demo test test-slow check format clean

demo: $(VENV)/.demo
	$(BIN)/bocage demo

test: $(VENV)/.dev
	$(TEST_ENV) $(BIN)/python -m pytest -m "not slow" -n 2

test-slow: $(VENV)/.dev
	$(TEST_ENV) $(BIN)/python -m pytest -m slow -n 2 $(SLOW)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "bocage needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing bocage and its dependencies into $(VENV) (once; a few minutes) ..."
	$(PIP) --editable '.[all]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "Installing what tests need into $(VENV) ..."
	$(PIP) --editable '.[all,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
