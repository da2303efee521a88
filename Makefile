# Every target does its own set-up: python3 (3.11 or newer, with venv) and make are enough.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
# Whatever language the shell speaks, and whichever modules it would put before ours.
export PYTHONUTF8 := 1
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONOPTIMIZE

.PHONY: help demo stack test test-busy unit check audit format lock replay mutations chaos screens bench bench-full kills reference clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which with PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked packages into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

demo: $(READY) ## Watch three organisations go live on this machine (ONCE=1: by itself, writes demo.json)
	@$(BIN)/python -m local.demo $(if $(ONCE),--once --report demo.json)

stack: $(READY) ## Run the whole stack on this machine until Ctrl-C
	@$(BIN)/python -m local

test: $(READY) ## Run every test (installs Chromium and PgBouncer for some, where it can)
	@scripts/install_chromium.sh
	@scripts/install_pgbouncer.sh
	@$(BIN)/python -m pytest -q $(or $(ARGS),-n 3 --dist loadfile --no-loadscope-reorder)

test-busy: $(READY) ## Run a part of the tests beside two busy processes
	@scripts/beside_busy_processes.sh $(BIN)/python -m pytest -q tests/commands/test_terminal.py tests/workflows/test_consent_reports.py

check: $(READY) ## Format, lint (the Dockerfile too), types, import direction, secrets
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/hadolint --failure-threshold style Dockerfile
	@$(BIN)/python -m scripts.find_secrets

audit: $(READY) ## Ask whether a locked package has a known vulnerability (needs PyPI's JSON API)
	@test -x .venv/audit/bin/pip-audit || { $(PYTHON) -m venv .venv/audit \
		&& .venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; }
	@$(BIN)/python -m scripts.audit .venv/audit/bin/pip-audit

format: $(READY) ## Format the code and mend what lint can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(READY) ## Upgrade every version and write the lock file anew
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --group dev -o requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--no-annotate --no-header -c requirements.lock -o requirements-runtime.lock pyproject.toml

unit: $(READY) ## Run the tests of pure decisions, without any server (seconds)
	@$(BIN)/python -m pytest -q tests/unit

replay: $(READY) ## Before a deployment: would this code strand a running go-live? (looks where the worker does: TEMPORAL_ADDRESS, else localhost:7233)
	@$(BIN)/python -m scripts.replay $(ARGS)

mutations: $(READY) ## Break the code on purpose, one way at a time, and see that a test notices (many minutes)
	@$(BIN)/python -m tests.mutations $(ARGS)

chaos: $(READY) ## Take organisations live while workers are killed and parts are away (KILLS=200, SEED=...)
	@$(BIN)/python -m tests.chaos --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

screens: $(READY) ## Take a picture of every page into docs/screens/
	@scripts/install_chromium.sh
	@mkdir -p docs/screens
	@SCREENS=docs/screens $(BIN)/python -m pytest -q tests/web/test_screens.py

bench: $(READY) ## Measure, side by side with a floor and a naive twin
	@$(BIN)/python -m benchmarks

bench-full: $(READY) ## Measure everything, a million users and 10,000 waiting go-lives too (many minutes)
	@$(BIN)/python -m benchmarks listing migration_million history mail_rate go_lives web_pages slow_work fairness waiting

kills: $(READY) ## Kill the worker ten times while 20,000 users are read, planned and moved (about a quarter of an hour)
	@KILLED_USERS=20000 KILLS=10 $(BIN)/python -m pytest -q tests/journeys/test_worker_killed_in_move.py

reference: $(READY) ## Write the reference part of docs/help.md anew
	@$(BIN)/python -m scripts.reference

clean: ## Forget the local state (databases, mailbox, logs)
	@$(PYTHON) scripts/clean.py
