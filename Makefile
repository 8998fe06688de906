# The same names everywhere: here, in README.md and in .ci/run.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BENCH  ?=
NAME   ?=
PARALLEL ?= --numprocesses 4 --dist worksteal

unexport PYTHONDONTWRITEBYTECODE  # the suite starts a thousand processes: none of them shall compile everything anew

.PHONY: help setup demo test check fmt bench hunt lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-8s%s\n", $$1, $$2}' Makefile

setup: $(READY)  ## a virtual environment with pinned, hashed requirements; the others call it

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup  ## the main job, end to end, on the embedded sandbox
	@$(BIN)/python examples/bulk-tag-metadata/demo.py

test: setup  ## everything but the hunts; branch coverage of what decides, by its own tests
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report= tests/jobs tests/worker/policy
	$(BIN)/coverage report
	$(BIN)/python -m pytest $(PARALLEL) -m "not alone" --ignore tests/jobs --ignore tests/worker/policy
	$(BIN)/python -m pytest -m alone tests/system/crash tests/system/e2e

check: setup  ## lint, format, types, arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup  ## let machines mend what they can: code by ruff, generated parts of the documents
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m tests.docs.generated

bench: setup  ## what a row costs beside what people use instead; BENCH="--rows 20000 --repeat 7" for a long one
	$(BIN)/python -m benchmarks.bench $(BENCH)

hunt: setup  ## what takes longer than a test may: NAME=crash KILLS=1000; alone, a list with the cost of each
	@$(BIN)/python -m tests.hunt $(NAME)

lock:  ## renew the pinned requirements (needs the uv program)
	uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements/runtime.txt
	uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml --output-file requirements/dev.txt

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis .coverage
