"""One process of one run: wire the parts, wait for the end, report how it ended. Signals are the caller's business."""

import math
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.abc

from jobs.apis.api import Api
from jobs.changes.diff import Change
from jobs.changes.overtaking import without
from jobs.model import SETTLED_WELL, Live, Status, Unsendable, UpdateJob
from jobs.recipe.fields import Private
from jobs.values import valueclass
from worker.clock import Clock
from worker.engine.attempt import AttemptLoop, IdempotencyKeys
from worker.engine.bells import Bells
from worker.engine.chronicle import chronicler, limits
from worker.engine.intake import Intake, no_target
from worker.engine.outcomes import Outcomes
from worker.engine.planner import Planner
from worker.engine.prefetch import Prefetch
from worker.engine.progress import PLAN as PLANNING
from worker.engine.progress import Aim, Progress, Watch
from worker.engine.reading import Reading, not_overtaken
from worker.engine.senders import Senders
from worker.engine.settling import Settling
from worker.events import Draining, Observer, Working, ignore
from worker.exit_statuses import DONE, NOT_ALL, STOPPED
from worker.files import refeed, source
from worker.journal import PLAN, History, Journal, JournalError, Planned, RowHistories, Runner, WriterThread
from worker.lane.connect import Connection, LaneSettings, connected, reads_at_once
from worker.policy.decision import decide_row
from worker.policy.guards import Guards
from worker.policy.pace import Pace
from worker.policy.paging import Pages
from worker.policy.row import READ_LAG_S, InFlightRow, RecentWrites, room_at
from worker.policy.sequencer import Sequencer
from worker.policy.turns import in_turns
from worker.policy.verdict import ReadBack, Settle
from worker.reports import Summary
from worker.reports.plan import PlanSummary
from worker.settings import Secrets, Settings, is_live
from worker.stop import Stop

INTENT_HORIZON_S: Final = 600.0
"""Age in seconds up to which intents of a killed process are read, to restore the server's windows."""

_LOOK_AGAIN_S: Final = 60.0
"""Seconds after which the wall clock is looked at again."""

RUN_KEY: Final = "run_key"
"""Name of the journal's fact: what the idempotency keys of the run begin with."""

LONGEST_GAP: Final = "longest_gap"
"""Name of the journal's fact: most seconds between reading a record and an update of it that is not conditional."""


Decide = Callable[[InFlightRow, Live], Change | Settle | ReadBack]
"""Says what is done about a row once its record has been read."""

Shape = Callable[[Iterator[UpdateJob | Unsendable]], Iterator[UpdateJob | Unsendable]]
"""Changes what rows ask for."""

Work = Callable[[], Coroutine[Any, Any, None]]
"""Something that works on the rows until there are none, or the run ends."""


async def _all(at_once: int, reads: Work, *others: Work) -> None:
    """Run `others` and so many copies of `reads`."""
    async with anyio.create_task_group() as group:
        for work in (*[reads] * at_once, *others):
            group.start_soon(work)


@valueclass(frozen=True, slots=True)
class RunEnd:
    """How a process ended.

    Attributes:
        state: `finished`, `stopped`, `interrupted` or `planned`.
        message: why it did not finish its work, or, later, why there are no reports.
        abandoned: it was interrupted twice, so there is no time for reports.
        summary: of a run's reports. Like `plan`, it is None until they are written, and ignored by comparisons.
        plan: of a plan's reports.
    """

    state: str
    exit_status: int
    message: str = ""
    abandoned: bool = False
    summary: Summary | None = field(default=None, compare=False)
    plan: PlanSummary | None = field(default=None, compare=False)


