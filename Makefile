# `make up` starts a cluster, `make test` runs every test. Each target does its own set-up; all it needs is
# Python >= 3.11 and make. Give another Python with PYTHON=/path/to/python3.
.PHONY: up down test test-kubernetes test-drivers check format simulate model chaos docs bench-failover bench-router compile-router clean
.DEFAULT_GOAL := check

export PYTHON

BIN := .venv/bin
EMBEDDED := .venv/.installed-embedded
DEVELOP := .venv/.installed-develop

# Set-up is done again whenever the list of dependencies is newer than its stamp.
.venv/.installed-%: pyproject.toml tools/set-up
	@tools/set-up $*

up: $(EMBEDDED)
	@$(BIN)/howdah up $(ARGS)

down: $(EMBEDDED)
	@$(BIN)/howdah down $(ARGS)

check: $(DEVELOP)
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/architecture

format: $(DEVELOP)
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

# Most tests wait for real servers: three files side by side keep two cores busy.
WORKERS ?= 3

test: $(DEVELOP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# COMPILED=1 compiles the rules first, which needs a C compiler and a minute or two, once for each change of the source.
simulate: $(DEVELOP)
	@$(if $(COMPILED),$(BIN)/python tools/compile.py simulator)
	$(if $(COMPILED),PYTHONPATH=build/compiled-simulator )$(BIN)/howdah simulate $(or $(ARGS),--minutes 10)

# Needs root, and Debian's iproute2 and nftables. Says which of them is missing.
chaos: $(DEVELOP)
	$(BIN)/python -m tests.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

# The exhaustive model of the safety protocol: every state of three servers, within bounds. Minutes on one core, up to
# 3 GB of memory. TRACES=1 tells the shortest way to what each removed guard lets through.
model:
	@command -v $(CXX) >/dev/null || { echo "make model needs a C++20 compiler (g++ 10, clang 12 or newer); CXX= names it" >&2; exit 1; }
	@mkdir -p build
	$(CXX) -std=c++20 -O2 -Wall -Wextra -o build/model tests/model/main.cpp
	$(CXX) -std=c++20 -O2 -Wall -Wextra -o build/lease tests/model/lease.cpp
	@build/lease
	@build/model removals
	@build/model bounds

# Everything in docs/ that is made from the code.
docs: $(DEVELOP)
	$(BIN)/python -m tests.docs.pages

bench-failover: $(DEVELOP)
	$(BIN)/python -m benchmarks.failover $(ARGS)

# Compares the router with PgBouncer, Pgpool-II and HAProxy, as far as they are here; says which are missing.
bench-router: $(DEVELOP)
	$(BIN)/python -m benchmarks.router $(ARGS)

# A copy of the package in build/compiled-router with the router's data path compiled from the same source, which needs
# a C compiler and a minute or two, once for each change of the source.
compile-router: $(DEVELOP)
	@$(BIN)/python tools/compile.py router

# Installs the chart into the cluster that KUBECONFIG names (its namespace `dev` is emptied!), with the image HOWDAH_IMAGE,
# which the nodes must have or be able to pull. Needs kubectl and helm.
test-kubernetes: $(DEVELOP)
	@test -n "$(KUBECONFIG)" || { echo "make test-kubernetes needs KUBECONFIG: the cluster to use. Its namespace dev is emptied" >&2; exit 1; }
	@command -v kubectl helm >/dev/null || { echo "make test-kubernetes needs kubectl and helm on the PATH" >&2; exit 1; }
	HOWDAH_KUBERNETES_TESTS=required $(BIN)/python -m pytest tests/stores/test_kubernetes.py tests/stores/test_kubernetes_access.py tests/agent/test_services.py tests/features/test_kubernetes.py tests/chart
	HOWDAH_IMAGE=$(or $(HOWDAH_IMAGE),localhost/howdah:dev) $(BIN)/python -m pytest -rP tests/kubernetes $(ARGS)

# The drivers' own test suites, directly and through the router. Needs Go, and the package registries.
test-drivers: $(DEVELOP)
	$(BIN)/python -m tests.drivers $(ARGS)

# Removes what the other targets made, never a cluster's data.
clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
