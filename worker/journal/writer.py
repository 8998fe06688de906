"""The journal of a run in progress.

Crash safety rests on two rules of order. An intent is durable before its request leaves; and a row's result is queued
before its worker's next intent, so that open intents never outnumber the workers. Workers queue operations; one
committer writes the whole queue in a single transaction (group commit), so that all waiting workers share one fsync.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from jobs.agreement.marks import encode_told
from jobs.agreement.model import Told
from jobs.changes.edits import Shape, encode, encode_shape
from jobs.model import Edit, RowResult, Status
from worker.journal.committer import Runner
from worker.journal.reader import History
from worker.journal.records import Image, PaceMark, Planned, image_columns, listed, pace_columns, planned_columns
from worker.journal.schema import HELD, PACE, SCHEMA, JournalError, break_seal, seal, transaction

_INTEND: Final = "INSERT INTO attempt (row, n, process, at) VALUES (?, ?, ?, ?)"
_WITHDRAW: Final = "DELETE FROM attempt WHERE row = ? AND n = ?"
_NOTE: Final = "UPDATE attempt SET outcome = ? WHERE row = ? AND n = ?"
_SETTLE: Final = "INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REDO: Final = "UPDATE result SET redo = 1 WHERE row = ?"
_OUTDATED: Final = "DELETE FROM image WHERE row = ? AND NOT landed"
_SHAPE: Final = "INSERT INTO shape VALUES (?, ?)"
_IMAGE: Final = "INSERT OR REPLACE INTO image (row, n, type, id, shape, content, unread) VALUES (?, ?, ?, ?, ?, ?, ?)"
_PARTIAL: Final = "UPDATE image SET landed = 1, shape = ?, content = ? WHERE row = ? AND NOT landed"
_STORED: Final = "UPDATE image SET shape = ?, content = ? WHERE row = ? AND NOT landed"
_PLAN: Final = "INSERT OR REPLACE INTO plan VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TARGET: Final = "INSERT OR REPLACE INTO target VALUES (?, ?)"
_HOLD: Final = "INSERT OR REPLACE INTO held VALUES (?, ?)"
_MARK: Final = "INSERT INTO pace VALUES (?, ?, ?, ?)"
_FACT: Final = "INSERT OR REPLACE INTO fact VALUES (?, ?)"
_BEGIN: Final = "INSERT INTO process (command, started_at, last_at, state) VALUES (?, ?, ?, 'running')"
_HEARTBEAT: Final = "UPDATE process SET last_at = ?, gets = ?, tokens = ?, refused = ? WHERE n = ?"
_END: Final = "UPDATE process SET state = ?, exit_status = ?, message = ? WHERE n = ?"

_QUEUED: Final = (
    _TARGET,
    _INTEND,
    _SHAPE,
    _OUTDATED,
    _IMAGE,
    _STORED,
    _PLAN,
    _WITHDRAW,
    _NOTE,
    _PARTIAL,
    _HOLD,
    _SETTLE,
    _MARK,
    _FACT,
)
"""Statements of the workers, in the order in which a commit executes them."""

SHAPES: Final = 256
"""Shapes of edits that the writer caches; a sheet has a few. A shape that was dropped gets a new number."""

ADOPTED: Final = 1000
"""Plans of another run that are copied at a time."""

NO_FACTS: Final[Mapping[str, str]] = {}

HEARTBEAT_S: Final = 0.5
"""Seconds between two heartbeats of a process whose counters have not changed."""


@dataclass(slots=True)
class Counters:
    """Requests of this process that are no attempts, and refusals for pace: written along with the next commit."""

    gets: int = 0
    tokens: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Batch:
    """Operations that become durable together: the rows of columns for each statement."""

    rows: defaultdict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0
    results: list[RowResult] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    is_over: bool = False
    error: JournalError | None = None

    def add(self, statement: str, columns: tuple[Any, ...]) -> None:
        self.rows[statement].append(columns)
        self.count += 1

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.is_over:
            future = loop.create_future()  # one each: who is cancelled cancels what he waits for
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
            self._last_shape = self.last_shape()
            break_seal(path)
            if self.facts["schema"] != SCHEMA:  # it may soon hold what the version that made it cannot read
                self.set_fact("schema", SCHEMA)
        except BaseException:
            super().close()
            raise
        self.counters = Counters()
        self._on_durable: Callable[[list[RowResult]], None] = _ignore
        self._on_planned: Callable[[list[Planned]], None] = _ignore
        self._process = 0
        self._shapes: dict[Shape, int] = {}
        self._told = (0, 0, 0)
        self._told_at = 0.0
        self._batch = _Batch()
        self._queued = asyncio.Event()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing: _Batch | None = None
        self._failed: JournalError | None = None
        self.unrecorded = 0

    @property
    def is_registered(self) -> bool:
        """True once this process has registered itself with `begin`: from then on the run directory is kept."""
        return self._process > 0

    def follow(
        self,
        durable: Callable[[list[RowResult]], None] | None = None,
        planned: Callable[[list[Planned]], None] | None = None,
    ) -> None:
        """Set the callbacks for operations that have become durable, in place of the earlier ones.

        Args:
            durable: called with results, once they are on disk.
            planned: called with the plans of rows, once they are on disk.
        """
        self._on_durable, self._on_planned = durable or _ignore, planned or _ignore

    def close(self) -> None:
        """Close the file, and seal it."""
        super().close()
        seal(self.path)

    def reader(self) -> History:
        """Open another connection that reads beside this one, without a second look for damage.

        Raises:
            JournalError: the file cannot be opened.
        """
        return History(self.path, checked=True)

    def begin(self, command: str, at: float, redo: Iterable[int] = (), facts: Mapping[str, str] = NO_FACTS) -> None:
        """Register this process, and have it run the settled rows `redo` again; until it has, their result stands.

        Args:
            command: what it does.
            at: seconds since the epoch.
            redo: numbers of the rows.
            facts: about the run, that it adds or replaces.
        """
        with transaction(self._db, self.path):
            self._db.executemany(_FACT, facts.items())
            self._db.executemany(_REDO, ((row,) for row in redo))
            cursor = self._db.execute(_BEGIN, (command, at, at))
        self._process = int(cursor.lastrowid or 0)
        self.facts.update(facts)

    def end(self, state: str, exit_status: int, message: str, at: float) -> None:
        """Record how this process ended."""
        with transaction(self._db, self.path):
            self._beat(at)
            self._db.execute(_END, (state, exit_status, message, self._process))

    def adopt(self, plans: Iterable[Planned]) -> None:
        """Copy a plan that was made elsewhere, before the workers begin."""
        with transaction(self._db, self.path):
            left = iter(plans)
            while some := list(islice(left, ADOPTED)):
                batch = _Batch()
                for each in some:
                    batch.add(_PLAN, planned_columns(each, self._encoded(each.edits, batch)))
                self._store(batch)

    def set_fact(self, name: str, value: str) -> None:
        """Change a fact of the run, such as its settings, while no worker is running."""
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
        batch.add(_INTEND, (row, attempt, self._process, at))
        if image is not None:
            if attempt > 1:
                batch.add(_OUTDATED, (row,))
            batch.add(_IMAGE, image_columns(image, attempt, self._encoded(image.edits, batch)))
        self._queued.set()
        await batch.wait(self._loop or asyncio.get_running_loop())

    def withdraw(self, row: int, attempt: int) -> None:
        """Queue the withdrawal of an intent: the run ended before the request left."""
        self._queue(_WITHDRAW, row, attempt)

    def note(self, row: int, attempt: int, outcome: str) -> None:
        """Queue the outcome of an attempt that did not settle its row: SAFE, or a reason code of doubt."""
        self._queue(_NOTE, outcome, row, attempt)

    def record_partial(self, row: int, edits: Iterable[Edit]) -> None:
        """Queue the edits that took effect although the attempt was refused; later attempts of the row keep them."""
        self._queue(_PARTIAL, *self._encoded(edits, self._batch), row)

    def keep_stored(self, row: int, edits: Iterable[Edit]) -> None:
        """Queue a row's image again, with the forms in which the API stores the values.

        Args:
            row: its number.
            edits: all of its image's, as `jobs.changes.edits.merged` lays those of the confirmation over it.
        """
        self._queue(_STORED, *self._encoded(edits, self._batch), row)

    def settle(self, result: RowResult) -> None:
        """Queue a row's result; the callback of `follow` gets it once it is on disk."""
        self._batch.results.append(result)
        self._queue(_SETTLE, *_columns(result))

    def hold(self, row: int, told: Iterable[Told]) -> None:
        """Queue what a night tells of a row's fields, in place of what it told before.

        To be called before `intend` and `settle`: of a row that was sent, a field that is neither among the edits nor
        told of counts as agreed on.
        """
        self._queue(_HOLD, row, encode_told(told))

    def plan(self, planned: Planned) -> None:
        """Queue the plan of a row."""
        self._queue(_PLAN, *planned_columns(planned, self._encoded(planned.edits, self._batch)))
        self._batch.planned.append(planned)

    def aim(self, row: int, resource_id: str) -> None:
        """Queue the id of the record that a row names by reference: on disk no later than the row's intent."""
        self._queue(_TARGET, row, resource_id)

    def mark(self, mark: PaceMark) -> None:
        """Queue what the pace did."""
        self._queue(_MARK, *pace_columns(mark))

    def learn(self, name: str, value: str) -> None:
        """Queue a fact about the run."""
        self.facts[name] = value
        self._queue(_FACT, name, value)

    def _queue(self, statement: str, *columns: Any) -> None:
        self._batch.add(statement, columns)
        self._queued.set()

    def _encoded(self, edits: Iterable[Edit], batch: _Batch) -> tuple[int, str]:
        """Return the number of the edits' shape and their values; queue a shape that is new."""
        shape, content = encode(edits)
        number = self._shapes.get(shape)
        if number is None:
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
            self._last_shape += 1
            number = self._shapes[shape] = self._last_shape
            batch.add(_SHAPE, (number, encode_shape(shape)))
        return number, content

    @property
    def backlog(self) -> int:
        """Operations that are queued and not yet being written."""
        return self._batch.count

    async def flush(self) -> None:
        """Wait until everything queued so far is durable.

        Raises:
            JournalError: it could not be written.
        """
        last = self._batch if self._batch.count else self._writing
        if last is not None:
            await last.wait(asyncio.get_running_loop())
        if self._failed is not None:
            raise self._failed

    async def commit_forever(
        self, run: Runner, wall: Callable[[], float], coalesce: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Commit the queue repeatedly until `stop_committing`; nothing else commits meanwhile.

        Args:
            run: runs a commit.
            wall: seconds since the epoch.
            coalesce: waits for operations that may join the next commit.
        """
        self._loop = asyncio.get_running_loop()
        while not self._closing or self._batch.count:
            await self._queued.wait()
            if coalesce is not None:
                await coalesce()
            self._queued.clear()
            batch, self._batch = self._batch, _Batch()
            if batch.count:
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
            self.unrecorded += len(batch.results) + len(batch.rows[_NOTE])
        batch.end(self._failed)
        if batch.results and self._failed is None:
            self._on_durable(batch.results)
        if batch.planned and self._failed is None:
            self._on_planned(batch.planned)

    def _write(self, batch: _Batch, at: float) -> None:
        with transaction(self._db, self.path):
            self._store(batch)
            counters = self.counters
            told = (counters.gets, counters.tokens, counters.refused)
            if told != self._told or not 0 <= at - self._told_at < HEARTBEAT_S:
                self._told, self._told_at = told, at
                self._beat(at)

    def _store(self, batch: _Batch) -> None:
        if batch.rows.get(_HOLD):
            self._db.execute(HELD)
        if batch.rows.get(_MARK):
            self._db.execute(PACE)
        for statement in _QUEUED:
            if rows := batch.rows.get(statement):
                self._db.executemany(statement, rows)

    def _beat(self, at: float) -> None:
        counters = self.counters
        self._db.execute(_HEARTBEAT, (at, counters.gets, counters.tokens, counters.refused, self._process))


def _ignore(_: object) -> None:
    """Do nothing."""


def _columns(result: RowResult) -> tuple[Any, ...]:
    """Return the columns of a result; a pending row, held back by an earlier one, is marked to run again."""
    errors = json.dumps([asdict(error) for error in result.errors]) if result.errors else ""
    return (
        result.ref.row, result.ref.digest, str(result.status), result.reason, _storable(result.message),
        listed(result.fields), result.http, result.attempts, result.request_id, result.at, errors,
        int(result.status is Status.PENDING),
    )  # fmt: skip


def _storable(text: str) -> str:
    """Replace half characters, which servers send and SQLite refuses."""
    return text.encode("utf-8", "replace").decode()
