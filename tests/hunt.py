"""`make hunt`: what takes longer than a test may, or needs more than a test has. Alone it lists the hunts.

A variable on the command line of `make` reaches a hunt by the environment: `make hunt NAME=crash KILLS=1000`.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Final

_PARALLEL: Final = "--numprocesses 4 --dist worksteal"


@dataclass(frozen=True, slots=True)
class Hunt:
    """One of them.

    Attributes:
        what: it looks for, or measures.
        takes: time, roughly, on two cores and with the variables as they stand here.
        commands: in order, up to the first that fails; `$NAME` is a variable.
        variables: with their values if the user gives none.
        needs: what has to be there and `make setup` does not install.
    """

    what: str
    takes: str
    commands: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""


HUNTS: Final[Mapping[str, Hunt]] = {
    # what happens to a process
    "crash": Hunt(
        "kill -9 at random points, judged by the server's ledger",
        "a minute",
        ["python -m tests.system.crash.hunt --kills $KILLS"],
        {"KILLS": "50"},
    ),
    "signals": Hunt(
        "SIGINT and SIGTERM, once and twice, at random points",
        "20 minutes",
        ["python -m tests.system.crash.signals --times $TIMES"],
        {"TIMES": "100"},
    ),
    "undo-crash": Hunt(
        "apply and undo, both killed and resumed: nothing is left of either",
        "3 minutes",
        ["python -m tests.system.crash.undo --rounds $ROUNDS"],
        {"ROUNDS": "20"},
    ),
    "damage": Hunt(
        "a journal cut at every byte of its end, and with flipped bits",
        "5 minutes",
        ["python -m tests.system.crash.damage"],
    ),
    "powerloss": Hunt(
        "power cuts at random points, rebuilt from what was synced",
        "10 minutes",
        ["python -m tests.system.crash.powerloss --points $POINTS"],
        {"POINTS": "200"},
        needs="strace",
    ),
    "full-disk": Hunt(
        "small disks that fill up",
        "2 minutes",
        ["python -m tests.system.crash.full_disk --times $DISKS"],
        {"DISKS": "20"},
        needs="root, to mount them",
    ),
    # what a server does
    "simulate": Hunt(
        "the whole engine in virtual time, by seeds: the first API, then described ones whose semantics a seed chooses",
        "50 minutes",
        [
            "python -m tests.system.simulation --seeds $SEEDS --first $FIRST",
            "python -m tests.system.simulation --described --seeds $DESCRIBED --first $FIRST",
        ],
        {"SEEDS": "10000", "DESCRIBED": "5000", "FIRST": "0"},
    ),
    "replay": Hunt(
        "the story of one seed, told; SEED=described:7 for one about a described API",
        "seconds",
        ["python -m tests.system.simulation --replay $SEED"],
        {"SEED": "0"},
    ),
    "nights": Hunt(
        "histories of many nights with people, kills and undos, judged by the table of decisions read a second time",
        "half an hour",
        ["python -m tests.system.nights --seeds $SEEDS --first $FIRST"],
        {"SEEDS": "1000", "FIRST": "0"},
    ),
    "night": Hunt(
        "one history of nights, told; HISTORY=commercelayer:7",
        "seconds",
        ["python -m tests.system.nights --replay $HISTORY"],
        {"HISTORY": "commercelayer:0"},
    ),
    "faults": Hunt(
        "many rows against a hostile server, judged by its own truth",
        "3 minutes",
        ["python -m tests.system.hostile.hunt --rows $ROWS --share $SHARE"],
        {"ROWS": "100000", "SHARE": "5"},
    ),
    "late": Hunt(
        "every change lands late, every first reply is broken; judged by the server's truth",
        "seconds",
        ["python -m tests.system.hostile.late --rows $ROWS"],
        {"ROWS": "1000"},
    ),
    "strangers": Hunt(
        "servers that nobody here wrote, judged by their own stores; then a sheet that LibreOffice wrote."
        " STRANGERS='django prism' for some",
        "20 minutes",
        ["python -m tests.system.strangers $STRANGERS", "python -m tests.system.sheets.libreoffice"],
        {"STRANGERS": ""},
        needs="PyPI, npm, Debian's packages, LibreOffice",
    ),
    # pace
    "scenarios": Hunt(
        "pace and concurrency in virtual time, beside other ways to do it; the files are in"
        " tests/system/pace/scenarios, SCENARIOS names some",
        "3 minutes",
        ["python -m tests.system.pace.table $SCENARIOS"],
        {"SCENARIOS": ""},
    ),
    "share": Hunt(
        "virtual hours of processes that share a quota, and of one that is restarted every 20 s; then for real",
        "10 minutes",
        [
            "python -m tests.system.scenarios.shared_quota --minutes $MINUTES --processes $PROCESSES",
            "env PROCESSES=$PROCESSES python -m pytest -q tests/system/e2e/test_shared_quota.py",
            "env ROWS=5000 python -m pytest -q tests/system/scenarios/test_reads_beside_writes.py",
            "python -m benchmarks.gate_cost",
        ],
        {"MINUTES": "60", "PROCESSES": "4"},
    ),
    "pace-real": Hunt(
        "untold limits in real time on loopback, as shares of the ideal",
        "10 minutes",
        ["python -m tests.system.pace.real"],
    ),
    # what people see
    "screens": Hunt(
        "what a terminal shows while a run goes on, drawn anew into docs/screens",
        "seconds",
        ["python -m tests.docs.screens"],
    ),
    # inputs
    "properties": Hunt(
        "the property tests with other examples than make test has, and other ones every time",
        "10 minutes",
        ["env HYPOTHESIS_PROFILE=hunt python -m pytest -q $PARALLEL tests/jobs tests/worker/policy"],
        {"PARALLEL": _PARALLEL},
    ),
    "corpora": Hunt(
        "csv-spectrum, JSONTestSuite and the big list of naughty strings; every deviation explained",
        "2 minutes",
        ["python -m tests.system.corpora"],
        needs="npm",
    ),
    # what people see
    "pages": Hunt(
        "report.html in a real Chromium: silent, asking nobody, by keyboard, judged by axe, hostile cells harmless;"
        " PICTURES=folder keeps what it showed",
        "3 minutes",
        ["python -m tests.system.pages --rows $ROWS --pictures=$PICTURES"],
        {"ROWS": "1000000", "PICTURES": ""},
        needs="Debian's packages chromium and chromium-driver, npm",
    ),
    # what a row costs
    "path": Hunt(
        "the path of a row, traced: files, rooms, calls; TRACE=--list names the functions",
        "seconds",
        ["python -m benchmarks.path $TRACE"],
        {"TRACE": ""},
    ),
    "ladder": Hunt(
        "the stages of the pipeline switched on in turn, CPU of each a row",
        "10 minutes",
        ["python -m benchmarks.ladder"],
    ),
    "rates": Hunt("rows a second of check, plan and report", "3 minutes", ["python -m benchmarks.rates"]),
    "profile": Hunt(
        "where the CPU goes, by function",
        "2 minutes",
        ["python -m benchmarks.profiling", "python -m benchmarks.profiling --reads"],
        needs="py-spy",
    ),
    "scale": Hunt(
        "from a thousand rows to MOST: cost, memory, size of the journal",
        "30 minutes",
        ["python -m benchmarks.scale --most $MOST"],
        {"MOST": "1000000"},
    ),
    "million": Hunt(
        "the first request of a run of a million rows that is nearly done",
        "5 minutes",
        ["python -m benchmarks.resume_million"],
    ),
    "million-check": Hunt(
        "what a check costs a row, and its memory, on a million rows",
        "half a minute",
        ["python -m benchmarks.check_million"],
    ),
    "memory": Hunt(
        "a job's memory: its size, a look-up, the folding of a night, on 10,000 and a million records",
        "5 minutes",
        ["python -m benchmarks.memory $RECORDS"],
        {"RECORDS": "10000 1000000"},
    ),
    "one-percent": Hunt(
        "nights whose sheet changes one row in a hundred, under live limits: requests, hours, CPU and memory, beside"
        " simpler ways",
        "10 minutes",
        ["python -m benchmarks.nights $RECORDS"],
        {"RECORDS": "10000 100000"},
    ),
    "bench-check": Hunt(
        "whether the ratios of make bench are still within generous bounds",
        "half a minute",
        ["python -m benchmarks.ratios"],
    ),
}


def listed() -> str:
    """Every hunt with what it costs and needs."""
    lines = ["make hunt NAME=...", ""]
    for name, hunt in HUNTS.items():
        given = " ".join(f"{variable}={value}" for variable, value in hunt.variables.items() if value)
        cost = "; ".join(filter(None, [given, hunt.takes, hunt.needs and f"needs {hunt.needs}"]))
        lines += [f"{name:14}{hunt.what}", f"{'':14}({cost})"]
    return "\n".join(lines)


def words(command: str, variables: Mapping[str, str]) -> list[str]:
    """A command as it is run, by this Python."""
    filled = shlex.split(Template(command).substitute(variables))
    return [sys.executable if word == "python" else word for word in filled]


def main(arguments: Sequence[str]) -> int:
    if not arguments:
        print(listed())
        return 0
    name, *more = arguments
    if name not in HUNTS or more:
        print(f"There is no hunt {' '.join(arguments)}. To list them: make hunt", file=sys.stderr)
        return 2
    hunt = HUNTS[name]
    given = {variable: os.environ.get(variable, value) for variable, value in hunt.variables.items()}
    for command in hunt.commands:
        if status := subprocess.run(words(command, given), check=False).returncode:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
