"""The bounded pool: workers that pull rows from one queue, which is refilled a page at a time.

There is no task per row, and the input is never read further ahead than a page beyond what the workers hold. Rows of
one id are sent in file order, one at a time; a row left `unknown` holds back the later rows of its id for good.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.lowlevel

from jobs.catalogue import resource_type
from jobs.change import as_written
from jobs.commercelayer import PAGE_SIZE
from jobs.model import RowRef, RowResult, Status, Unsendable, UpdateJob
from jobs.reasons import REASONS
from worker.attempt import AttemptLoop, Effort, Rerouted
from worker.clock import Clock
from worker.journal import Journal, JournalError, Traces
from worker.lifecycle import Event, Recovery, Trace, recover, step
from worker.lookup import Lookup
from worker.policy.guards import Guards
from worker.stop import Stop

BACKLOG: Final = 2000
"""Results that may wait for the journal before the reading of further rows does."""

HELD: Final = 2000
"""Rows that may wait for an earlier row of their id before the reading of further rows does."""

SCANNED: Final = 500
"""Rows looked at in one go at most, so that signals and replies get their turn in a sheet full of unsendable rows."""

ROUTE: Final = "route."
"""Prefix of the journal's facts about abstract types: `direct` or `concrete`."""


@dataclass(slots=True)
class Pool:
    """Takes every row of `rows` to its end, or as far as the run lets it.

    Attributes:
        rows: what is to be run, in file order.
        traces: what earlier processes left, None for a new run.
        resend_unknown: send rows again that may have been applied and are not safe to repeat.
    """

    rows: Iterator[UpdateJob | Unsendable]
    traces: Traces | None
    attempts: AttemptLoop
    lookup: Lookup
    journal: Journal
    guards: Guards
    clock: Clock
    stop: Stop
    resend_unknown: bool = False
    _ready: deque[Effort] = field(default_factory=deque)
    _unrouted: deque[tuple[Effort, int]] = field(default_factory=deque)
    _busy: dict[str, deque[Effort] | None] = field(default_factory=dict)
    _blocked: set[str] = field(default_factory=set)
    _held: int = 0
    _exhausted: bool = False
    _turn: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, workers: int) -> None:
        """Run with that many workers until nothing is left to do or the run ends."""
        self.stop.on_request(self._wake)
        async with anyio.create_task_group() as group:
            for _ in range(workers):
                group.start_soon(self._work)

    async def _work(self) -> None:
        while (effort := await self._next()) is not None:
            ending = await self.attempts.run(effort)
            if isinstance(ending, RowResult):
                self._settled(effort, ending)
            elif isinstance(ending, Rerouted):
                self._unrouted.append((effort, ending.status))
                self._wake()

    async def _next(self) -> Effort | None:
        """The next row to send; None when there will be none."""
        while not self.stop.reason:
            if not self._ready or self._is_due():
                async with self._turn:
                    more = (self._ready and not self._is_due()) or await self._refill()
                if not more and not await self._wait():
                    return None
            else:
                return self._ready.popleft()
        return None

    def _is_due(self) -> bool:
        """Whether types must be looked up now: a page of rows waits for it, or a first refusal is to be checked."""
        full = len(self._unrouted) >= PAGE_SIZE
        return full or any(self._route_of(effort.job.type) != "concrete" for effort, _ in self._unrouted)

    async def _wait(self) -> bool:
        """Wait until a row in flight brings news; False when none is in flight."""
        if self.stop.reason or not self._busy:
            self._wake()
            return False
        if self._changed.is_set():
            self._changed = anyio.Event()
        await self._changed.wait()
        return True

    async def _refill(self) -> bool:
        """Get more rows ready; False when only the rows in flight can bring any."""
        if self.journal.backlog >= BACKLOG and not await self._flush():
            return False
        more = False
        if len(self._ready) + len(self._unrouted) < PAGE_SIZE:
            more = self._page()
        if self._unrouted and (not self._ready or self._is_due()):
            await self._route()
            return True
        if more and not self._ready:
            await anyio.lowlevel.checkpoint()
        return more or bool(self._ready)

    def _page(self) -> bool:
        """Read on until a page of rows is ready; False when the input is exhausted or too many rows are held."""
        if self._exhausted or self._held >= HELD:
            return False
        for _ in range(SCANNED):
            row = next(self.rows, None)
            if row is None:
                self._exhausted = True
                break
            self._take(row)
            if len(self._ready) + len(self._unrouted) >= PAGE_SIZE:
                break
        return True

    def _take(self, row: UpdateJob | Unsendable) -> None:
        """Put a row where it belongs: settled, held back, to be routed, or ready."""
        trace = self.traces.of(row.ref.row) if self.traces is not None else Trace()
        if isinstance(row, Unsendable):
            self._take_unsendable(row, trace)
            return
        if self.traces is not None and self.traces.unknown(row.ref.row):
            self._blocked.add(row.id)
            return
        recovery = recover(trace, replay_safe=row.replay_safe or self.resend_unknown)
        if recovery is Recovery.SKIP or (row.id in self._blocked and trace.settled):
            return
        doubt = self._doubt(row.ref.row) if trace.doubtful else ""
        if row.id in self._blocked or recovery is Recovery.GIVE_UP:
            self._blocked.update([row.id] if doubt else ())
            self._record(row.ref, doubt or "after_unknown")
        else:
            self._queue(row, doubt)

    def _take_unsendable(self, row: Unsendable, trace: Trace) -> None:
        """Settle a row that cannot be sent, unless an earlier process already knows more about it."""
        if trace.doubtful:
            self._record(row.ref, self._doubt(row.ref.row))
        elif not trace.settled:
            self._record(row.ref, row.reason, row.message, (row.column,) if row.column else ())

    def _doubt(self, row: int) -> str:
        return self.traces.reasons.get(row, "interrupted") if self.traces is not None else "interrupted"

    def _queue(self, job: UpdateJob, doubt: str) -> None:
        kind = resource_type(job.type)
        abstract = bool(kind and kind.abstract_over) and self._route_of(job.type) != "direct"
        effort = Effort(job, as_written(job), job.type, abstract, self._earlier(job.ref.row), doubt=doubt)
        if job.id in self._busy:
            waiting = self._busy[job.id]
            if waiting is None:
                waiting = self._busy[job.id] = deque()
            waiting.append(effort)
            self._held += 1
        else:
            self._busy[job.id] = None
            self._line_up(effort)

    def _line_up(self, effort: Effort) -> None:
        """The row is next of its id: ready, or first to be routed by its concrete type."""
        if effort.abstract and self._route_of(effort.job.type) == "concrete":
            self._unrouted.append((effort, 0))
        else:
            self._ready.append(effort)

    def _earlier(self, row: int) -> int:
        return self.traces.earlier.get(row, 0) if self.traces is not None else 0

    def _settled(self, effort: Effort, result: RowResult) -> None:
        """Take note of a row that was sent, and let the next of its id follow."""
        if effort.abstract and result.status is Status.APPLIED and self._route_of(effort.job.type) != "direct":
            self.journal.learn(ROUTE + effort.job.type, "direct")
        halt = self.guards.settled(result.status, result.reason)
        if halt is not None:
            self.stop.request(halt.reason, halt.message)
        self._release(effort.job.id, unknown=result.status is Status.UNKNOWN)

    def _release(self, resource_id: str, *, unknown: bool) -> None:
        waiting = self._busy.pop(resource_id)
        if waiting:
            self._held -= 1
            if unknown:
                self._held -= len(waiting) - 1
                for held in waiting:
                    self._hold_back(held)
            else:
                self._line_up(waiting.popleft())
                self._busy[resource_id] = waiting or None
        if unknown:
            self._blocked.add(resource_id)
        self._wake()

    def _hold_back(self, effort: Effort) -> None:
        """An earlier row of its id turned out unknown; a result, or a doubt, from before stands."""
        ref = effort.job.ref
        if self.traces is None or not self.traces.of(ref.row).settled:
            self._record(ref, effort.doubt or "after_unknown")

    async def _route(self) -> None:
        """Find out the concrete types of up to a page of rows whose own type is abstract."""
        abstract = self._unrouted[0][0].job.type
        page = [entry for entry in self._unrouted if entry[0].job.type == abstract][:PAGE_SIZE]
        for entry in page:
            self._unrouted.remove(entry)
        types = await self.lookup.concrete_types(abstract, [effort.job.id for effort, _ in page])
        for effort, refusal in page:
            self._routed(effort, refusal, types)

    def _routed(self, effort: Effort, refusal: int, types: dict[str, str] | None) -> None:
        job = effort.job
        kind = resource_type(job.type)
        if types is None and self.stop.reason:
            return
        concrete = (types or {}).get(job.id)
        if types is None or (concrete is not None and (kind is None or concrete not in kind.abstract_over)):
            self._refuse(effort, effort.doubt or "lookup_failed", "")
        elif concrete is None:
            self._refuse(effort, "not_found", f"no {job.type} with this id")
        else:
            if refusal and self._route_of(job.type) != "concrete":
                self._learn_concrete(job.type)
            effort.type_name, effort.abstract = concrete, False
            self._ready.append(effort)

    def _learn_concrete(self, type_name: str) -> None:
        """The type refuses what exists: from now on its rows are sent by their concrete types only."""
        self.journal.learn(ROUTE + type_name, "concrete")
        queued, self._ready = self._ready, deque()
        for effort in queued:
            self._line_up(effort)

    def _refuse(self, effort: Effort, reason: str, message: str) -> None:
        """Settle a row that is not sent, or not sent again, because of what the lookup found."""
        effort.state = step(effort.state, Event.SETTLE)
        result = self._record(effort.job.ref, reason, message, attempts=effort.attempts)
        self._settled(effort, result)

    def _route_of(self, type_name: str) -> str:
        return self.journal.facts.get(ROUTE + type_name, "")

    def _record(
        self, ref: RowRef, reason: str, message: str = "", fields: tuple[str, ...] = (), attempts: int | None = None
    ) -> RowResult:
        """Settle a row without sending anything; `attempts` is what earlier ones cost, by the journal if not given."""
        status = REASONS[reason].status
        cost = self._earlier(ref.row) if attempts is None else attempts
        result = RowResult(ref, status, reason, message, fields, attempts=cost, at=self.clock.wall())
        self.journal.settle(result)
        return result

    async def _flush(self) -> bool:
        try:
            await self.journal.flush()
        except JournalError as error:
            self.stop.request("journal_failed", str(error))
        return not self.stop.reason

    def _wake(self) -> None:
        self._changed.set()
