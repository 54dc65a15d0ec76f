# Every target sets up what it needs, then runs. `make` alone tells the targets.
PYTHON ?= python3.11
BIN := .venv/bin
export MM_OPS_REPORTS_URL ?= http://127.0.0.1:3001
export DAGSTER_HOME := $(CURDIR)/var/dagster
export VIRTUAL_ENV := $(CURDIR)/.venv
export PATH := $(CURDIR)/.venv/bin:$(PATH)
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

.PHONY: help setup nightly test ui bench check lock clean

help:
	@echo "make nightly   record nine days of the paper bot, run the nightly job, print the verdict"
	@echo "make test      run every test"
	@echo "make ui        open the Dagster UI on http://127.0.0.1:3000"
	@echo "make check     format, lint, types, imports, spelling, definitions, tests"
	@echo "make bench     measure what the README claims about speed"
	@echo "make setup     only make the environment in .venv"
	@echo "make lock      resolve the dependencies again"

setup: .venv/.installed $(DAGSTER_HOME)/dagster.yaml

.venv/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make setup: $(PYTHON) is missing: apt-get install python3.11 python3.11-venv"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "make setup: $(PYTHON) is older than 3.11 or has no venv: apt-get install python3.11-venv"; exit 2; }
	@echo "make setup: environment in .venv ($(shell grep -c '==' requirements.lock) pinned packages)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --no-build-isolation --no-deps -e .
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: deploy/dagster/dagster.yaml
	@mkdir -p $(@D) && cp $< $@

nightly: setup
	@$(BIN)/mm-ops paperbot record --days 9
	@$(BIN)/mm-ops nightly

test: setup
	@$(BIN)/pytest -n auto --dist worksteal

ui: setup
	@echo "make ui: http://127.0.0.1:3000, its links to reports lead to port 3001 (stop with Ctrl-C)"
	@mkdir -p var/artifacts
	@$(BIN)/python -m http.server 3001 --bind 127.0.0.1 --directory var/artifacts >var/reports.log 2>&1 & reports=$$!; \
		trap "kill $$reports" EXIT; $(BIN)/dg dev --use-active-venv -w workspace.yaml --host 127.0.0.1 --port 3000

check: setup
	@bash deploy/check.sh

bench: setup
	@$(BIN)/python deploy/bench.py

lock: setup
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --quiet -o requirements.lock

clean:
	@rm -rf .venv var
