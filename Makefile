# Every target is safe to repeat and to interrupt: a stamp is written only when its work is complete.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock
export GRADIO_ANALYTICS_ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help run install test check lint types fix bench lock clean eval tests spaces

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' Makefile | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: install ## Install, bring the models, import the samples on the first run, and serve
	$(BIN)/youju serve

install: $(VENV)/.installed ## Make the environment and bring the models; no server
	$(BIN)/youju models pull

test: $(VENV)/.developed ## Run all tests, offline
	$(BIN)/youju models pull smollm2-135m
	$(BIN)/youju models pull qwen2.5-coder-0.5b
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint types test ## Everything that continuous integration runs

lint: $(VENV)/.developed ## ruff, formatting, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(VENV)/.developed ## mypy --strict
	$(BIN)/mypy

fix: $(VENV)/.developed ## Let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.developed ## Measure; YOUJU_DATA names the folder of data sets
	$(BIN)/youju models pull
	$(BIN)/python -m eval.bench

lock: ## Resolve every dependency anew and write requirements.lock
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet torch==2.13.0
	$(VENV)-lock/bin/python -m pip install --quiet -e '.[dev,eval,train]'
	head -2 requirements.lock > requirements.lock.new
	$(VENV)-lock/bin/python -m pip freeze --exclude youju | sed -E 's/^torch(==| @).*/torch==2.13.0/' >> requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm -rf $(VENV)-lock

clean: ## Remove the environment; models and data stay
	rm -rf $(VENV) $(VENV)-lock

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Youju needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 run"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(BIN)/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[train]'
	@touch $@

$(VENV)/.developed: pyproject.toml requirements.lock | $(BIN)/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[dev,eval,train]'
	@touch $@ $(VENV)/.installed
