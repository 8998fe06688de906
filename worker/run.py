"""One process working on one run: wires the parts, waits for the end, says how it ended."""

import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Never

import anyio
import anyio.abc
import structlog

from jobs.model import SETTLED_WELL
from worker import pace_memory, source
from worker.attempt import AttemptLoop
from worker.auth import Credential, TokenEndpoint
from worker.clock import Clock
from worker.gate import Gate
from worker.journal import Journal, JournalError, Runner, Traces, WriterThread
from worker.lookup import Lookup
from worker.pace_memory import PaceMemory
from worker.policy.guards import Guards
from worker.policy.pace import Pace
from worker.pool import Pool
from worker.progress import Progress
from worker.settings import Secrets, Settings, prior
from worker.stop import Stop
from worker.transport import Transport

SIGNALS: Final = {signal.SIGINT: 130, signal.SIGTERM: 143}
"""Signals that end a run, and the exit status each leads to."""

REMEMBER_EVERY: Final = 1.0
"""Seconds between two saves of the pace."""

HORIZON: Final = 600.0
"""Seconds back to which intents of a killed process are looked at, to restore the server's windows."""

READ_CONCURRENCY: Final = 4
"""Pages read at once at most."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("rowpatch")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        state: `finished`, `stopped` or `interrupted`.
        abandoned: a second signal was given: no time for reports.
    """

    state: str
    exit_status: int
    message: str = ""
    abandoned: bool = False


