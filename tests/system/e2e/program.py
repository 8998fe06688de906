"""The real program on loopback, with an environment of its own: `rowpatch` and its sandbox in processes of their own.

Where a test only wants to know how a command ends, it runs in the process of the test, through the entry point of the
installed program: starting Python and importing everything costs ten times what most commands do.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import structlog

from worker.cli import main

ROWPATCH: Final = Path(sys.executable).with_name("rowpatch")
"""The installed program, as a user starts it."""

PATIENCE: Final = 60.0
"""Seconds that anything may take before it counts as hanging."""

NOTHING: Final[Mapping[str, str]] = {}

Process = subprocess.Popen[str]


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that ended. `status` is negative when a signal ended it."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Server:
    """A sandbox in a process of its own, and what it says of itself."""

    url: str
    token: str
    client_id: str
    client_secret: str

    def ledger(self, after: int = 0) -> list[dict[str, Any]]:
        """Every request beyond the first `after`, in the order of arrival; `at` is on the clock of `time.monotonic`."""
        return self._get(f"ledger?after={after}")["entries"]  # type: ignore[no-any-return]  # JSON

    def writes(self, after: int = 0) -> list[dict[str, Any]]:
        """The PATCHes among them."""
        return [entry for entry in self.ledger(after) if entry["method"] == "PATCH"]

    def mark(self) -> int:
        """Requests so far, to be handed to `ledger` and `writes` as `after`."""
        return len(self.ledger())

    def attributes(self, type_name: str = "stripe_payments") -> dict[str, dict[str, Any]]:
        """Attributes of the records as they are now, by id."""
        found = self._get(f"resources?type={type_name}")["resources"]
        return {each["id"]: each["attributes"] for each in found}

    def _get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_sandbox/{what}", timeout=PATIENCE) as reply:
            return json.load(reply)


@contextmanager
def sandbox(*flags: str) -> Iterator[Server]:
    """Run `rowpatch sandbox` on a free port of loopback until the block ends."""
    process = subprocess.Popen([ROWPATCH, "sandbox", *flags], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(**json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a sheet and a run, and the environment in which `rowpatch` works on them.

    Attributes:
        folder: a fresh one; the user's state directory lies in it too.
    """

    folder: Path
    server: Server

    @property
    def sheet(self) -> Path:
        """The sheet to apply."""
        return self.folder / "sheet.csv"

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.folder / "run"

    @property
    def environment(self) -> dict[str, str]:
        """All that `rowpatch` sees of the world."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "ROWPATCH_URL": self.server.url,
            "ROWPATCH_TOKEN": self.server.token,
            "PYTHONDONTWRITEBYTECODE": "1",  # on a full disk, half-written bytecode would outlive the test
        }

    def write(self, rows: Iterable[Sequence[str]], header: Sequence[str] = ("id", "reference")) -> None:
        """Write the sheet anew."""
        with self.sheet.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])

    def start(self, *arguments: str | Path, umask: int = -1, also: Mapping[str, str] = NOTHING) -> Process:
        """Start `rowpatch`; a `umask` of -1 is the one of the tests, `also` adds to its environment."""
        return subprocess.Popen(
            [ROWPATCH, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**self.environment, **also},
            umask=umask,
        )

    def rowpatch(self, *arguments: str | Path, also: Mapping[str, str] = NOTHING) -> Ran:
        """Run `rowpatch` to its end, in this process; `also` adds to its environment."""
        with TemporaryFile() as nothing, TemporaryFile() as out, TemporaryFile() as err:
            with _surroundings(self.folder, {**self.environment, **also}, (nothing, out, err)):
                try:
                    main([str(argument) for argument in arguments])
                except SystemExit as error:
                    status = error.code
            assert isinstance(status, int)
            return Ran(status, _text(out), _text(err))

    def apply_arguments(self, *flags: str) -> list[str | Path]:
        """`apply` of the sheet into the run directory, as fast as the server answers."""
        common = ("--type", "stripe_payments", "--run-dir", self.run, "--rate", "none", "--no-progress")
        return ["apply", self.sheet, *common, *flags]

    def apply(self, *flags: str) -> Ran:
        """Apply the sheet."""
        return self.rowpatch(*self.apply_arguments(*flags))

    def resume(self, *flags: str) -> Ran:
        """Go on with the run."""
        return self.rowpatch("resume", self.run, "--no-progress", *flags)

    def results(self) -> list[dict[str, str]]:
        """`results.csv` of the run."""
        with (self.run / "results.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def statuses(self) -> list[str]:
        """The status of every row, in order."""
        return [row["__status"] for row in self.results()]

    def summary(self) -> dict[str, Any]:
        """`summary.json` of the run."""
        found: dict[str, Any] = json.loads((self.run / "summary.json").read_text(encoding="utf-8"))
        return found


@contextmanager
def _surroundings(folder: Path, environment: Mapping[str, str], files: Sequence[IO[bytes]]) -> Iterator[None]:
    """What a process has of its own. The files are its standard input, output and error."""
    kept = (dict(os.environ), Path.cwd(), os.umask(0o022), sys.stdin, sys.stdout, sys.stderr)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with ExitStack() as stack:
        for number, file in enumerate(files):
            stack.callback(_put_back, os.dup(number), number)
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, "rww"[number], closefd=False) for number in range(3))
        try:
            _surround(environment, folder)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            before, place, umask, sys.stdin, sys.stdout, sys.stderr = kept
            _surround(before, place)
            os.umask(umask)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            structlog.reset_defaults()


def _surround(environment: Mapping[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


def _put_back(copy: int, number: int) -> None:
    os.dup2(copy, number)
    os.close(copy)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def ended(process: Process) -> Ran:
    """Wait for the end of a process; one that hangs is killed, and the wait fails.

    Raises:
        subprocess.TimeoutExpired: it hung.
    """
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ran(process.returncode, out, err)


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that another process does.

    Raises:
        TimeoutError: it did not happen.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE:.0f} s in vain for {what}")
        time.sleep(0.005)


def reference(entry: Mapping[str, Any]) -> str:
    """What a PATCH of the ledger set `reference` to."""
    return str(entry["body"]["data"]["attributes"]["reference"])
