"""Runs for the tests of the memory: journals as an engine writes them, and the memory as plain values."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio

from jobs.agreement.model import FieldRules, Told
from jobs.model import ApiError, Edit, RowRef, RowResult, Status, Unsendable, UpdateJob
from jobs.model import Path as Field
from tests.schemas import TERMS
from worker.journal import SAFE, History, Image, Journal, create, inline
from worker.reconcile import Folded, Memory, Named, Run, Target, fold

TYPE: Final = "customers"
SHOP: Final = Target("commercelayer", "https://acme.example.com", "o1", "live")
DAY: Final = 86_400.0
NIGHT: Final = 1_800_000_000.0
"""When the first night begins: seconds since the epoch."""

_SHARED = Path("/dev/shm")
QUICK: Final = _SHARED if _SHARED.is_dir() else None
"""Where files do not wait for a disk: what is on disk after a power cut is not what these tests are about."""

PLAIN: Final = FieldRules()


def attribute(name: str) -> Field:
    return ("attributes", name)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a run, and what became of it.

    Attributes:
        attributes: what it asks for.
        edits: what it replaced; None if nothing was sent.
        is_open: the process was killed before the reply.
        is_refused: the attempt had no effect, and no result was written.
        partly: edits that took effect although the row was refused.
    """

    id: str = "x"
    attributes: tuple[tuple[str, Any], ...] = (("a", "S"),)
    status: Status | None = Status.UNCHANGED
    reason: str = "as_wanted"
    edits: tuple[Edit, ...] | None = None
    unread: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    is_open: bool = False
    is_refused: bool = False
    partly: tuple[Edit, ...] = ()
    reference: str = ""
    fields: tuple[str, ...] = ()
    errors: tuple[ApiError, ...] = ()
    is_unsendable: bool = False

    def job(self, number: int) -> UpdateJob | Unsendable:
        ref = RowRef(number, number + 1, digest(number, self))
        if self.is_unsendable:
            return Unsendable(ref, self.reason)
        named = "" if self.reference else self.id
        return UpdateJob(ref, TYPE, named, attributes=dict(self.attributes), reference=self.reference)


def digest(number: int, row: Row) -> bytes:
    return (f"{number}{row.id}{row.attributes}".encode() + bytes(8))[:8]


def applied(before: Any = "R", sheet: Any = "S", id_: str = "x", name: str = "a", **more: Any) -> Row:
    edits = (Edit(attribute(name), before, sheet),)
    return Row(id_, ((name, sheet),), Status.APPLIED, "", edits, **more)


def in_doubt(before: Any = "R", sheet: Any = "S", id_: str = "x", name: str = "a") -> Row:
    return Row(id_, ((name, sheet),), Status.UNKNOWN, "timed_out", (Edit(attribute(name), before, sheet),))


def held(kind: Any = "drifted", live: Any = "L", sheet: Any = "S", id_: str = "x", name: str = "a") -> Row:
    told = (Told(attribute(name), kind, sheet, live),)
    return Row(id_, ((name, sheet),), Status.SKIPPED, "drifted", told=told)


def rejected(id_: str = "x", code: str = "VALIDATION", **more: Any) -> Row:
    return Row(id_, **{"status": Status.REJECTED, "reason": "validation", "errors": (ApiError(code=code),), **more})


def write(path: Path, rows: Sequence[Row], at: float, upto: int | None = None) -> Path:
    """Write a journal as the run of these rows leaves it; `upto` stands for a kill before that row."""
    if not path.exists():
        create(path, {})

    async def work(journal: Journal) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(journal.commit_forever, inline, lambda: at)
            for number, row in enumerate(rows[:upto], 1):
                await _write(journal, number, row, at + number)
            journal.stop_committing()

    with closing(Journal(path)) as journal:
        journal.begin("reconcile", at)
        anyio.run(work, journal)
    return path


async def _write(journal: Journal, number: int, row: Row, at: float) -> None:
    attempts = 0
    if row.reference:
        journal.aim(number, row.id)
    if row.told:
        journal.hold(number, row.told)
    if row.edits is not None:
        attempts = 1
        await journal.intend(number, 1, at, Image(number, TYPE, row.id, row.edits, row.unread))
    if row.is_open:
        return
    if row.is_refused:
        journal.note(number, attempts, SAFE)
        return
    if row.partly:
        journal.record_partial(number, row.partly)
    if row.status is not None:
        ref = RowRef(number, 0, digest(number, row))
        result = RowResult(ref, row.status, row.reason, fields=row.fields, attempts=attempts, at=at, errors=row.errors)
        journal.settle(result)


def folded(
    memory: Memory,
    path: Path,
    serial: int,
    rows: Sequence[Row],
    rules: FieldRules = PLAIN,
    named: Iterable[Named | None] | None = None,
    *,
    is_undo: bool = False,
) -> Folded | None:
    jobs = [row.job(number) for number, row in enumerate(rows, 1)]
    with closing(History(path)) as history:
        return fold(memory, history, Run(serial, jobs, TERMS, rules, 1, is_undo, named))


def content(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is remembered, whatever its numbers in the file."""
    records = list(memory.select("SELECT target, type, id, key, at, read, gone FROM record ORDER BY 1, 2, 3"))
    return {
        "records": [(*record, dict(fields)) for record in records
                    if (fields := memory.remembered(record[1], record[2], record[0]))],
        "exceptions": [(each.id, each.path, each.kind, each.sheet, each.live, each.since, each.last, each.nights)
                       for each in memory.exceptions()],
        "troubles": list(memory.select("SELECT * FROM trouble ORDER BY 1, 2, 3")),
        "nights": list(memory.select("SELECT serial, run, state FROM night ORDER BY 1")),
    }  # fmt: skip
