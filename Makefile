# `make cluster` and `make test` need Python 3.11 or later and make, nothing else: each target installs
# what it needs into .venv. Tools are run as modules: their scripts don't start where a blank is in the path.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m fluffy_sql
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# uv installs in a tenth of pip's processor time. Neither compiles what may never be loaded.
export PIP_COMPILE := 0
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),"$(UV)" pip install --python $(VENV)/bin/python,$(VENV)/bin/python -m pip install)
# Each process of pytest would compile all tests anew, which takes longer than the fast ones do.
unexport PYTHONDONTWRITEBYTECODE

# Given on the command line: make cluster PHOTOS=~/Pictures K=12 DATABASE_URL=postgresql://me@localhost/photos
# DATABASE_URL has no line here: make passes on what it was given, or what the environment has, an
# empty one too, which fluffy-sql refuses.
K ?=
OUT ?= report
PHOTOS ?=

.DEFAULT_GOAL := help
.PHONY: help cluster report psql test test-browser test-fast coverage check format bench lock audit clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

cluster: $(VENV)/$(if $(PHOTOS),photos,run).stamp  ## Cluster photos; PHOTOS=folder K=12 DATABASE_URL=...
	@$(RUN) migrate
	@$(RUN) $(if $(PHOTOS),embed "$(PHOTOS)",sample --if-empty)
	@$(RUN) generate $(if $(K),--k $(K))
	@$(if $(PHOTOS),$(RUN) report --out "$(OUT)" --root "$(PHOTOS)")

report: $(VENV)/report.stamp  ## Write a page to look at the clusters with; OUT=folder
	@$(RUN) report --out "$(OUT)"

psql: $(VENV)/run.stamp  ## Open psql on the configured database
	@$(RUN) psql

test: check  ## Lint, check types and run all tests
	$(VENV)/bin/python -m pytest --numprocesses auto

test-browser: $(VENV)/test.stamp  ## Run the tests of the report's page; installs Chromium from Debian if it can
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$name >/dev/null && exit; done; \
		$(if $(filter 0,$(shell id -u)),,sudo) apt-get install --yes --no-install-recommends chromium npm
	@test -d tests/browser/node_modules || ! command -v npm >/dev/null || \
		npm install --prefix tests/browser --no-package-lock --no-audit --no-fund --ignore-scripts >&2
	$(VENV)/bin/python -m pytest tests/browser

test-fast: $(VENV)/test.stamp  ## Run the tests that need no database: half a minute
	$(VENV)/bin/python -m pytest --numprocesses auto -m "not database"

coverage: $(VENV)/test.stamp  ## Run all tests and show which branches they miss
	$(VENV)/bin/python -m pytest --numprocesses auto --cov --cov-report=term-missing:skip-covered

check: $(VENV)/test.stamp  ## Lint and check types
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m sqlfluff lint --nocolor --disable-progress-bar sql migrations benchmarks/sql
	$(VENV)/bin/python -m mypy

format: $(VENV)/test.stamp  ## Format Python and SQL
	$(VENV)/bin/python -m ruff check --fix .
	$(VENV)/bin/python -m ruff format .
	$(VENV)/bin/python -m sqlfluff fix --nocolor --disable-progress-bar sql migrations benchmarks/sql

bench: $(VENV)/bench.stamp  ## Time it beside scikit-learn, FAISS, EVoC and ivfflat; ARGS="--quick" for less
	$(VENV)/bin/python -m benchmarks $(or $(ARGS),--rows 10000,30000,100000)
	$(if $(ARGS),,$(VENV)/bin/python -m benchmarks.embedding)

lock: $(VENV)/tools.stamp  ## Renew requirements/test.txt from pyproject.toml
	$(VENV)/tools/bin/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' --extra test --extra lint \
		--output-file requirements/test.txt pyproject.toml

audit: $(VENV)/tools.stamp  ## Ask for known vulnerabilities of what is locked; needs the network
	$(VENV)/tools/bin/python -m pip_audit --strict --disable-pip --require-hashes --requirement requirements/test.txt

clean:  ## Remove the virtual environment and caches; the library in .fluffy_sql stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

# A stamp is younger than pyproject.toml when its extras are installed.
$(VENV)/run.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing fluffy_sql into $(VENV) ..." >&2
	@$(INSTALL) --editable '.[embedded,sample]' >&2
	@touch $@

$(VENV)/report.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing what a report needs into $(VENV) ..." >&2
	@$(INSTALL) --editable '.[embedded,report,sample]' >&2
	@touch $@ $(VENV)/run.stamp

$(VENV)/photos.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing what embeds photos into $(VENV) ..." >&2
	@$(INSTALL) --editable '.[embedded,graph,photos,report,sample]' >&2
	@touch $@ $(VENV)/run.stamp $(VENV)/report.stamp

# Tests run with what requirements/test.txt pins, file by file, and with nothing else: --no-build-isolation has
# the project itself built by the hatchling that is pinned there.
$(VENV)/test.stamp: pyproject.toml requirements/test.txt | $(VENV)/bin/python
	@echo "Installing fluffy_sql with its test tools into $(VENV) ..." >&2
	@$(INSTALL) --require-hashes --requirement requirements/test.txt >&2
	@$(INSTALL) --no-deps --no-build-isolation --editable . >&2
	@touch $@ $(VENV)/run.stamp $(VENV)/report.stamp $(VENV)/photos.stamp

# Apart from the environment that they look after.
$(VENV)/tools.stamp: | $(VENV)/bin/python
	@$(VENV)/bin/python -m venv $(VENV)/tools
	@$(VENV)/tools/bin/python -m pip install --quiet uv pip-audit
	@touch $@

$(VENV)/bench.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing fluffy_sql and its peers into $(VENV) ..." >&2
	@$(INSTALL) --editable '.[bench]' >&2
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "fluffy_sql needs Python 3.11 or later: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..." >&2
	@$(PYTHON) -m venv $(if $(UV),--without-pip) $(VENV)
