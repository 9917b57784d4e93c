# What everybody needs, by name. `make help` lists it.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup quickstart serve test test-interop-go test-browser lint format lock bench faults docs-generate contract clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with every locked dependency and the broker itself

$(READY): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on the PATH; the broker needs Python 3.11 or later (make PYTHON=…)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

quickstart: $(READY) ## From nothing to a minted and verified token, on this machine
	@$(BIN)/python deploy/quickstart/quickstart.py

serve: $(READY) ## Run the broker on 127.0.0.1:8080 with its embedded defaults
	$(BIN)/broker serve

test: $(READY) ## Run the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-interop-go: $(READY) ## Drive the broker with the platform's Go SDK (needs Go 1.26)
	$(BIN)/python -m pytest -n auto -m interop_go tests/interop

test-browser: $(READY) ## Try the pages in Debian's Chromium, installed first where it is missing (as root)
	@command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }
	$(BIN)/python -m pytest -m browser tests/browser

lint: $(READY) ## Style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Apply the code style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(READY) ## Measure the exchange against its floors, the API, logins (two cores, wrk)
	$(BIN)/python -m bench
	$(BIN)/python -m bench.api
	$(BIN)/python -m bench.login

faults: $(READY) ## Break what the broker needs, under load: nothing may be lost or wrong (as root)
	$(BIN)/python -m faults

docs-generate: $(READY) ## Write the documents that are derived from the code
	$(BIN)/python docs/generate.py

contract: $(READY) ## Write the modules that are generated from the .proto files
	$(BIN)/python -m broker.contract.compile

lock: ## Resolve the dependencies anew into requirements/
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements/runtime.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove the environment, caches and builds (records in var/ and keys/ stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist var/tests
