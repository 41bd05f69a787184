# Everything from a bare clone: `make demo`, `make test`, `make docs` (into site/). Nothing has to be set up by hand.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
NEEDED := .venv/bin/python pyproject.toml constraints.txt

.PHONY: install demo records published docs test test-all check clean
.NOTPARALLEL:
# What is installed without byte code gets it when it is first used.
unexport PYTHONDONTWRITEBYTECODE

# All that the commands can use.
install: .venv/all

# What a failure leaves would be taken for an environment the next time.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "lenetlab needs Python 3.11 or newer; give one, as in: make demo PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }

# A target installs what it uses: the extras of pyproject.toml.
.venv/demo: $(NEEDED)
	$(PIP) --no-compile --editable '.[report]'
	touch $@

.venv/all: $(NEEDED)
	$(PIP) --editable '.[all]'
	touch $@ .venv/demo

.venv/lint: $(NEEDED)
	$(PIP) --editable '.[lint]'
	touch $@ .venv/demo

.venv/docs: $(NEEDED)
	$(PIP) --editable '.[docs]'
	touch $@ .venv/demo

.venv/test: $(NEEDED)
	$(PIP) --editable '.[test,docs]'
	touch $@ .venv/all .venv/demo .venv/docs .venv/lint

demo: .venv/demo
	$(BIN)/lenetlab demo

# The record boards, as far as they are not computed: first how much there is and how long it may
# take, then all of it. Ctrl-C loses nothing; RECORDS=FOLDER and RUNS=FOLDER compute them anew.
RECORDS ?= results/records
RUNS ?= runs
BOARDS := $(patsubst studies/records/%.toml,%,$(wildcard studies/records/*.toml))
STUDY = $(BIN)/lenetlab study studies/records/$$board.toml --out $(RUNS) --results $(RECORDS)/$$board

records: .venv/all
	for board in $(BOARDS); do $(STUDY) --plan || exit; done
	for board in $(BOARDS); do $(STUDY) || [ $$? -eq 1 ] || exit; done
	$(BIN)/lenetlab records $(RECORDS)

# What is committed and made of the studies' rows, anew after rows were added.
published: .venv/test
	$(BIN)/python docs/generator/kept_recipes.py
	$(BIN)/python docs/generator/discussion.py
	$(BIN)/python docs/generator/findings_page.py docs/findings.md
	$(BIN)/python docs/generator/ladder.py
	$(BIN)/python docs/generator/leaders.py
	$(BIN)/python docs/generator/records_page.py
	$(BIN)/python docs/generator/readme_records.py
	$(BIN)/python docs/generator/protocol_tables.py
	$(BIN)/lenetlab report results/course --format pdf --to docs/report/course/course.pdf
	$(BIN)/python docs/generator/page_picture.py

check: .venv/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/docs
	$(BIN)/python docs/generator/method_pages.py docs/methods
	$(BIN)/python docs/generator/findings_page.py docs/findings.md
	$(BIN)/python docs/generator/ideas_page.py docs/ideas.md
	$(BIN)/lenetlab report results/course --to docs/report/course/index.html
	$(BIN)/lenetlab report results/frontier --to docs/report/frontier/index.html
	PYTHONPATH=docs/generator $(BIN)/zensical build --clean --strict

# Types and pages are looked at side by side; both end before the verdict.
CHECKED = $(MAKE) docs & docs=$$!; $(MAKE) check; checked=$$?; wait $$docs && exit $$checked

test: .venv/test
	$(CHECKED)
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile --durations 25

test-all: .venv/test
	$(CHECKED)
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile --durations 25 -m ''

clean:
	rm -rf .venv build dist docs/methods docs/ideas.md docs/report/*/index.html site
