"""The clients that are compared: rowpatch, the yardstick, and the tools that people use instead."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks import rows
from benchmarks.getting import CLIENTS, NODE, PYTHON, node_peers, python_peers, unpacked
from benchmarks.measuring import Cost, Failed, measure
from benchmarks.servers import Server

YARDSTICK: Final = "bare aiohttp loop"
OURS: Final = "rowpatch --blind"
READING: Final = "rowpatch, reads first"
ROWPATCH: Final = Path(sys.executable).with_name("rowpatch")

CURL: Final = (
    "curl", "-sS", "-f", "-o", "/dev/null", "-X", "PATCH", "-H", f"Content-Type: {rows.MEDIA}",
    "-H", f"Accept: {rows.MEDIA}", "-H", "Authorization: Bearer x",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """The work of one process: send `rows` rows to `server`, from a folder of its own."""

    server: Server
    rows: int
    workers: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of a client, among them the certificate authority for every tool."""
        ca = str(self.server.ca)
        names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(CLIENTS.parent),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "ROWPATCH_TOKEN": "x",
            **dict.fromkeys(names, ca),
        }

    @property
    def sheet(self) -> Path:
        """The rows as CSV."""
        file = self.folder / f"{self.rows}.csv"
        if not file.exists():
            rows.write_sheet(file, self.rows)
        return file

    @property
    def arguments(self) -> tuple[str, ...]:
        """Command-line arguments of our scripts."""
        return self.server.origin, str(self.rows), str(self.workers)


Make = Callable[[Task], list[str | Path]]


@dataclass(frozen=True, slots=True)
class Peer:
    """One client.

    Attributes:
        name: in the table.
        keeps: what is left of each row afterwards.
        make: its command; what it needs besides is written before it is measured.
        have: installs it, and says why it cannot be had, or nothing.
        slow: it is measured over fewer rows.
        reads: it needs a server that can be read; what it sends depends on that.
    """

    name: str
    keeps: str
    make: Make
    have: Callable[[], str] = lambda: ""
    slow: bool = False
    reads: bool = False

    def run(self, task: Task) -> Cost:
        """Measure it once.

        Raises:
            Failed: it did not end well, or not all of its requests arrived as they should.
        """
        command = self.make(task)
        task.server.seen()
        cost = measure(command, task.environment, task.folder)
        patches, checksum = task.server.seen()
        right = checksum is None or self.reads or checksum == rows.checksum(task.rows)
        if patches != task.rows or not right:
            raise Failed(f"{patches} of {task.rows} PATCHes arrived, {'with' if right else 'without'} the right bodies")
        return cost


def rowpatch(task: Task, *flags: str) -> list[str | Path]:
    """Return the command for the whole program: journal, checks of replies, reports."""
    directory = task.folder / "run"
    shutil.rmtree(directory, ignore_errors=True)
    trust = ["--ca-file", str(task.server.ca)] if task.server.origin.startswith("https") else []
    return [
        ROWPATCH, "apply", task.sheet, "--url", task.server.origin, "--type", rows.TYPE, "--rate", "none",
        "--no-progress", "--canary", "0", "--concurrency", str(task.workers), "--run-dir", directory, *trust, *flags,
    ]  # fmt: skip


def _script(name: str, *flags: str, python: Path = PYTHON) -> Make:
    return lambda task: [python, CLIENTS / name, *task.arguments, *flags]


def _naive(*flags: str) -> Make:
    def make(task: Task) -> list[str | Path]:
        results = task.folder / "naive.csv"
        return [
            PYTHON,
            CLIENTS / "naive_aiohttp.py",
            task.server.origin,
            task.sheet,
            str(task.workers),
            results,
            *flags,
        ]

    return make


def _curl(task: Task) -> list[str | Path]:
    file = task.folder / f"curl-{task.rows}"
    if not file.exists():
        rows.write_curl(file, task.server.origin, task.rows)
    return ["curl", "--parallel", "--parallel-max", str(task.workers), "--config", file]


def _pairs(task: Task) -> Path:
    file = task.folder / f"pairs-{task.rows}"
    if not file.exists():
        rows.write_pairs(file, task.server.origin, task.rows)
    return file


def _xargs(task: Task) -> list[str | Path]:
    return ["xargs", "-0", "-n", "2", "-P", str(task.workers), "-a", _pairs(task), *CURL, "--data-raw"]


def _parallel_program() -> str | None:
    return shutil.which("parallel") or unpacked("parallel", "usr/bin/parallel")


def _parallel(task: Task) -> list[str | Path]:
    program = _parallel_program()
    assert program is not None
    quoted = ["-q", *CURL, "--data-raw", "{1}", "{2}"]
    return [program, "--will-cite", "-0", "-N", "2", "-j", str(task.workers), "-a", _pairs(task), *quoted]


def _newman(task: Task) -> list[str | Path]:
    folder = task.folder / f"newman-{task.rows}"
    if not folder.exists():
        folder.mkdir()
        rows.write_collection(folder, task.server.origin, task.rows)
    program = NODE / "node_modules" / ".bin" / "newman"
    return [program, "run", folder / "collection.json", "-d", folder / "data.json", "--reporters", "cli", "--silent"]


def _undici(task: Task) -> list[str | Path]:
    return ["node", NODE / "undici.mjs", *task.arguments]


def _need(program: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(program) else f"there is no {program}"


PEERS: Final = (
    Peer(YARDSTICK, "nothing", _script("bare_aiohttp.py", python=Path(sys.executable))),
    Peer("bare aiohttp loop, uvloop", "nothing", _script("bare_aiohttp.py", "--uvloop"), python_peers),
    Peer(OURS, "everything", lambda task: rowpatch(task, "--blind", "--metadata", "replace")),
    Peer(READING, "everything, and the way back", rowpatch, reads=True),
    Peer("aiohttp, a task a row", "a status, in memory", _naive(), python_peers),
    Peer("aiohttp, a session a call", "a status, in memory", _naive("--session-a-call"), python_peers, slow=True),
    Peer("aiometer + httpx", "a status, in memory", _script("aiometer_httpx.py"), python_peers, slow=True),
    Peer("requests, 50 threads", "a status, in memory", _script("requests_threads.py"), python_peers),
    Peer("pycurl multi", "nothing", _script("pycurl_multi.py"), python_peers),
    Peer("Node undici", "nothing", _undici, node_peers),
    Peer("curl --parallel", "nothing", _curl, _need("curl")),
    Peer("xargs -P 50 curl", "nothing", _xargs, _need("xargs"), slow=True),
    Peer(
        "GNU parallel, curl", "nothing", _parallel, lambda: "" if _parallel_program() else "no such program", slow=True
    ),
    Peer("newman", "a status, in memory", _newman, node_peers, slow=True),
)


def chosen(names: Iterable[str]) -> list[Peer]:
    """Return the peers whose names contain one of the words, or all without words; the yardstick is always first."""
    words = list(names)
    return [peer for peer in PEERS if peer.name == YARDSTICK or not words or any(w in peer.name for w in words)]


def at(task: Task, count: int) -> Task:
    """Return a copy of the task with another number of rows."""
    return replace(task, rows=count)
