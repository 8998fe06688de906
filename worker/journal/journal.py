"""The journal of a run that is going on.

Crash safety rests on two orders. An intent is durable before its request leaves; and a row's result is queued before
its worker's next intent, so that open intents never outnumber the workers. Writers queue operations; one committer
writes all that is queued in a single transaction (group commit), so that everybody who waits shares one fsync.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import starmap
from pathlib import Path
from typing import Any, Final

import anyio

from jobs.images import encode
from jobs.model import Edit, RowResult, Status
from worker.journal.file import JournalError, break_seal, seal, transaction
from worker.journal.history import History
from worker.journal.images import Image, Planned, image_columns, listed, planned_columns

_INTEND: Final = "INSERT INTO attempt (row, n, process, at) VALUES (?, ?, ?, ?)"
_WITHDRAW: Final = "DELETE FROM attempt WHERE row = ? AND n = ?"
_NOTE: Final = "UPDATE attempt SET outcome = ? WHERE row = ? AND n = ?"
_SETTLE: Final = "INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REDO: Final = "UPDATE result SET redo = 1 WHERE row = ?"
_OUTDATED: Final = "DELETE FROM image WHERE row = ? AND NOT landed"
_IMAGE: Final = "INSERT OR REPLACE INTO image (row, n, type, id, edits, unread) VALUES (?, ?, ?, ?, ?, ?)"
_LAND: Final = "UPDATE image SET landed = 1, edits = ? WHERE row = ? AND NOT landed"
_PLAN: Final = "INSERT OR REPLACE INTO plan VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TARGET: Final = "INSERT OR REPLACE INTO target VALUES (?, ?)"
_FACT: Final = "INSERT OR REPLACE INTO fact VALUES (?, ?)"
_BEGIN: Final = "INSERT INTO process (command, started_at, last_at, state) VALUES (?, ?, ?, 'running')"
_BEAT: Final = "UPDATE process SET last_at = ?, gets = ?, tokens = ?, refused = ? WHERE n = ?"
_END: Final = "UPDATE process SET state = ?, exit_status = ?, message = ? WHERE n = ?"

Runner = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs one blocking commit: on a writer thread in production, inline in simulation."""


async def inline(commit: Callable[[], None]) -> None:
    """Commit on the event loop itself: for simulation, where a thread would break virtual time."""
    commit()


class WriterThread:
    """The production runner: one thread that does nothing but commit."""

    def __init__(self) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not needed for --help or reports

        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rowpatch-journal")

    async def __call__(self, commit: Callable[[], None]) -> None:
        """Run one commit on the thread and wait for it."""
        await asyncio.get_running_loop().run_in_executor(self._executor, commit)

    def close(self) -> None:
        """End the thread, after its last commit."""
        self._executor.shutdown()


