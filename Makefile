# Two commands matter: `make demo` and `make test`. Each does all set-up that is missing, and only that.
#
#   PYTHON=python3.12            the interpreter to build .venv with (3.11 or newer)
#   TORCH_INDEX=<URL>            a further package index for torch, in the sandbox image and for tests, such as
#                                PyTorch's own index of CPU builds
#   TESTS="tests/unit -k intake" what `make test` runs
#   SEED=4711                    the order in which `make shuffled` runs tests, as an earlier run printed it
#   TEST_PROCESSES=1             how many processes run the tests; without it one for each core, four at most

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
TESTS ?=
TEST_PROCESSES ?= logical
DEMO ?= demo
SEED ?=
PYTHON ?=
TORCH_INDEX ?=
export PYTHON TORCH_INDEX

# Several targets install packages, and two installers at a time would meet.
.NOTPARALLEL:

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ready  ## Grade a sample course in ./demo and print the marks and where the reports are
	@scripts/demo.sh $(DEMO)

.PHONY: test
test: setup ready browser postgresql  ## Run all tests, those that need Docker, a browser or PostgreSQL included
# One thread for each process: more than cores wait for one another, and trainings take several times as long.
# Files are taken in the order of tests/conftest.py, which puts long ones first.
	@OMP_NUM_THREADS=1 GRADER_REQUIRE_DOCKER=1 GRADER_REQUIRE_BROWSER=1 GRADER_REQUIRE_POSTGRESQL=1 \
	  $(BIN)/pytest --numprocesses $(TEST_PROCESSES) --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: corpus
corpus: setup ready  ## Hold the grader to the labels of real notebooks of all labs, where their folder is there
	@GRADER_REQUIRE_DOCKER=1 GRADER_CORPUS_LABS=lab1,lab2,lab3b $(BIN)/pytest tests/acceptance/test_corpus.py

# The tests that ask for GRADER_SOAK; docs/contributing.md says what each does more.
SOAKED := tests/attacks/test_attacks.py tests/attacks/test_class.py tests/sandbox/test_limits.py \
  tests/functional/faults/test_faults.py tests/functional/test_memory_of_a_run.py \
  tests/unit/collector/test_corpus_training.py tests/unit/collector/test_starts_in_numbers.py \
  tests/unit/cli/test_damaged_rows.py tests/unit/web/test_damaged_pages.py \
  tests/functional/test_thirty_tas.py tests/functional/test_many_machines.py \
  tests/unit/web/test_api_described.py tests/unit/store/test_erasing_machine.py

.PHONY: soak
soak: setup ready postgresql  ## Run what takes longer than it finds in a day: each attack in each sandbox, all real trainings
	@OMP_NUM_THREADS=1 GRADER_REQUIRE_DOCKER=1 GRADER_REQUIRE_POSTGRESQL=1 GRADER_SOAK=1 $(BIN)/pytest $(SOAKED)

.PHONY: gpu
gpu: setup ready  ## Run the tests that need a GPU, on all that the engine gives (GRADER_TEST_GPUS=0,1 for some)
	@GRADER_REQUIRE_DOCKER=1 GRADER_TEST_GPUS=$${GRADER_TEST_GPUS:-all} \
	  $(BIN)/pytest tests/sandbox/test_gpu.py tests/attacks/test_gpu_attacks.py

.PHONY: static
static: setup  ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: shuffled
shuffled: setup postgresql  ## Run the unit tests in one process and in a random order; SEED=<number> repeats one
	@seed=$(or $(SEED),$$RANDOM); again="make shuffled SEED=$$seed repeats this order"; echo "$$again"; \
	OMP_NUM_THREADS=1 GRADER_REQUIRE_POSTGRESQL=1 $(BIN)/pytest --quiet \
	  --random-order-bucket global --random-order-seed $$seed tests/unit || { echo "$$again"; exit 1; }

.PHONY: check
check: static shuffled test  ## Everything that must hold before a commit is shared

.PHONY: bench
bench: setup ready postgresql browser demo  ## Measure start-up, regrading, reports, pages and the queue, each against its limit; wants an idle machine
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/startup.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/regrade.py $(DEMO)/grader.db $(DEMO)/submissions/pets \
	  $(DEMO)/rubrics/pets.yaml 'expected: 1313' 'expected: 1312' 100 1000
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/reports.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/standing.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/pages.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/workers.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/uploads.py

.PHONY: peers
peers: setup ready demo  ## Measure beside nbgrader, otter-grader and nbconvert, and write docs/benchmarks.md; wants an idle machine
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/peers.py "$$(scripts/peers.sh)" $(DEMO)

.PHONY: setup
setup: .venv/.complete  ## Make the virtual environment, with what tests and checks need

# Either comes from the same script: `.host` has what grading needs, `.complete` that and all tools for tests.
.venv/.complete: pyproject.toml constraints.txt scripts/venv.sh
	@scripts/venv.sh dev

.venv/.host: pyproject.toml constraints.txt scripts/venv.sh
	@scripts/venv.sh host

.PHONY: engine
engine: .venv/.host  ## Install and start a Docker engine if none answers
	@scripts/engine.sh

.PHONY: browser
browser:  ## Install Chromium for the tests of reports if none is there
	@scripts/browser.sh

.PHONY: postgresql
postgresql:  ## Install PostgreSQL for the tests that keep marks in it if none is there; starts no server
	@scripts/postgresql.sh

.PHONY: ready
ready: engine  ## All set-up for grading: environment, engine, sandbox image
	@$(BIN)/grader image build

.PHONY: clean
clean:  ## Remove the environment, caches and the demo; the engine and its images stay
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(DEMO)
