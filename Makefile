# What a fresh clone needs: python3 (3.11 or newer, with pip and venv), make. Everything else goes into .venv/.
#
#   make run      install what is locked in requirements/run.txt, then run the default study into runs/higgs-sim
#   make test     install the test tools, torch and a browser, then run all tests
#   make help     the rest

PYTHON ?= python3
VENV := .venv
SITE_VENV := .venv-site
BIN := $(VENV)/bin
OUT ?= runs/higgs-sim
# Two processes; a file's tests stay in one of them, so that they share what they have trained.
PYTEST_ARGS ?= -n 2 --dist loadfile

# Containers often forbid bytecode. Without it each process compiles the sources of Keras and JAX anew: 7 s more a worker.
unexport PYTHONDONTWRITEBYTECODE

# The lock files are complete and hashed, so pip neither resolves nor builds. No upgrade check: it would ask the network.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install -qq --require-hashes --no-deps --no-compile --only-binary :all:
INSTALL_PACKAGE := $(PIP) install -qq --no-deps --no-build-isolation --editable .
PACKAGE_FILES := pyproject.toml src/justright/__init__.py

# What is installed: one empty file each, so that a second call does nothing.
CREATED := $(VENV)/.created
RUN_INSTALLED := $(VENV)/.run-installed
TEST_INSTALLED := $(VENV)/.test-installed
TORCH_INSTALLED := $(VENV)/.torch-installed
SITE_INSTALLED := $(SITE_VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-lowest test-wheel lint types format docs site lock licences sbom bench peers diagnose-peers clean browser

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_INSTALLED)  ## run the default study into runs/higgs-sim (OUT=DIR for another folder)
	$(BIN)/justright run --out $(OUT)

test: $(TEST_INSTALLED) $(TORCH_INSTALLED) browser  ## run all tests (PYTEST_ARGS=... for other options)
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

test-lowest:  ## run all tests with the oldest versions that pyproject.toml allows, in .venv-lowest/
	$(MAKE) test VENV=.venv-lowest TEST_LOCK=requirements/lowest.txt TORCH_INSTALLED=

test-wheel: $(CREATED)  ## build sdist and wheel into dist/, and try the wheel on each supported Python found (PYTHONS=3.12 for one)
	$(BIN)/python tools/try_wheel.py $(PYTHONS)

lint: $(TEST_INSTALLED)  ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TEST_INSTALLED)  ## check types, strictly
	$(BIN)/mypy

format: $(TEST_INSTALLED)  ## format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(TEST_INSTALLED)  ## write the generated pages of docs/ anew
	$(BIN)/python tools/docs.py

# The variable silences an announcement about other versions of MkDocs than the locked one.
site: $(SITE_INSTALLED)  ## build the documentation into site/, in .venv-site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/mkdocs build --strict

lock: $(TEST_INSTALLED)  ## write requirements/*.txt anew (LOCK_ARGS=--upgrade for the newest versions)
	$(PIP) install --quiet uv
	$(BIN)/python tools/lock.py $(LOCK_ARGS)

licences: $(TEST_INSTALLED)  ## write docs/licences.md from the locked run-time dependencies
	$(BIN)/python tools/licences.py

sbom: $(TEST_INSTALLED)  ## write dist/justright.cdx.json: a CycloneDX list of the locked run-time dependencies
	@mkdir -p dist
	@# the warning ignored: a lock file is a list, so the dependency graph is not in it
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements --pyproject pyproject.toml --mc-type library --output-reproducible \
		--spec-version 1.6 --output-format JSON --output-file dist/justright.cdx.json requirements/run.txt

bench: $(TEST_INSTALLED)  ## name the benchmarks; each is run alone, on an idle machine
	@grep -l __main__ benchmarks/*.py benchmarks/*/__main__.py | xargs grep -H -m1 '^"""' | \
		sed -E 's|benchmarks/([a-z_]+)(/__main__)?\.py:"""|  $(BIN)/python -m benchmarks.\1: |'

peers:  ## make .venv-peers/ with TensorFlow and PyTorch, for python -m benchmarks.engine
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install -qq --upgrade 'pip>=25.1'
	.venv-peers/bin/python -m pip install -qq --group peers

diagnose-peers:  ## make .venv-diagnose-peers/ with four other tools, for python -m benchmarks.diagnose
	$(PYTHON) -m venv .venv-diagnose-peers
	.venv-diagnose-peers/bin/python -m pip install -qq --upgrade 'pip>=25.1'
	.venv-diagnose-peers/bin/python -m pip install -qq --group diagnose-peers

clean:  ## remove caches and builds; .venv/ and runs/ stay
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage build dist site
	find src tests benchmarks tools examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "justright needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@touch $@

$(RUN_INSTALLED): $(CREATED) requirements/run.txt $(PACKAGE_FILES)
	@echo "Installing what justright needs into $(VENV) (about a minute)."
	@$(INSTALL) -r requirements/run.txt
	@$(INSTALL_PACKAGE)
	@touch $@

# test.txt holds run.txt's versions and more, so whichever of `make run` and `make test` comes first, the other fits.
TEST_LOCK ?= requirements/test.txt
$(TEST_INSTALLED): $(CREATED) $(TEST_LOCK) $(PACKAGE_FILES)
	@echo "Installing justright, its tests and tools into $(VENV) (one or two minutes)."
	@$(INSTALL) -r $(TEST_LOCK)
	@$(INSTALL_PACKAGE)
	@touch $@ $(RUN_INSTALLED)

# A CPU build of torch is taken where pip is set up to find one. PyPI's torch for Linux cannot be imported without
# CUDA's libraries (several GB), even for use on the CPU; they are fetched only when the import fails.
$(TORCH_INSTALLED): $(TEST_INSTALLED) $(wildcard requirements/torch*.txt)
	@$(INSTALL) -r requirements/torch-cpu.txt 2> /dev/null || echo "No CPU build of torch is to be found; taking PyPI's."
	@$(INSTALL) -r requirements/torch.txt
	@$(BIN)/python -c 'import torch' 2> /dev/null || { \
		echo "This build of torch needs CUDA's libraries; installing them (several GB)."; \
		$(INSTALL) -r requirements/torch-cuda.txt && $(BIN)/python -c 'import torch'; }
	@touch $@

$(SITE_INSTALLED): requirements/site.txt
	@echo "Installing what builds the documentation into $(SITE_VENV) (a few seconds)."
	@test -x $(SITE_VENV)/bin/python || $(PYTHON) -m venv $(SITE_VENV)
	@$(SITE_VENV)/bin/python -m pip --disable-pip-version-check --no-input install -qq --require-hashes --no-deps --only-binary :all: -r $<
	@touch $@

browser:
	@tools/install_browser.sh
