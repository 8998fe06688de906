# The same names everywhere: here, in README.md and in .ci/run.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
KILLS  ?= 50
SEEDS  ?= 10000
FIRST  ?= 0
SEED   ?= 0
ROWS   ?= 100000
SHARE  ?= 5
TIMES  ?= 100
POINTS ?= 200
ROUNDS ?= 20
DISKS  ?= 20
MINUTES   ?= 60
PROCESSES ?= 4
MOST   ?= 1000000
BENCH  ?=
TRACE  ?=
PARALLEL ?= --numprocesses 4 --dist worksteal

unexport PYTHONDONTWRITEBYTECODE  # the suite starts a thousand processes: none of them shall compile everything anew

.PHONY: help setup demo test check fmt bench bench-check ladder path rates scale profile million million-check scenarios simulate replay crash faults signals damage powerloss full-disk undo-crash share corpora strangers late pace-real properties lock clean

setup: $(READY)  ## a virtual environment with pinned, hashed requirements

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-16s%s\n", $$1, $$2}' Makefile

demo: setup  ## the main job, end to end, on the embedded sandbox
	@$(BIN)/python examples/bulk-tag-metadata/demo.py

test: setup  ## everything but the long hunts; branch coverage of what decides, by its own tests
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report= tests/jobs tests/worker/policy
	$(BIN)/coverage report
	$(BIN)/python -m pytest $(PARALLEL) -m "not alone" --ignore tests/jobs --ignore tests/worker/policy
	$(BIN)/python -m pytest -m alone tests/system/crash tests/system/e2e

check: setup  ## lint, format, types, arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## what a row costs beside what people use instead; BENCH="--rows 20000 --repeat 7" for a long one
	$(BIN)/python -m benchmarks.bench $(BENCH)

bench-check: setup  ## its ratios within generous bounds, in half a minute
	$(BIN)/python -m benchmarks.ratios

ladder: setup  ## the stages of the pipeline switched on in turn, CPU of each a row
	$(BIN)/python -m benchmarks.ladder

path: setup  ## the path of a row, traced: files, rooms, calls; TRACE="--list" names the functions
	@$(BIN)/python -m benchmarks.path $(TRACE)

rates: setup  ## rows a second of check, plan and report
	$(BIN)/python -m benchmarks.rates

scale: setup  ## from a thousand rows to MOST=1000000: cost, memory, size of the journal
	$(BIN)/python -m benchmarks.scale --most $(MOST)

profile: setup  ## where the CPU goes, by function (py-spy)
	$(BIN)/python -m benchmarks.profiling
	$(BIN)/python -m benchmarks.profiling --reads

million: setup  ## the first request of a run of a million rows that is nearly done
	$(BIN)/python -m benchmarks.resume_million

million-check: setup  ## what a check costs a row, and its memory, on a million rows
	$(BIN)/python -m benchmarks.check_million

simulate: setup  ## the whole engine in virtual time, by seeds
	$(BIN)/python -m tests.system.simulation --seeds $(SEEDS) --first $(FIRST)

replay: setup  ## the story of one seed
	$(BIN)/python -m tests.system.simulation --replay $(SEED)

scenarios: setup  ## pace and concurrency in virtual time, ours and other ways to do it, as a table
	@$(BIN)/python -m tests.system.pace.table $(SCENARIOS)

crash: setup  ## kill -9 at random points, judged by the server's ledger
	$(BIN)/python -m tests.system.crash.hunt --kills $(KILLS)

faults: setup  ## many rows against a hostile server, judged by its own truth
	$(BIN)/python -m tests.system.hostile.hunt --rows $(ROWS) --share $(SHARE)

signals: setup  ## SIGINT and SIGTERM, once and twice, at random points
	$(BIN)/python -m tests.system.crash.signals --times $(TIMES)

damage: setup  ## a journal cut at every byte of its end, and with flipped bits
	$(BIN)/python -m tests.system.crash.damage

powerloss: setup  ## power cuts at random points, and the order of syncs and requests (needs strace)
	$(BIN)/python -m tests.system.crash.powerloss --points $(POINTS)

full-disk: setup  ## small disks that fill up (needs root)
	$(BIN)/python -m tests.system.crash.full_disk --times $(DISKS)

corpora: setup  ## the public corpora of CSV, JSON and naughty strings, installed by npm, never committed
	$(BIN)/python -m tests.system.corpora

strangers: setup  ## servers that nobody here wrote, installed under build/, judged by their own stores; STRANGERS="django prism" for some
	$(BIN)/python -m tests.system.strangers $(STRANGERS)
	$(BIN)/python -m tests.system.sheets.libreoffice

late: setup  ## every change lands late, and every first reply is broken in some way
	$(BIN)/python -m tests.system.hostile.late --rows $(ROWS)

pace-real: setup  ## untold limits in real time on loopback, as shares of the ideal
	$(BIN)/python -m tests.system.pace.real

properties: setup  ## the property tests with other examples than make test has, and other ones every time
	HYPOTHESIS_PROFILE=hunt $(BIN)/python -m pytest -q $(PARALLEL) tests/jobs tests/worker/policy

undo-crash: setup  ## apply and undo, both killed and resumed: nothing is left of either
	$(BIN)/python -m tests.system.crash.undo --rounds $(ROUNDS)

share: setup  ## virtual hours of processes that share a quota, and of one that is restarted every 20 s
	$(BIN)/python -m tests.system.scenarios.shared_quota --minutes $(MINUTES) --processes $(PROCESSES)
	PROCESSES=$(PROCESSES) $(BIN)/python -m pytest -q tests/system/e2e/test_shared_quota.py
	ROWS=5000 $(BIN)/python -m pytest -q tests/system/scenarios/test_reads_beside_writes.py
	$(BIN)/python -m benchmarks.gate_cost

lock: setup  ## renew the pinned requirements (needs the uv program)
	uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements/runtime.txt
	uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml --output-file requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