@dataclass(slots=True)
class Run:
    """Executes a run in one process.

    Attributes:
        directory: the run directory, whose lock the caller holds.
        rows: data rows of the input.
        resumed: an earlier process has worked on the run.
        state_directory: where learned limits are stored.
        commit: runs the journal's commits; None for a writer thread of its own.
        watch: shows the progress until it is cancelled.
        planning: record what would be sent, and send nothing.
        last: number of the last row to process, None for all.
        deadline: seconds since the epoch at which nothing more is sent; None for no end.
        decide: says what is done about a row that was read; None to do what the row says. A run that has it keeps to
            what its plan settled, and lets empty cells clear where its recipe says so.
        shape: changes what rows ask for, on their way in; None to leave them as they are.
        turns: the turn in which each row is taken, in file order within a turn; empty for one turn.
        observer: receives the events of the run.
        command: that this process carries out.
        api: to be updated.
    """

    directory: Path
    journal: Journal
    settings: Settings
    secrets: Secrets
    rows: int
    resumed: bool
    state_directory: Path
    clock: Clock = field(default_factory=Clock)
    commit: Runner | None = None
    watch: Watch | None = None
    planning: bool = False
    last: int | None = None
    deadline: float | None = None
    decide: Decide | None = None
    shape: Shape | None = None
    turns: bytes | bytearray = b""
    observer: Observer = ignore
    command: str = "apply"
    api: Api = field(kw_only=True)
    _stop: Stop = field(default_factory=Stop)
    _interrupted: int = 0
    _abandoned: bool = False
    _scope: anyio.CancelScope | None = None

    def interrupt(self, status: int) -> None:
        """End the run: send no new requests, and wait for those in flight; on the second call, do not wait.

        Args:
            status: exit status of a process that ends for this reason.
        """
        if not self._interrupted:
            self._interrupted = status
            self._stop.request("interrupted", "interrupted")
            self.observer(Draining())
        elif self._scope is not None:
            self._abandoned = True
            self._scope.cancel()

    async def execute(self) -> RunEnd:
        """Work until every row is settled, or the run has to end; all that is known is then on disk."""
        self.observer(Working(self.directory, self.rows))
        self.clock = self.clock.bound()
        histories = self.journal.histories(self.rows) if self.resumed else None
        thread = WriterThread() if self.commit is None else None
        commit, coalesce = self.commit or thread, thread.coalesce if thread is not None else None
        assert commit is not None  # noqa: S101  # one of the two is there
        try:
            async with anyio.create_task_group() as committing:
                committing.start_soon(self.journal.commit_forever, commit, self.clock.wall, coalesce)
                try:
                    with anyio.CancelScope() as self._scope:
                        await self._work(histories)
                finally:
                    self.journal.stop_committing()
        finally:
            if thread is not None:
                thread.close()
        return self._conclude()

    async def _work(self, histories: RowHistories | None) -> None:
        settings, schema, clock, stop = self.settings, self.api.schema, self.clock, self._stop
        counters, since = self.journal.counters, self._answered_since
        observer = chronicler(self.journal.mark, clock.wall, self.observer)
        lane = LaneSettings(
            self.api, settings, self.secrets, self.state_directory, counters, clock, stop, since, observer
        )
        async with connected(lane) as connection:
            copy = source.spooled_in(self.directory, settings.input.format)
            late = refeed.overtaken(copy, settings.input, settings.target.type, schema)
            if histories is not None and histories.redone:
                taken = refeed.outrun(copy, settings, self.journal, self.rows, schema).taken
                late = {**late, **{row: lost for row, lost in taken.items() if histories.of(row).redo}}
            with closing(self._rows(copy, self._wanted(histories))) as read:
                rows = without(read, late, source.terms(settings.input, schema)) if late else iter(read)
                rows = self.shape(rows) if self.shape is not None else rows
                with self._planned() as expected, self._earlier() as earlier:
                    target = earlier.target if earlier else no_target
                    as_planned = self.decide is not None and not self.planning
                    intake = Intake(rows, histories, settings.input.resend_unknown, expected, as_planned, target)
                    await (self._plan if self.planning else self._send)(intake, connection, earlier)

    def _rows(self, copy: Path, wanted: Callable[[int], bool]) -> Generator[UpdateJob | Unsendable, None, None]:
        """Yield the wanted rows, turn after turn; each turn reads the input once, so that memory is flat."""
        how, kind, schema = self.settings.input, self.settings.target.type, self.api.schema
        clearing = self.decide is not None
        for is_due in in_turns(self.turns, wanted):
            with source.opened(copy) as stream:
                yield from source.jobs(stream, how, kind, schema, is_due, clearing=clearing)

    async def _plan(self, intake: Intake, connection: Connection, earlier: History | None) -> None:
        stop, bells, guards, reads = connection.lane.stop, Bells(), Guards(), connection.reads.pace
        sequencer = self._sequencer(0)
        planner = Planner(sequencer, self.journal, guards, bells, self.clock, stop, self.api.schema, self._private)
        reading = self._reading(sequencer, guards, RecentWrites(), connection, earlier)
        room = partial(room_at, math.inf, self.api.page)
        prefetch = Prefetch(sequencer, iter(intake), reading, planner.drain, room, self.journal, bells, stop)
        progress = Progress(
            self._limit, reads.rate, self._pause(reads), reads=reads, gets=lambda: self.journal.counters.gets,
            aim=self._aim,
        )  # fmt: skip
        self.journal.follow(planned=progress.plan)
        stop.on_request(bells.ring)
        await self._beside(partial(_all, reads_at_once(self.api, self.settings), prefetch.run), progress, connection)
        if not stop.reason:
            self.journal.learn(PLAN, "complete")

    async def _send(self, intake: Intake, connection: Connection, earlier: History | None) -> None:
        settings, stop, clock, bells = self.settings, connection.lane.stop, self.clock, Bells()
        writes, recent = connection.writes, RecentWrites()
        if writes.pace.stated:
            self.journal.mark(limits(writes.quota, writes.pace.stated, clock.wall()))
        guards = Guards(settings.stopping.stop_after, Status.APPLIED in self.journal.counts())
        sequencer = self._sequencer(settings.stopping.canary)
        outcomes = Outcomes(
            self.api,
            sequencer,
            self.journal,
            guards,
            recent,
            bells,
            clock,
            stop,
            settings.target.expect_mode,
            self._private,
        )
        reading = self._reading(sequencer, guards, recent, connection, earlier)
        attempts = AttemptLoop(self.api, connection.updates, self.journal, reading, self._keys())

        def is_down() -> bool:
            return connection.reads.is_down and writes.is_down

        settling = Settling(reading.lookup, outcomes, bells, clock, stop, is_down)
        per_row = 1 / self.api.page if connection.writes is connection.reads and not settings.input.blind else 0.0
        senders = Senders(sequencer, attempts, reading, outcomes, settling, bells, stop, per_row)
        prefetch = Prefetch(sequencer, iter(intake), reading, outcomes.drain, senders.room, self.journal, bells, stop)
        progress = Progress(
            self._to_settle(intake.histories), senders.rate, self._pause(writes.pace), writes.pace,
            connection.reads.pace,
            queued=lambda: sequencer.queued + writes.pace.in_flight, gets=lambda: self.journal.counters.gets,
            retries=lambda: attempts.retries, aim=self._aim,
        )  # fmt: skip
        self.journal.follow(durable=progress.count)
        stop.on_request(bells.ring)
        at_once = reads_at_once(self.api, settings)
        work = partial(_all, at_once, prefetch.run, partial(senders.run, settings.pacing.concurrency, at_once // 2))
        await self._beside(work, progress, connection)
        if attempts.longest_gap > float(self.journal.facts.get(LONGEST_GAP, 0.0)):
            self.journal.learn(LONGEST_GAP, f"{attempts.longest_gap:.3f}")

    @property
    def _aim(self) -> Aim:
        url, token = self.settings.target.url, self.secrets.token
        mode = self.api.auth.claims(token.get_secret_value()).mode if token else ""
        is_harmless = self.planning or not is_live(mode, url)
        return Aim(PLANNING if self.planning else self.command, url, mode, is_live=not is_harmless)

    def _keys(self) -> IdempotencyKeys | None:
        """Return what makes idempotency keys, None for an API that takes none."""
        header = self.api.idempotency_header
        if not header:
            return None
        run = self.journal.facts.get(RUN_KEY) or f"{int(self.clock.sample() * 2**52):013x}"
        self.journal.learn(RUN_KEY, run)
        return IdempotencyKeys(header, run)

    def _sequencer(self, canaries: int) -> Sequencer:
        how = self.settings.input
        decide, blind = self.decide or partial(decide_row, source.terms(how, self.api.schema)), how.blind
        return Sequencer(
            decide, Pages(self.api), self._variants, facts=self.journal.facts, blind=blind, canaries=canaries
        )

    @property
    def _private(self) -> Private:
        return source.private(self.settings.input, self.settings.target.type, self.api.schema)

    def _variants(self, type_name: str) -> tuple[str, ...]:
        return self.api.resource(type_name).variants

    def _reading(
        self,
        sequencer: Sequencer,
        guards: Guards,
        recent: RecentWrites,
        connection: Connection,
        earlier: History | None,
    ) -> Reading:
        written = earlier.written_since(self.clock.wall() - READ_LAG_S) if earlier else {}
        overtaken = earlier.was_overtaken if earlier else not_overtaken
        stop = connection.lane.stop
        return Reading(sequencer, connection.lookup, guards, recent, self.clock, stop, written, overtaken)

    async def _beside(self, work: Work, progress: Progress, connection: Connection) -> None:
        """Run `work`; meanwhile show the progress and send heartbeats."""
        async with anyio.create_task_group() as beside:
            if self.watch is not None:
                beside.start_soon(self.watch, progress)
            beside.start_soon(connection.send_heartbeats)
            if self.deadline is not None:
                beside.start_soon(self._stop_at, self.deadline)
            try:
                await work()
                await self.journal.flush()
            except JournalError as error:
                connection.lane.stop.request("journal_failed", str(error))
            finally:
                beside.cancel_scope.cancel()

    async def _stop_at(self, deadline: float) -> None:
        """End the run at a point in time, by the wall clock: it may be set, and goes on while the machine sleeps."""
        while (left := deadline - self.clock.wall()) > 0:
            if not await self._stop.sleep(min(left, _LOOK_AGAIN_S)):
                return
        self._stop.request("deadline", "the deadline has come; what is left can be done later")

    @contextmanager
    def _planned(self) -> Iterator[Callable[[int], Planned | None] | None]:
        """Yield a function that returns the plan of a row, None without a plan. It reads by a connection of its own.

        The plan of an undo, made from another run's journal, is compared with the server if it is only to be shown.
        """
        if self.journal.facts.get(PLAN) != ("complete" if self.planning else "kept"):
            yield None
            return
        with closing(self.journal.reader()) as history:
            yield lambda row: next(history.planned(row, row), None)

    @contextmanager
    def _earlier(self) -> Iterator[History | None]:
        """Yield the history of earlier processes, None if there were none. It reads by a connection of its own."""
        if not self.resumed and PLAN not in self.journal.facts:
            yield None
            return
        with closing(self.journal.reader()) as history:
            yield history

    def _to_settle(self, histories: RowHistories | None) -> int:
        return self._limit if histories is None else sum(histories.matters(row) for row in range(1, self._limit + 1))

    def _pause(self, pace: Pace) -> Callable[[], float]:
        return lambda: pace.held(self.clock.now())

    @property
    def _wished(self) -> int:
        """Number of the last row of the run."""
        limit = self.settings.input.limit
        return self.rows if limit is None else min(self.rows, limit)

    @property
    def _limit(self) -> int:
        """Number of the last row that this process handles."""
        return self._wished if self.last is None else min(self._wished, self.last)

    def _wanted(self, histories: RowHistories | None) -> Callable[[int], bool]:
        rows = range(1, self._limit + 1)
        if histories is None:
            return rows.__contains__
        return lambda row: row in rows and histories.matters(row)

    def _answered_since(self, saved_at: float) -> list[float]:
        """Return when PATCHes were answered, in seconds since the epoch; open ones count as late as their time-out."""
        if not self.resumed:
            return []
        now = self.clock.wall()
        late = now + self.settings.attempts.timeout
        return [min(late, answer) for answer in self.journal.answered_since(saved_at, now - INTENT_HORIZON_S, late)]

    def _conclude(self) -> RunEnd:
        if self._interrupted:
            return RunEnd("interrupted", self._interrupted, "interrupted", self._abandoned)
        if self._stop.reason:
            return RunEnd("stopped", STOPPED, f"{self._stop.reason}: {self._stop.message}")
        if self.planning:
            return RunEnd("planned", DONE)
        counts = self.journal.counts()
        well = counts.keys() <= SETTLED_WELL and next(self.journal.doubts(), None) is None
        well = well and (self.last is None or sum(counts.values()) >= self._wished)
        return RunEnd("finished", DONE if well else NOT_ALL)
