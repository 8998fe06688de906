"""The bounded pool: workers that send what the look-ahead has decided, and settle what comes of it.

There is no task per row, and the input is never read further ahead than the pool needs. The first updates of a type
go alone and are read back in full.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import anyio

from jobs.apis.commercelayer import PAGE_SIZE
from jobs.apis.schema import resource_type
from jobs.changes.diff import AS_A_SHEET, Terms, after
from jobs.model import Live, Outcome, RowResult, Status, Unsendable, UpdateJob
from worker.clock import Clock, Moment
from worker.engine.attempt import AttemptLoop
from worker.engine.effort import FRESH, Effort, Ending, InDoubt, Judged, Rerouted
from worker.engine.intake import Intake
from worker.engine.prefetch import LookAhead
from worker.engine.settling import Settling
from worker.journal import Journal
from worker.lane.reads import Lookup
from worker.policy.canary import Canary, strayed, unstuck
from worker.policy.guards import Guards
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

_PARTLY: Final = frozenset({"tags_discarded", "unverified"})
"""Reasons of rows of which a part was applied, or was applied in a form that nobody has seen."""

_SETTLERS: Final = 2
"""Pages of rows in doubt that may be read at once."""

CANARY: Final = "canary."
"""Prefix of the journal's facts about types whose first updates went well."""


