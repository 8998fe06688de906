"""`make hunt NAME=path`: trace the path of a row through the program.

    python -m benchmarks.path [--rows N] [--middle GLOB ...] [--list]

Apply N and 2N rows to the embedded sandbox and count the calls of every function that is written in `worker/` or
`jobs/`. Calls a row are the calls that the second run has more, divided by N: start and end of a run cancel out.

A run is that of `tests.system.scenarios.harness`: check, read, send, report. It has default settings, no rate limit,
virtual time on one thread, and the same hashes every time, so that every trace gives the same numbers. Commits run on
the event loop; the thread that the program has for them is not traced. N is larger than the 200 rows that are read
ahead; in shorter runs the look-ahead never waits. Each run changes records of its own, so that no cache knows them.

- *Call*: the start of a function. A coroutine or a generator that goes on is no call: a row that merely passes through
  a generator leaves no trace there. A lambda or a comprehension is part of the function around it; it is a call of that
  function only if another file enters it. Generated methods (the `__init__` of a dataclass) are written in no file and
  do not count; nor does the sandbox, with all that it calls.
- *Parts*: a call once a page of 25 rows is 0.04 calls a row, and adds as much to the sums.
- *Files and rooms*: those with a function that at least every second row calls. Files that only pages, commits, timers
  and waits enter are listed apart.
- *Room*: what stands directly in `jobs/` or `worker/`: a folder (`worker/policy`) or a module (`worker/stop.py`).
- *Change of file*: a call whose nearest caller, libraries skipped, is another file of the two packages. A call from
  the event loop has no caller.
- *Middle*: the modules that hand a row to each other. A call round the middle is a change of file between two of them.
"""

import argparse
import asyncio
import dis
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from benchmarks.rows import HEADER, TYPE, cells
from jobs.model import Status
from tests.system.scenarios.harness import Case, play, sheet
from worker.sandbox import SandboxSettings, seeded_id
from worker.settings import Stopping

ROOT: Final = Path(__file__).parents[1]

MIDDLE: Final = (
    *(f"worker/engine/{name}.py" for name in ("intake", "outcomes", "planner", "prefetch", "reading", "senders")),
    "worker/lane/reads.py",
    "worker/policy/sequencer.py",
)
"""The modules that hand a row to each other."""

LEAST: Final = 0.5
"""Calls a row of a function from which on its file is on the path."""

WARM: Final = 50
"""Rows of the run that is not counted."""

LATENCY: Final = 0.05
"""Median seconds, of virtual time, between a request and its reply."""