@dataclass(slots=True)
class Counters:
    """Requests of this process that are no attempts, and refusals for pace: written along with every commit."""

    gets: int = 0
    tokens: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Batch:
    """Operations that become durable together."""

    intents: list[tuple[int, int, int, float]] = field(default_factory=list)
    withdrawn: list[tuple[int, int]] = field(default_factory=list)
    notes: list[tuple[str, int, int]] = field(default_factory=list)
    images: list[tuple[Image, int]] = field(default_factory=list)
    landed: list[tuple[str, int]] = field(default_factory=list)
    results: list[RowResult] = field(default_factory=list)
    plans: list[Planned] = field(default_factory=list)
    targets: list[tuple[int, str]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    is_over: bool = False
    error: JournalError | None = None

    def __len__(self) -> int:
        queued = len(self.intents) + len(self.withdrawn) + len(self.notes) + len(self.landed)
        return queued + len(self.results) + len(self.plans) + len(self.targets) + len(self.facts)

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.is_over:
            future = loop.create_future()  # an event does the same, but asks which loop runs: a system call
            self.waiting.append(future)
            await future
        if self.error is not None:
            raise self.error

    def end(self, error: JournalError | None) -> None:
        self.error, self.is_over = error, True
        for future in self.waiting:
            if not future.done():  # who waited was cancelled
                future.set_result(None)


class Journal(History):
    """A journal opened by the one process that works on the run.

    Attributes:
        unrecorded: outcomes that could not be written, once a commit has failed.
    """

    def __init__(self, path: Path) -> None:
        """Open an existing journal for writing; the caller holds the run's lock.

        Raises:
            JournalDamaged: it is missing, damaged or of another version.
            JournalError: the file cannot be opened.
        """
        super().__init__(path, write=True)
        try:
            break_seal(path)
        except BaseException:
            super().close()
            raise
        self.counters = Counters()
        self.on_durable: Callable[[list[RowResult]], None] = lambda _: None
        self.on_planned: Callable[[int], None] = lambda _: None
        self._process = 0
        self._batch = _Batch()
        self._queued = anyio.Event()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing: _Batch | None = None
        self._failed: JournalError | None = None
        self.unrecorded = 0

    def close(self) -> None:
        """Close the file, and seal it."""
        super().close()
        seal(self.path)

    def begin(self, command: str, at: float, redo: Iterable[int] = ()) -> None:
        """Register this process, and have it run the settled rows `redo` again; until it has, their result stands."""
        with transaction(self._db, self.path):
            self._db.executemany(_REDO, ((row,) for row in redo))
            cursor = self._db.execute(_BEGIN, (command, at, at))
        self._process = int(cursor.lastrowid or 0)

    def end(self, state: str, exit_status: int, message: str, at: float) -> None:
        """Say how this process ended."""
        with transaction(self._db, self.path):
            self._beat(at)
            self._db.execute(_END, (state, exit_status, message, self._process))

    def adopt(self, plans: Iterable[Planned]) -> None:
        """Take a plan over that was made elsewhere, before the workers are at it."""
        with transaction(self._db, self.path):
            self._db.executemany(_PLAN, map(planned_columns, plans))

    def set_fact(self, name: str, value: str) -> None:
        """Change what is known of the run, such as its settings, before or after the workers are at it."""
        with transaction(self._db, self.path):
            self._db.execute(_FACT, (name, value))
        self.facts[name] = value

    async def intend(self, row: int, attempt: int, at: float, image: Image | None = None) -> None:
        """Record that a request is about to leave, and what it replaces; durable when this returns.

        Args:
            row: its number.
            attempt: 1 for the row's first.
            at: seconds since the epoch.
            image: what the row's attempts replace, this one and those in doubt before it; None when that is as the last
                one said.

        Raises:
            JournalError: it could not be written; the request must not be sent.
        """
        batch = self._batch
        batch.intents.append((row, attempt, self._process, at))
        if image is not None:
            batch.images.append((image, attempt))
        self._queued.set()
        await batch.wait(self._loop or asyncio.get_running_loop())

    def withdraw(self, row: int, attempt: int) -> None:
        """Queue that an intent came to nothing: the run ended before its request left, so there was no attempt."""
        self._batch.withdrawn.append((row, attempt))
        self._queued.set()

    def note(self, row: int, attempt: int, outcome: str) -> None:
        """Queue what became of an attempt that did not settle its row: SAFE, or a reason code of doubt."""
        self._batch.notes.append((outcome, row, attempt))
        self._queued.set()

    def land(self, row: int, edits: Iterable[Edit]) -> None:
        """Queue what a refused attempt has changed all the same; it stays, whatever later attempts of the row do."""
        self._batch.landed.append((encode(edits), row))
        self._queued.set()

    def settle(self, result: RowResult) -> None:
        """Queue a row's result; `on_durable` is told once it is on disk."""
        self._batch.results.append(result)
        self._queued.set()

    def plan(self, planned: Planned) -> None:
        """Queue what a row is planned to do."""
        self._batch.plans.append(planned)
        self._queued.set()

    def aim(self, row: int, resource_id: str) -> None:
        """Queue which record a row that names no id is about: durable no later than its intent, which comes later."""
        self._batch.targets.append((row, resource_id))
        self._queued.set()

    def learn(self, name: str, value: str) -> None:
        """Queue something found out about the run."""
        self.facts[name] = value
        self._batch.facts.append((name, value))
        self._queued.set()

    @property
    def backlog(self) -> int:
        """Operations that are queued and not yet being written."""
        return len(self._batch)

    async def flush(self) -> None:
        """Wait until everything queued so far is durable.

        Raises:
            JournalError: it could not be written.
        """
        last = self._batch if len(self._batch) else self._writing
        if last is not None:
            await last.wait(asyncio.get_running_loop())
        if self._failed is not None:
            raise self._failed

    async def commit_forever(self, run: Runner, wall: Callable[[], float]) -> None:
        """The one committer: write what is queued, over and over, until `stop_committing`."""
        self._loop = asyncio.get_running_loop()
        while not self._closing or len(self._batch):
            await self._queued.wait()
            batch, self._batch, self._queued = self._batch, _Batch(), anyio.Event()
            if len(batch):
                self._writing = batch
                await self._commit(batch, run, wall())

    def stop_committing(self) -> None:
        """Let the committer end once the queue is empty."""
        self._closing = True
        self._queued.set()

    async def _commit(self, batch: _Batch, run: Runner, at: float) -> None:
        if self._failed is None:
            try:
                await run(lambda: self._write(batch, at))
            except JournalError as error:
                self._failed = error
            except Exception as error:  # noqa: BLE001  # a bug here must end the run, not hang everybody who waits
                self._failed = JournalError(f"cannot write {self.path}: {type(error).__name__}")
        if self._failed is not None:
            self.unrecorded += len(batch.results) + len(batch.notes)
        batch.end(self._failed)
        if batch.results and self._failed is None:
            self.on_durable(batch.results)
        if batch.plans and self._failed is None:
            self.on_planned(len(batch.plans))

    def _write(self, batch: _Batch, at: float) -> None:
        queued: tuple[tuple[str, Sequence[tuple[Any, ...]]], ...] = (
            (_TARGET, batch.targets),
            (_INTEND, batch.intents),
            (_OUTDATED, [(image.row,) for image, attempt in batch.images if attempt > 1]),
            (_IMAGE, list(starmap(image_columns, batch.images))),
            (_PLAN, list(map(planned_columns, batch.plans))),
            (_WITHDRAW, batch.withdrawn),
            (_NOTE, batch.notes),
            (_LAND, batch.landed),
            (_SETTLE, list(map(_columns, batch.results))),
            (_FACT, batch.facts),
        )
        with transaction(self._db, self.path):
            for statement, rows in queued:
                if rows:
                    self._db.executemany(statement, rows)
            self._beat(at)

    def _beat(self, at: float) -> None:
        counters = self.counters
        self._db.execute(_BEAT, (at, counters.gets, counters.tokens, counters.refused, self._process))


def _columns(result: RowResult) -> tuple[Any, ...]:
    """A pending row is marked to be run again: an earlier row of its id held it back."""
    errors = json.dumps([asdict(error) for error in result.errors]) if result.errors else ""
    return (
        result.ref.row, result.ref.digest, result.status.value, result.reason, _storable(result.message),
        listed(result.fields), result.http, result.attempts, result.request_id, result.at, errors,
        result.status is Status.PENDING,
    )  # fmt: skip


def _storable(text: str) -> str:
    """Text that SQLite takes: what a server wrote may hold half characters."""
    return text.encode("utf-8", "replace").decode()