@dataclass(slots=True)
class Run:
    """Everything one process needs to work on a run.

    Attributes:
        directory: the run directory, whose lock the caller holds.
        rows: data rows of the input.
        resumed: an earlier process has been at it.
        state_directory: where learned limits are remembered.
        commit: how the journal commits; None for a writer thread of its own.
        watch: shows the progress until it is cancelled.
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
    watch: Callable[[Progress], Coroutine[Any, Any, Never]] | None = None
    _signal: int = 0
    _abandoned: bool = False

    async def execute(self) -> Ended:
        """Work until every row is settled, or the run has to end; everything known is on disk afterwards."""
        stop = Stop()
        self.clock = self.clock.bound()
        traces = self.journal.traces(self.rows) if self.resumed else None
        thread = WriterThread() if self.commit is None else None
        commit = self.commit or thread
        assert commit is not None  # noqa: S101  # one of the two is there
        work = anyio.CancelScope()
        try:
            async with anyio.create_task_group() as listening:
                await listening.start(self._heed_signals, stop, work)
                async with anyio.create_task_group() as committing:
                    committing.start_soon(self.journal.commit_forever, commit, self.clock.wall)
                    try:
                        with work:
                            await self._work(stop, traces)
                    finally:
                        self.journal.stop_committing()
                listening.cancel_scope.cancel()
        finally:
            if thread is not None:
                thread.close()
        return self._conclude(stop)

    async def _work(self, stop: Stop, traces: Traces | None) -> None:
        settings, clock = self.settings, self.clock
        async with AsyncExitStack() as stack:
            connections = settings.pacing.concurrency + READ_CONCURRENCY
            transport = await stack.enter_async_context(
                Transport(settings.target.url, timeout=settings.attempts.timeout, connections=connections)
            )
            credential = await self._credential(stack, stop)
            writes, reads = self._gate("PATCH", stop), self._gate("GET", stop)
            attempts = AttemptLoop(
                transport, writes, self.journal, credential, settings.attempts, clock, stop, settings.target.expect_mode
            )
            lookup = Lookup(transport, reads, credential, settings.attempts, self.journal.counters, clock, stop)
            guards = Guards(settings.stopping.stop_after)
            copy = source.spooled_in(self.directory, settings.input.format)
            late = source.overtaken(copy, settings.input)
            with source.opened(copy) as stream:
                rows = source.jobs(stream, settings.input, settings.target.type, self._wanted(traces))
                rows = source.without(rows, late) if late else rows
                pool = Pool(rows, traces, attempts, lookup, self.journal, guards, clock, stop)
                pool.resend_unknown = settings.input.resend_unknown
                await self._run_pool(pool, writes, traces)
            if stop.reason == "journal_failed":
                return
            self._memory("PATCH").save(writes.pace, clock)
            self._memory("GET").save(reads.pace, clock)

    async def _run_pool(self, pool: Pool, writes: Gate, traces: Traces | None) -> None:
        progress = self._progress(writes.pace, traces)
        self.journal.on_durable = progress.count
        async with anyio.create_task_group() as beside:
            if self.watch is not None:
                beside.start_soon(self.watch, progress)
            beside.start_soon(self._remember, writes)
            try:
                await pool.run(self.settings.pacing.concurrency)
                await self.journal.flush()
            except JournalError as error:
                pool.stop.request("journal_failed", str(error))
            finally:
                beside.cancel_scope.cancel()

    def _progress(self, pace: Pace, traces: Traces | None) -> Progress:
        limit = self.settings.input.limit
        total = self.rows if limit is None else min(self.rows, limit)
        if traces is not None:
            total = sum(traces.matters(row) for row in range(1, total + 1))
        return Progress(total, pace.rate, lambda: max(0.0, pace.closed_until - self.clock.now()))

    def _wanted(self, traces: Traces | None) -> Callable[[int], bool]:
        limit = self.settings.input.limit if self.settings.input.limit is not None else self.rows
        if traces is None:
            return lambda row: row <= limit
        return lambda row: row <= limit and traces.matters(row)

    async def _credential(self, stack: AsyncExitStack, stop: Stop) -> Credential:
        secrets, issuer = self.secrets, None
        if secrets.renewable:
            endpoint = Transport(secrets.auth_url, timeout=self.settings.attempts.timeout, connections=1)
            issuer = TokenEndpoint(secrets, await stack.enter_async_context(endpoint), self.clock, stop)
            issuer.on_request = self._count_token
        return Credential(secrets.token.get_secret_value() if secrets.token else "", issuer, self.clock)

    def _count_token(self) -> None:
        self.journal.counters.tokens += 1

    def _gate(self, method: str, stop: Stop) -> Gate:
        """The gate of one method, with the pace as it was left by the last process."""
        pacing, writing = self.settings.pacing, method == "PATCH"
        pace = Pace(
            ceiling=pacing.ceiling if writing else (),
            headroom=pacing.headroom,
            max_in_flight=pacing.concurrency if writing else READ_CONCURRENCY,
            discover=pacing.discover,
        )
        remembered = self._memory(method).load()
        pace.restore(prior(self.settings.target.url), ())
        later: list[float] = []
        if self.resumed and writing:
            now = self.clock.wall()
            later = self.journal.answered_since(remembered.saved_at, now - HORIZON, now)
        pace_memory.restore(pace, remembered, later, self.clock)
        gate = Gate(pace, self.clock, stop)
        gate.on_news = partial(self._tell, method)
        return gate

    def _tell(self, method: str, event: str, facts: Mapping[str, object]) -> None:
        if facts.get("status") == 429:  # noqa: PLR2004  # Too Many Requests
            self.journal.counters.refused += 1
        log.info(event, method=method, **facts)

    def _memory(self, method: str) -> PaceMemory:
        return PaceMemory(self.state_directory, self.settings.target.url, method)

    async def _remember(self, writes: Gate) -> None:
        memory = self._memory("PATCH")
        while True:
            await anyio.sleep(REMEMBER_EVERY)
            memory.save(writes.pace, self.clock)

    async def _heed_signals(
        self, stop: Stop, work: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]
    ) -> None:
        """First signal: no new request, finish what is in flight. Second: abandon that too, but keep what is known."""
        with anyio.open_signal_receiver(*SIGNALS) as signals:
            task_status.started()
            async for number in signals:
                if self._signal:
                    self._abandoned = True
                    work.cancel()
                    return
                self._signal = SIGNALS[number]
                stop.request("interrupted", "interrupted")
                log.info("stopping", waiting_for="requests in flight", not_to_wait="interrupt again")

    def _conclude(self, stop: Stop) -> Ended:
        if self._signal:
            return Ended("interrupted", self._signal, "interrupted", self._abandoned)
        if stop.reason:
            return Ended("stopped", 3, f"{stop.reason}: {stop.message}")
        well = self.journal.counts().keys() <= SETTLED_WELL and next(self.journal.doubts(), None) is None
        return Ended("finished", 0 if well else 1)
