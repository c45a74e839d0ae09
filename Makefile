# One way to build, test and measure. `make help` lists the commands; each does its own set-up, and repeating one is quick.
#
# Stamps remember what is done: build/stamps/ for system packages, .venv/stamps/ for what lives in the virtual environment.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
PY := .venv/bin/python
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)
# ccache entries made in one build folder serve the others.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1
export CCACHE_MAXSIZE ?= 2G

SYSTEM := build/stamps/system
VENV := .venv/stamps
# Adding or removing a file changes its folder, so folders are named too.
NATIVE_SOURCES := $(shell find core/src core/include server bindings cmake CMakeLists.txt core/CMakeLists.txt \
	\( -name '*.h' -o -name '*.cc' -o -name CMakeLists.txt -o -name '*.cmake' \) ! -name '*_test.cc' ! -name '*_fuzz.cc' \
	! -name '*_bench.cc' 2>/dev/null)
PACKAGE_FILES := $(shell find python -name '*.py' -o -name '*.pyi' 2>/dev/null | LC_ALL=C sort | cksum | cut -d' ' -f1)

.PHONY: help
help:  ## Shows this list
	@echo "usage: make COMMAND"
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z -]+):.*## (.*)/  \1|\2/' | column -t -s '|'

# --- set-up ---------------------------------------------------------------------------------------------------------

$(SYSTEM)-%: requirements/system.txt tools/setup.py
	@mkdir -p build/stamps
	$(PYTHON) tools/setup.py system $*
	@touch $@

$(VENV)/base: pyproject.toml requirements/demo.txt tools/setup.py | $(SYSTEM)-build
	$(PYTHON) tools/setup.py venv demo
	@mkdir -p $(VENV) && touch $@

$(VENV)/tools-%: requirements/%.txt $(VENV)/base
	$(PYTHON) tools/setup.py venv $*
	@touch $@

# The list of Python files is part of the stamp's name: an editable install must learn of new ones.
$(VENV)/package-$(PACKAGE_FILES): $(VENV)/base $(NATIVE_SOURCES)
	$(PYTHON) tools/setup.py package
	@rm -f $(VENV)/package-*; touch $@

.PHONY: setup
setup: $(SYSTEM)-build $(SYSTEM)-test $(VENV)/tools-test $(VENV)/tools-lint  ## Installs system packages, .venv and pinned tools

.PHONY: build
build: $(VENV)/package-$(PACKAGE_FILES)  ## Release build of the package, installed into .venv (editable)

# --- daily work -----------------------------------------------------------------------------------------------------

.PHONY: test
test: build $(SYSTEM)-test $(VENV)/tools-test $(VENV)/tools-lint  ## All tests: C++ with and without epoll, Python on the embedded server
	$(PYTHON) tools/run_tests.py dev dev-poll python

.PHONY: test-cpp
test-cpp: $(SYSTEM)-build $(SYSTEM)-test  ## Only the C++ tests (preset dev)
	$(PYTHON) tools/run_tests.py dev

.PHONY: test-python
test-python: build $(SYSTEM)-test $(VENV)/tools-test $(VENV)/tools-lint  ## Only the Python suites
	$(PYTHON) tools/run_tests.py python

.PHONY: asan
asan: $(SYSTEM)-build $(SYSTEM)-test $(VENV)/tools-test  ## The C++ tests and Python suites under AddressSanitizer (FULL=1: more of these)
	$(PYTHON) tools/run_tests.py asan py-asan $(if $(FULL),--full)

.PHONY: tsan
tsan: $(SYSTEM)-build $(SYSTEM)-test $(if $(FULL),$(SYSTEM)-fuzz)  ## The C++ tests under ThreadSanitizer (FULL=1: Python and its suites too)
	$(PYTHON) tools/run_tests.py $@ $(if $(FULL),py-tsan)

.PHONY: simulate
simulate: $(SYSTEM)-build $(SYSTEM)-test  ## The core against simulated nodes, network and clock (SEEDS=1000; SEED=n tells one's story)
	@cmake --preset dev -Wno-dev --log-level=WARNING && cmake --build --preset dev --target aero_simulator
	build/dev/core/aero_simulator $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000)) $(if $(SECONDS_MAX),--seconds $(SECONDS_MAX))

.PHONY: drills
drills: build  ## Real server processes that are killed and stopped under load (4 minutes; QUICK=1: two, LONG=1: much longer)
	$(PY) drills/run.py $(if $(QUICK),--quick) $(if $(LONG),--long)

.PHONY: fuzz
fuzz: $(SYSTEM)-build $(SYSTEM)-fuzz  ## Every fuzz target for a short while (SECONDS_EACH=10), encoders under MemorySanitizer
	cmake --preset fuzz -Wno-dev --log-level=WARNING && cmake --build --preset fuzz
	$(PYTHON) fuzz/run.py --seconds $(or $(SECONDS_EACH),10)
	cmake --preset msan -Wno-dev --log-level=WARNING && cmake --build --preset msan
	$(PYTHON) fuzz/run.py --seconds 3 --build build/msan

.PHONY: demo
demo: build  ## Where does the time of a batch read go? Embedded server, 18,000 records, the answer in 20 seconds
	$(PY) -m aerospike_py.demo

.PHONY: lint
lint: $(SYSTEM)-build $(SYSTEM)-test $(SYSTEM)-bench $(SYSTEM)-fuzz $(VENV)/tools-test $(VENV)/tools-lint  ## House rules, formatters, clang-tidy, ruff, mypy, pyright
	$(PY) tools/lint.py

.PHONY: audit
audit: $(VENV)/tools-test $(VENV)/tools-lint $(VENV)/tools-bench $(VENV)/tools-audit  ## Known holes of everything installed here, and the list of licences
	$(PY) tools/audit.py

.PHONY: format
format: $(VENV)/tools-lint  ## Lets the formatters mend what they can
	$(PY) tools/lint.py --fix clang-format ruff "ruff format"

.PHONY: bench
bench: build $(SYSTEM)-bench $(VENV)/tools-bench  ## Compares all clients and checks the gates (10 minutes; QUICK=1: two)
	cmake --preset release -Wno-dev --log-level=WARNING && cmake --build --preset release --target wire_floor core_client
	$(PY) bench/run.py $(if $(QUICK),--quick)

.PHONY: bench-check
bench-check: build $(SYSTEM)-bench  ## Counts instructions and compares them with the recorded ones (RECORD=1: records them anew)
	cmake --preset release -Wno-dev --log-level=WARNING && cmake --build --preset release --target aero_bench
	$(PY) bench/instructions.py $(if $(RECORD),--record)

.PHONY: bench-since
bench-since: build $(SYSTEM)-bench  ## Compares CPU of every call with an earlier commit, in pairs (half an hour; COMMIT=v0.1.0)
	$(PY) bench/since.py $(or $(COMMIT),HEAD)

.PHONY: bench-growth
bench-growth: build $(SYSTEM)-bench $(VENV)/tools-bench  ## Measures how cost grows with keys, bins, bytes, nodes, calls at a time (2 minutes)
	$(PY) bench/growth.py $(if $(QUICK),--quick)

.PHONY: clean
clean:  ## Deletes everything that was built (.venv and caches too)
	rm -rf build .venv dist
