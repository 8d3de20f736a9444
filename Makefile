# Two commands matter: `make run` and `make test`.  Both set up what they need.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run serve demo test e2e check format golden deep soak bench lowest release-check image-test docs install clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/.base: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[pytest,people]'
	@# Where it has a wheel; elsewhere patterns without a bound are refused.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: 'google-re2>=1.1.20251105' 2>/dev/null || true
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: 'uvloop>=0.21' 2>/dev/null || true
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@# The last major of Infobip's client that speaks v2 has the same package name as the newest one.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(VENV)/older-clients 'infobip-api-python-client>=4,<5'
	@touch $@

# Where the environment forbids to write bytecode, each start would compile everything anew: twice as slow.
$(VENV)/.compiled: $(VENV)/.base $(wildcard simulator/*.py simulator/*/*.py simulator/*/*/*.py)
	@$(BIN)/python -m compileall -q simulator
	@touch $@

install: $(VENV)/.dev ## set up everything for development

run: $(VENV)/.compiled ## set up and start the simulator; flags: make run ARGS="--port 8080"
	@# Ctrl-C is how it is meant to end; any other failure is one.
	@trap : INT; $(BIN)/simulator serve --loop auto $(ARGS) || { code=$$?; test $$code -eq 130 || exit $$code; }

serve: run

demo: $(VENV)/.compiled ## a minute with made-up people: the webhooks that they lead to, and a verdict
	@$(BIN)/simulator listen --port 9000 & listener=$$!; trap "kill $$listener 2>/dev/null" EXIT; \
	$(BIN)/simulator run demo --port 0 $(ARGS)

test: $(VENV)/.dev ## set up and run all tests; flags: make test ARGS="-k name"
	@$(BIN)/python -m pytest $(ARGS)

$(VENV)/.e2e: $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group e2e
	@touch $@

e2e: $(VENV)/.e2e ## test the inspector in the system's Chromium; CHROMIUM=/path names another one
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

check: $(VENV)/.dev ## what must pass before a commit: lint, types, tests
	@$(BIN)/ruff check simulator tests
	@$(BIN)/ruff format --check simulator tests
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q $(ARGS)

format: $(VENV)/.dev ## format the code and fix what lint can fix
	@$(BIN)/ruff check --fix simulator tests
	@$(BIN)/ruff format simulator tests

golden: $(VENV)/.dev ## rewrite the golden files; review their diff like code
	@SIMULATOR_GOLDEN=write $(BIN)/python -m pytest -q -m golden $(ARGS)

deep: $(VENV)/.dev ## the slow passes of runs: every shipped file over ten seeds, frozen and live, all pairs of faults, long searches
	@HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -q tests/run tests/explore $(ARGS)

bench: $(VENV)/.dev ## measure speed, as ratios within one run
	@$(BIN)/python tests/benchmarks $(ARGS)

soak: $(VENV)/.dev ## send everything that may be sent, for two minutes, then search 50,000 times for bugs that are not there; flags: make soak ARGS="--seconds 500"
	@timeout 600 $(BIN)/python tests/soak $(ARGS)
	@SIMULATOR_EXPLORE_RUNS=12500 timeout 1200 $(BIN)/python -m pytest -q -n 2 tests/explore/test_hunt.py -k who_is_right

lowest: ## run the tests with the oldest dependencies that the package admits, in an environment of their own
	@mkdir -p build
	@test -x build/lowest/bin/python || $(PYTHON) -m venv build/lowest
	@$(PYTHON) tests/lowest.py > build/lowest.txt
	@build/lowest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@build/lowest/bin/python -m pip install --quiet --disable-pip-version-check -c build/lowest.txt -e '.[pytest,people,tls,speed]' --group dev
	@build/lowest/bin/python -m pytest $(ARGS)

release-check: $(VENV)/.release ## build sdist and wheel, look into them, try them on every Python here
	@$(BIN)/python tests/release_check.py

$(VENV)/.release: $(VENV)/.base
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group release
	@touch $@

image-test: ## build the container image and try it; needs podman
	@$(PYTHON) tests/image_check.py

docs: $(VENV)/.docs ## build the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file .mkdocs.yml

$(VENV)/.docs: $(VENV)/.base
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

clean: ## remove what make made
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
