# Everything from a bare clone: `make demo`, `make test`, `make docs` (into site/). Nothing has to be set up by hand.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo docs test test-all check clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[report,dask,tpe,tensorboard,test,docs]'
	touch $@

demo: install
	$(BIN)/lenetlab demo

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

test: check docs
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --durations 10

test-all: check docs
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --durations 10 -m ''

clean:
	rm -rf .venv build dist runs site