_TURN: Final = asyncio.Handle._run.__code__  # noqa: SLF001  # where the event loop calls
_PARTS: Final = frozenset({"<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


class Function(NamedTuple):
    """A function by its file, relative to the project, and its qualified name."""

    file: str
    name: str


class Call(NamedTuple):
    """A call by the file it comes from, empty when the event loop or a library makes it, and the function."""

    caller: str
    function: Function


@dataclass(frozen=True, slots=True)
class _Place:
    """Where some code stands.

    Attributes:
        code: kept, so that no other code gets its identity.
        function: None for code outside the traced folders.
        start: offset of the instruction at which a call of it begins.
        is_part: the code of a lambda or a comprehension.
        is_excluded: the code of an excluded folder.
    """

    code: CodeType
    function: Function | None = None
    start: int = -1
    is_part: bool = False
    is_excluded: bool = False


class Tracer:
    """Count the calls of functions that are written in some folders of a project.

    Args:
        root: the project.
        folders: the folders, relative to it.
        excluded: those of their subfolders that do not count, nor do the calls they lead to.
    """

    def __init__(self, root: Path, folders: Sequence[str], excluded: Sequence[str] = ()) -> None:
        self.calls: Counter[Call] = Counter()
        self._root = f"{root}/"
        self._folders = tuple(f"{folder}/" for folder in folders)
        self._excluded = tuple(f"{folder}/" for folder in excluded)
        self._places: dict[int, _Place] = {}

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Count, in this thread and in those that begin meanwhile."""
        before, before_in_threads = sys.getprofile(), threading.getprofile()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(before_in_threads)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        """Count one event of the interpreter if it is a call that counts."""
        if event != "call":
            return
        place = self._place(frame.f_code)
        function = place.function
        if function is None or frame.f_lasti != place.start:
            return
        caller = self._caller(frame)
        if caller is not None and not (place.is_part and caller in {"", function.file}):
            self.calls[Call(caller, function)] += 1

    def _caller(self, frame: FrameType) -> str | None:
        """Return the file of the nearest function that waits for this one, empty for none; None if excluded."""
        file, above = "", frame.f_back
        while above is not None and above.f_code is not _TURN:
            place = self._place(above.f_code)
            if place.is_excluded:
                return None
            file = file or (place.function.file if place.function is not None else "")
            above = above.f_back
        return file

    def _place(self, code: CodeType) -> _Place:
        """Return where some code stands. Code objects of two files may be equal, so their identity is the key."""
        if id(code) not in self._places:
            self._places[id(code)] = self._placed(code)
        return self._places[id(code)]

    def _placed(self, code: CodeType) -> _Place:
        file = code.co_filename.removeprefix(self._root)
        if file.startswith(self._excluded):
            return _Place(code, is_excluded=True)
        if not file.startswith(self._folders) or code.co_name == "<module>":
            return _Place(code)
        is_part = code.co_name in _PARTS
        name = code.co_qualname.partition(".<locals>.<")[0] if is_part else code.co_qualname
        return _Place(code, Function(file, name), _start(code), is_part)


def _start(code: CodeType) -> int:
    """Return the offset at which the interpreter reports a new call: its first RESUME; it goes on at later ones."""
    return next(instruction.offset for instruction in dis.get_instructions(code) if instruction.opname == "RESUME")


def room(file: str) -> str:
    """Return the room that a file belongs to: what stands directly in `jobs/` or `worker/`, a folder or a module."""
    return "/".join(file.split("/")[:2])


@dataclass(frozen=True, slots=True)
class Trace:
    """The calls of a row, in the order in which they first came. `middle`: globs of files."""

    calls: Mapping[Call, float]
    middle: Sequence[str] = MIDDLE

    @property
    def functions(self) -> dict[Function, float]:
        """Return the calls a row of every function."""
        found: dict[Function, float] = {}
        for call, times in self.calls.items():
            found[call.function] = found.get(call.function, 0.0) + times
        return found

    @property
    def files(self) -> list[str]:
        """Return the files that every row enters, or every second one at least."""
        return list(dict.fromkeys(function.file for function, times in self.functions.items() if times >= LEAST))

    @property
    def rooms(self) -> list[str]:
        """Return the rooms of these files."""
        return list(dict.fromkeys(map(room, self.files)))

    @property
    def changes(self) -> dict[Call, float]:
        """Return the calls from one file into another."""
        return {call: times for call, times in self.calls.items() if call.caller not in {"", call.function.file}}

    @property
    def round_the_middle(self) -> dict[Call, float]:
        """Return the changes of file within the middle."""
        return {
            call: times
            for call, times in self.changes.items()
            if self._is_middle(call.caller) and self._is_middle(call.function.file)
        }

    def _is_middle(self, file: str) -> bool:
        return any(fnmatchcase(file, pattern) for pattern in self.middle)


def traced(rows: int, middle: Sequence[str] = MIDDLE) -> Trace:
    """Trace a run of `rows` rows and one of twice as many, after a short one that fills the caches."""
    records = max(WARM, 3 * rows)
    _counted(0, WARM, records)
    once, twice = _counted(0, rows, records), _counted(rows, 2 * rows, records)
    growth = {call: (twice[call] - once[call]) / rows for call in twice | once}
    return Trace({call: times for call, times in growth.items() if times}, middle)


def _counted(first: int, count: int, records: int) -> Counter[Call]:
    """Count the calls of a run that changes `count` of the sandbox's records, from number `first` on."""
    tracer = Tracer(ROOT, ("worker", "jobs"), ("worker/sandbox",))
    world = SandboxSettings(seed=(f"{TYPE}={records}",), latency=LATENCY)
    rows = (dict(zip(HEADER, (seeded_id(TYPE, n), *cells(n)[1:]), strict=True)) for n in range(first, first + count))
    case = Case(sheet(rows), TYPE, stopping=Stopping(), blind=False, metadata="merge")
    with tempfile.TemporaryDirectory() as folder, tracer.tracing():
        story = play(case, Path(folder), world)
    if story.counts != {Status.APPLIED: count}:
        sys.exit(f"Not every row was applied: {story.counts}, {story.ended}.")
    return tracer.calls


def render(trace: Trace) -> str:
    """Return the figures as text."""
    return (
        f"{len(trace.files)} files\n"
        f"{len(trace.rooms)} rooms\n"
        f"{sum(trace.calls.values()):.1f} calls a row\n"
        f"{sum(trace.changes.values()):.1f} changes of file a row\n"
        f"{sum(trace.round_the_middle.values()):.1f} calls round the middle a row\n"
    )


def listed(trace: Trace) -> str:
    """Return every file with its functions, and the calls round the middle, as text."""
    functions, path = trace.functions, trace.files
    apart = dict.fromkeys(function.file for function in functions if function.file not in path)
    lines = ["Calls a row, by file, in the order of the first call\n"]
    for file in path:
        lines += _of(file, functions)
    lines.append("\nOnly once a page, a commit, a timer or a wait\n")
    for file in apart:
        lines += _of(file, functions)
    lines.append("\nRound the middle\n")
    for call, times in trace.round_the_middle.items():
        lines.append(f"{times:9.2f}  {call.caller} -> {call.function.file}: {call.function.name}\n")
    return "".join(lines)


def _of(file: str, functions: Mapping[Function, float]) -> list[str]:
    lines = [f"{times:9.2f}  {function.name}\n" for function, times in functions.items() if function.file == file]
    return [f"\n{file}\n", *lines]


def main() -> None:
    """Trace a row's path and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=250, help="N; fewer than 225 do not fill the look-ahead")
    parser.add_argument("--middle", nargs="+", default=MIDDLE, metavar="GLOB", help="the modules of the middle")
    parser.add_argument("--list", action="store_true", help="show the functions")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the check looks for duplicates by hash: collisions cost calls
        command = [sys.executable, "-m", "benchmarks.path", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    trace = traced(options.rows, options.middle)
    if options.list:
        print(listed(trace))
    print(render(trace), end="")


if __name__ == "__main__":
    main()