@dataclass(slots=True)
class Pool:
    """Takes every row to its end, or as far as the run lets it.

    Attributes:
        terms: how rows are compared with their records.
        canaries: updates of each type that are sent alone first.
        readers: pages that may be read at once.
    """

    intake: Intake
    attempts: AttemptLoop
    lookup: Lookup
    journal: Journal
    guards: Guards
    clock: Clock
    stop: Stop
    terms: Terms = AS_A_SHEET
    canaries: int = 0
    readers: int = 1
    _ahead: LookAhead = field(init=False)
    _settling: Settling = field(init=False)
    _ready: deque[Effort] = field(default_factory=deque)
    _caged: dict[str, deque[Effort]] = field(default_factory=dict)
    _canaries: dict[str, Canary] = field(default_factory=dict)
    _admitting: int = 0
    _freshening: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))
    _news: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        """Wire the look-ahead to this pool."""
        self._ahead = LookAhead(self.intake, self.lookup, self.journal, self.stop, self, self.terms)
        self._settling = Settling(self.lookup, self.clock, self.stop, self._proven, self._is_down)

    async def run(self, workers: int) -> None:
        """Run with that many workers until nothing is left to do or the run ends."""
        self.stop.on_request(self._wake)
        async with anyio.create_task_group() as group:
            for _ in range(_SETTLERS):
                group.start_soon(self._settling.run)
            for _ in range(self.readers):
                group.start_soon(self._ahead.run)
            async with anyio.create_task_group() as working:
                for _ in range(workers):
                    working.start_soon(self._work)
            self._settling.end()

    def queued(self) -> int:
        """Rows that are read and wait to be sent."""
        return len(self._ready) + (sum(map(len, self._caged.values())) if self._caged else 0)

    def rate(self) -> float:
        """Rows a second that the pace allows."""
        return self.attempts.limiter.pace.rate()

    def change(self, effort: Effort) -> None:
        """Have a row sent, behind the first of its type."""
        self.guards.found(effort.job.ref.row)
        effort.request()  # made now, in turn with those of its page, and kept: see there
        canary = self._canary(effort.job.type)
        if effort.is_canary or not canary.left:
            self._ready.append(effort)
        elif canary.busy:
            self._caged.setdefault(effort.job.type, deque()).append(effort)
        else:
            canary.busy = effort.is_canary = True
            self._ready.append(effort)
        self._news.set()

    def refuse(self, row: UpdateJob | Unsendable, result: RowResult) -> None:
        """Take note of a row that the intake has settled; one whose record was looked for in vain may end the run."""
        self.journal.settle(result)
        looked_for = row.column == "reference" if isinstance(row, Unsendable) else False
        if looked_for and result.status is not Status.INVALID:
            self._heed(result)
        else:
            self.guards.left(result.ref.row)

    def reading(self, rows: Iterable[int]) -> None:
        """Take note of rows whose records are being looked up."""
        self.guards.reading(rows)

    def settle(self, effort: Effort, settle: Settle) -> None:
        """Settle a row that is not sent, or not sent again."""
        self._finish(effort, settle, None)

    def doubt(self, effort: Effort, question: ReadBack) -> None:
        """Have the record of a row read again that an earlier process left in doubt."""
        self._settling.add(effort, self.attempts.doubt(effort, question, None).question, None)

    @property
    def is_full(self) -> bool:
        """Whether so many rows are in doubt that no further ones had better be read."""
        return self._settling.is_full

    def exhausted(self) -> None:
        """Let the workers see that there is nothing to wait for."""
        self._news.set()

    async def _work(self) -> None:
        while (effort := await self._next()) is not None:
            if effort.verdict is not None:
                self.attempts.limiter.release()
                self._end_unsent(effort, effort.verdict)
                continue
            self.guards.sending(effort.job.ref.row)
            ending = await (
                self._send_alone(effort) if effort.is_canary else self.attempts.run(effort, self, admitted=True)
            )
            match ending:
                case Judged(settle, outcome):
                    if settle.status is Status.APPLIED:
                        self._settling.succeeded()
                    self._finish(effort, settle, outcome)
                case InDoubt(question, outcome):
                    self._settling.add(effort, question, outcome)
                case Rerouted():
                    effort.refused = True
                    self._ahead.reroute(effort)

    def _end_unsent(self, effort: Effort, verdict: Settle | ReadBack) -> None:
        if isinstance(verdict, ReadBack):
            self.doubt(effort, verdict)
        else:
            self.settle(effort, verdict)

    async def _next(self) -> Effort | None:
        """The next row to send, with a slot of the pace reserved for it; None when there will be none.

        The slot comes first: rows wait in the queue, where those that grow stale are read again a page at a time.
        """
        while not self.stop.reason:
            if len(self._ready) > self._admitting and not self._settling.holds:
                if not (self.attempts.limiter.admit_at_once() or await self._admitted()):
                    break
                effort = self._ready.popleft() if self._ready else None
                if self.intake.has_pages and self._ahead.has_room:
                    self._ahead.wake()
                if effort is not None and not self.intake.needs_concrete(effort):
                    if effort.is_stale(self.clock):
                        await self._freshen(effort)
                    return effort
                self.attempts.limiter.release()
                self._reroute([effort] if effort is not None else [])
            elif self.intake.is_done:
                break
            else:
                self._news = anyio.Event() if self._news.is_set() else self._news
                await self._news.wait()
        self._wake()
        return None

    def _reroute(self, refused: list[Effort]) -> None:
        """Send by their concrete types all that wait under a type that turned out not to be updatable itself."""
        queued, self._ready = self._ready, deque()
        for effort in (*refused, *queued):
            if self.intake.needs_concrete(effort):
                self._ahead.reroute(effort)
            else:
                self._ready.append(effort)

    async def _admitted(self) -> bool:
        """Reserve a slot; no more workers wait for one than there are rows, so that none waits in vain at the end."""
        self._admitting += 1
        try:
            return await self.attempts.limiter.admit()
        finally:
            self._admitting -= 1

    async def _freshen(self, effort: Effort) -> None:
        """Read a row's record again, together with those that are next."""
        async with self._freshening:
            if effort.is_stale(self.clock):  # not read again by another worker meanwhile
                alike = (each for each in self._ready if each.job.type == effort.job.type)
                aging = (each for each in alike if each.live is not None and self.clock.age(each.read_at) > FRESH / 2)
                await self._ahead.refresh([effort, *islice(aging, PAGE_SIZE - 1)])

    async def _send_alone(self, effort: Effort) -> Ending:
        """Send one of the first rows of a type, and see whether it did what it should and nothing else.

        A value that does not stick puts the row in doubt; so it is told only once it is certain, or cannot be.
        """
        job = effort.job
        before = await self.lookup.record(job.type, job.id)
        ending = await self.attempts.run(effort, self, admitted=True)
        if before is None or not isinstance(ending, Judged) or ending.settle.status is not Status.APPLIED:
            return ending
        found = await self.lookup.record(job.type, job.id)
        if found is None:
            return ending
        edits = ending.settle.stored or effort.change.edits
        if names := unstuck(edits, found):
            said = f"sent, and not on the record right after: {', '.join(names)}"
            question = ReadBack("not_taken", said, stored=ending.settle.stored)
            return self.attempts.doubt(effort, question, ending.outcome)
        if said := strayed(resource_type(effort.type_name), effort.change, before, found):
            self.stop.request("canary", f"row {job.ref.row} ({job.type}/{job.id}): {said}")
        return ending

    async def recheck(self, effort: Effort) -> Settle | ReadBack | None:
        """Read a row's record again, and decide anew; return the verdict on a row that is not to be sent."""
        return await self._ahead.recheck(effort)

    async def probe(self, effort: Effort) -> bool:
        """Read a row's record; return True if a server that was down answers again."""
        return await self.lookup.record(effort.job.type, effort.job.id) is not None

    def _is_down(self) -> bool:
        """Whether nobody gets an answer, to reads and updates alike."""
        return self.lookup.limiter.is_down and self.attempts.limiter.is_down

    def _proven(self, effort: Effort, settle: Settle, outcome: Outcome | None) -> None:
        """Settle a row that was in doubt; there may be room for further ones."""
        self._finish(effort, settle, outcome)
        self._news.set()

    def _finish(self, effort: Effort, settle: Settle, outcome: Outcome | None) -> None:
        self._settled(effort, self.attempts.settle(settle, effort, outcome))

    def _settled(self, effort: Effort, result: RowResult) -> None:
        """Take note of a row that is settled, and let the next of its id follow."""
        if effort.abstract and result.status is Status.APPLIED:
            self.intake.learn_route(effort.job.type, "direct")
        self._heed(result)
        if effort.is_canary:
            self._back(effort, result)
        if result.status is Status.APPLIED:
            self._ahead.recent.add(effort.job.id, effort.change, self.clock.now())
        following = self.intake.release(effort.job.id, unknown=result.status is Status.UNKNOWN)
        if following is not None:
            following.written_at = self.clock.now() if result.status is Status.APPLIED else effort.written_at
            self._ahead.follow(following, *self._left_behind(effort, result))
        if self.intake.is_done:
            self._wake()

    def _heed(self, result: RowResult) -> None:
        halt = self.guards.settled(result.ref.row, result.status, result.reason, result.message)
        if halt is not None:
            self.stop.request(halt.reason, halt.message)

    def _left_behind(self, effort: Effort, result: RowResult) -> tuple[Live | None, Moment]:
        """The record as the row left it, and since when; None when that is not known."""
        if effort.live is None or result.reason in _PARTLY:
            return None, effort.read_at
        if result.status is Status.APPLIED and result.reason != "read_back":
            return after(effort.live, effort.change), self.clock.moment()
        return effort.live, effort.read_at

    def _canary(self, type_name: str) -> Canary:
        if type_name not in self._canaries:
            passed = CANARY + type_name in self.journal.facts
            self._canaries[type_name] = Canary(0 if passed else self.canaries)
        return self._canaries[type_name]

    def _back(self, effort: Effort, result: RowResult) -> None:
        """One of the first rows of a type is settled: the next goes, or all that waited behind them."""
        type_name = effort.job.type
        canary, caged = self._canary(type_name), self._caged.pop(type_name, deque())
        if effort.was_sent:
            if said := canary.settled(result.status, result.reason):
                self.stop.request("canary", f"{type_name}: {said}")
        else:
            canary.busy = False
        if not canary.left and not self.stop.reason:
            self.journal.learn(CANARY + type_name, "passed")
        for waiting in caged:
            self.change(waiting)

    def _wake(self) -> None:
        self._news.set()
        self._settling.wake()
        self._ahead.wake()
