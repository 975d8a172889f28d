# Two commands matter to a newcomer: `make run` and `make test`. Each sets up all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test lint format bench chaos clean help

help:            ## this list
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+: +##' Makefile | sed -E 's/:.*## */\t/' | expand -t 16

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

install: $(STAMP)  ## the virtual environment, with everything in it

run: $(STAMP)    ## write .env if there is none, migrate, serve on 127.0.0.1:8080
	@$(BIN)/python -m gateway init --env-only
	$(BIN)/gateway serve

test: lint       ## everything CI runs: lint, types, tests
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## rewrite the code in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## the table of targets, with the peers in the same run
	$(BIN)/python -m bench

chaos: $(STAMP)  ## break it in every way, CHAOS_SECONDS (60) each, and print the table of docs/reliability.md
	@PYTHONPATH=tests:. $(BIN)/python -m chaos

fuzz: $(STAMP)   ## a thousand slips in the shipped files: each must be found, or have a reason
	GATEWAY_FUZZ=1000 $(BIN)/python -m pytest tests/config/test_mutations.py -q --timeout 0

clean:           ## remove the virtual environment and caches (the database and .env stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
