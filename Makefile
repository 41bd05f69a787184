# Everything from a bare clone: `make demo`, `make test`. Nothing has to be set up by hand.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test test-all check clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

demo: install
	$(BIN)/lenetlab demo

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest

test-all: check
	$(BIN)/pytest -m ''

clean:
	rm -rf .venv build dist runs
