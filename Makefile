# What a developer types; CI types the same. `make` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env test-fast test coverage test-full lint schema build demo conformance contracts-oracle serving-oracle monitoring-oracle tracking-oracle clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One more than two processors: many tests wait for other processes than their own.
JOBS ?= 3
# Neighbours share what is expensive to make: each process gets a row of them, and takes some of another's only at the end.
PYTEST := $(BIN)/python -m pytest --dist worksteal

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(STAMP) ## make .venv with mlgit and all tools (done by the other targets when needed)

$(STAMP): pyproject.toml constraints.txt .ci/make-env
	@bash .ci/make-env $(VENV)
	@touch $@

test-fast: $(STAMP) ## the tests under a minute
	MLGIT_TEST_FAST=1 $(PYTEST) -n 2 -m "not slow"

test: $(STAMP) ## the tests of a change: all but the longest, and of slow ones with many cases a sample
	MLGIT_TEST_SAMPLE=1 $(PYTEST) -n $(JOBS)

coverage: $(STAMP) ## the tests of test-fast, and whether they reach the share of lines that pyproject.toml asks for
	MLGIT_TEST_FAST=1 $(PYTEST) -n 2 -m "not slow" --cov --cov-report=term:skip-covered

test-full: $(STAMP) ## all tests and all of their cases, with the generated ones in full number
	MLGIT_TEST_FULL=1 $(PYTEST) -n $(JOBS)

lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

schema: $(STAMP) ## write mlgit/mlgit.schema.json anew from the tables that check mlgit.yaml
	$(BIN)/python -m tests.kit.json_schema > mlgit/mlgit.schema.json.new
	mv mlgit/mlgit.schema.json.new mlgit/mlgit.schema.json

build: $(STAMP) ## build the wheels of mlgit and of its store for MLflow into dist/
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation
	$(BIN)/python -m build --wheel --no-isolation --outdir dist tracking
	@bash .ci/check-wheel dist/mlgit-*.whl
	@bash .ci/check-tracking-wheel dist/mlgit_tracking-*.whl

demo: $(STAMP) ## scaffold a project, train, document and release its model, refuse a worse one, go back, audit
	$(BIN)/python docs/demo.py

conformance: ## DVC's own tests against mlgit's engine: make conformance DVC_SOURCE=PATH PYTHON=PATH
	$(or $(PYTHON),$(BIN)/python) tests/conformance/job.py $(DVC_SOURCE)

contracts-oracle: $(STAMP) ## contracts, their changes and tables against datacontract, pandera, frictionless: make contracts-oracle PYTHON=PATH
	$(BIN)/python -m tests.validation.oracle.job $(PYTHON)
	$(BIN)/python -m tests.validation.oracle.data_job $(PYTHON)

serving-oracle: $(STAMP) ## mlgit serve beside MLflow's server, asked by the clients of others: make serving-oracle PYTHON=PATH
	$(BIN)/python -m tests.serving.oracle.job $(PYTHON)

monitoring-oracle: $(STAMP) ## statistics of monitoring beside Evidently, scipy and river: make monitoring-oracle PYTHON=PATH
	$(BIN)/python -m tests.monitoring.oracle.job $(PYTHON)

tracking-oracle: $(STAMP) ## mlgit:// under MLflow's server, its pages and its own tests: make tracking-oracle PYTHON=PATH [MLFLOW_SOURCE=PATH]
	$(BIN)/python -m tests.tracking.oracle.job $(PYTHON) $(MLFLOW_SOURCE)

clean: ## remove everything that is made
	rm -rf $(VENV) dist build demo .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find mlgit tests templates -name __pycache__ -type d -prune -exec rm -rf {} +
