# Crier. `make run` starts it, `make test` tests it; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help run demo setup test check bench lock format clean

help: ## what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: setup ## set everything up and start Crier (PORT=8000, CRIER_DATA=var)
	@exec $(BIN)/python -m config.run

setup: $(STAMPS)/base $(STAMPS)/npm

RECIPIENTS ?= 1000
demo: setup ## the main job as a script (RECIPIENTS=10000)
	@exec $(BIN)/python manage.py demo --recipients $(RECIPIENTS) $(ARGS)

test: $(STAMPS)/dev $(STAMPS)/npm-dev ## set up and pass all tests (ARGS="-k words" for some)
	@exec $(BIN)/python -m tests.run $(ARGS)

check: $(STAMPS)/dev $(STAMPS)/npm-dev ## format, lint, types, layers, migrations, templates, lock files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/python -m web.template_rules templates
	@! grep -nE 'https?://|--(extra-)?index-url|--find-links' requirements/*.txt
	@! grep -n '"resolved"' package-lock.json
	@echo "All checks passed."

bench: $(STAMPS)/dev ## measure speed as ratios; needs PostgreSQL (BENCH_DATABASE_URL)
	$(BIN)/python -m benchmarks $(ARGS)

format: $(STAMPS)/dev ## put the code into the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMPS)/dev ## lock Python packages anew, with hashes and without addresses
	for name in base dev; do $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --strip-extras --no-header --no-annotate --allow-unsafe $(ARGS) \
	  --output-file requirements/$$name.txt requirements/$$name.in || exit 1; done

clean: ## remove what setup made (data in var/ stays)
	rm -rf $(VENV) node_modules $(STAMPS)

# --- set-up, each step once: its stamp is newer than what it was made from -------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Crier needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "No virtual environment could be made. On Debian: apt-get install python3-venv"; exit 1; }

$(STAMPS)/base: requirements/base.txt | $(BIN)/python
	@echo "Installing Python packages (once)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/base
	@echo "Installing packages for tests and checks (once)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/npm: package-lock.json | $(STAMPS)/base
	@$(BIN)/python -m config.front_end --omit-dev
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/npm-dev: package-lock.json | $(STAMPS)/base
	@$(BIN)/python -m config.front_end
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/npm
