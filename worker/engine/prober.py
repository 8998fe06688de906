"""One process on a probe: sends what its conversation asks for, writes it down first, and asks the user before."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Final, assert_never

import anyio

from jobs.apis.meanings import Meaning
from jobs.model import NotSent, Request, RowRef, RowResult
from worker.clock import Clock
from worker.engine.run import RunEnd
from worker.events import Draining, Observer, ignore
from worker.exit_statuses import DONE, STOPPED
from worker.journal import SAFE, Image, Journal, JournalError, WriterThread
from worker.lane.connect import Connection
from worker.lane.exchange import Exchanged
from worker.lane.pages import NoAnswer
from worker.policy.guards import told_to_stop
from worker.policy.patience import Tries
from worker.policy.probing.steps import Amend, Answered, Broken, Conclude, Propose, Read, Step, Wait, Write
from worker.policy.probing.trials import Conversation
from worker.policy.wording import why_not

Ask = Callable[[tuple[str, ...]], Awaitable[bool]]
"""Shows the user what will be sent, and returns whether it may be."""

_BEFORE_WORK: Final = frozenset({Meaning.THROTTLED, Meaning.HELD, Meaning.TOO_EARLY, Meaning.BUSY, Meaning.UNSENT})
"""Outcomes after which the same update may be sent again: nothing was done."""


@dataclass(slots=True)
class Prober:
    """Holds the conversation of a probe.

    Attributes:
        conversation: with its rows; `refs` are those of its input, in order.
        register: makes the run the user's to keep; called before the first intent.
        ask: asks before each write.
    """

    connection: Connection
    journal: Journal
    conversation: Conversation
    refs: tuple[RowRef, ...]
    register: Callable[[], None]
    ask: Ask
    clock: Clock
    observer: Observer = ignore
    idempotency_header: str = ""
    _attempts: Counter[int] = field(default_factory=Counter)
    _interrupted: int = 0
    _abandoned: bool = False
    _scope: anyio.CancelScope | None = None
    _wish: anyio.Event = field(default_factory=anyio.Event)

    def interrupt(self, status: int) -> None:
        """Try nothing more, and put back what is not yet; on the second call, leave everything as it is.

        Args:
            status: exit status of a process that ends for this reason.
        """
        if not self._interrupted:
            self._interrupted = status
            self._wish.set()
            self.observer(Draining())
        elif self._scope is not None:
            self._abandoned = True
            self._scope.cancel()

    async def execute(self) -> RunEnd:
        """Hold the conversation to its end; all that is known is then on disk."""
        thread, why = WriterThread(), ""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self.journal.commit_forever, thread, self.clock.wall, thread.coalesce)
                beside = anyio.CancelScope()
                group.start_soon(self._beat, beside)
                try:
                    with anyio.CancelScope() as self._scope:
                        await self._converse()
                except (Broken, JournalError) as error:
                    stop = self.connection.lane.stop
                    why = f"{stop.reason}: {stop.message}" if stop.reason else str(error)
                finally:
                    beside.cancel()
                    self.journal.stop_committing()
        finally:
            thread.close()
        if self._interrupted:
            return RunEnd("interrupted", self._interrupted, "interrupted", self._abandoned)
        return RunEnd("stopped", STOPPED, why) if why else RunEnd("finished", DONE)

    async def _beat(self, scope: anyio.CancelScope) -> None:
        with scope:
            await self.connection.send_heartbeats()

    async def _converse(self) -> None:
        answer = None
        with closing(self.conversation.run()) as talk:
            while True:
                try:
                    step = talk.send(answer)
                except StopIteration:
                    return
                answer = await self._do(step)

    async def _do(self, step: Step) -> Any:
        match step:
            case Propose(lines):
                return await self._propose(lines)
            case Read(request):
                return await self._read(request)
            case Write():
                return await self._write(step)
            case Wait(seconds, patient):
                return await self._wait(seconds, patient=patient)
            case Amend(row, edits):
                self.journal.keep_stored(row, edits)
                return await self.journal.flush()
            case Conclude():
                return await self._conclude(step)
        assert_never(step)

    async def _wait(self, seconds: float, *, patient: bool) -> bool:
        if patient:
            return await self.connection.lane.stop.sleep(seconds)
        with anyio.move_on_after(seconds):
            await self._wish.wait()
        return not self._interrupted

    async def _propose(self, lines: tuple[str, ...]) -> bool:
        if self._interrupted or self.connection.lane.stop.reason:
            return False
        is_wanted = False

        async def ask(scope: anyio.CancelScope) -> None:
            nonlocal is_wanted
            is_wanted = await self.ask(lines)
            scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(ask, group.cancel_scope)
            await self._wish.wait()
            group.cancel_scope.cancel()
        return is_wanted and not self._interrupted

    async def _read(self, request: Request) -> Answered | None:
        subject = self.conversation.channel.subject
        found = await self.connection.lookup.answer(request, subject.type, subject.key)
        if not isinstance(found, NoAnswer):
            return Answered(found.reply, found.meaning, found.at.loop, self.clock.now())
        if self.connection.lane.stop.reason:
            return None
        now = self.clock.now()
        return Answered(NotSent(found.why), Meaning.UNSENT, now, now)

    async def _write(self, step: Write) -> Answered | None:
        """Send an update until it has an outcome that another attempt would not change; None if nothing can be sent."""
        exchange, subject = self.connection.updates, self.conversation.channel.subject
        gates, tries = exchange.gates, Tries(exchange.patience)
        places = gates.places(subject.type, (subject.key,), reads=False) if gates else ()
        while True:
            attempt = await self._intend(step)
            sent = await exchange.ask(self._with_key(step.request, step.row, attempt), places, in_full=True)
            if sent is None:
                self.journal.withdraw(step.row, attempt)
                return None
            if sent.meaning not in _BEFORE_WORK and sent.meaning not in {Meaning.TOKEN_REFUSED, Meaning.STOP}:
                return Answered(sent.outcome, sent.meaning, sent.sent_at.loop, self.clock.now())
            self.journal.note(step.row, attempt, SAFE)
            if not await self._goes_on(sent, tries):
                return None
            if not tries.go_on(waits=False):
                return Answered(sent.outcome, sent.meaning, sent.sent_at.loop, self.clock.now())

    async def _goes_on(self, sent: Exchanged, tries: Tries) -> bool:
        """Prepare for another attempt after a refusal before any work; return False if there is no use."""
        exchange = self.connection.updates
        if sent.meaning is Meaning.TOKEN_REFUSED:
            return await exchange.renew(sent.headers)
        if sent.meaning is Meaning.STOP:
            halt = told_to_stop(why_not(sent.outcome))
            exchange.stop.request(halt.reason, halt.message)
            return False
        if tries.count(sent.meaning, free=False):
            return await exchange.stop.sleep(exchange.patience.backoff(tries.failures, self.clock.sample()))
        return not exchange.park(sent.pause)

    async def _intend(self, step: Write) -> int:
        """Make an intent durable, with what it replaces; return the number of the attempt."""
        if not self.journal.is_registered:
            self.register()
        self._attempts[step.row] += 1
        attempt, subject = self._attempts[step.row], self.conversation.channel.subject
        image = Image(step.row, subject.type, subject.key, step.edits)
        await self.journal.intend(step.row, attempt, self.clock.wall(), image)
        return attempt

    def _with_key(self, request: Request, row: int, attempt: int) -> Request:
        if not self.idempotency_header:
            return request
        key = f"{int(self.clock.sample() * 2**52):013x}-{row}-{attempt}"
        return replace(request, headers={**request.headers, self.idempotency_header: key})

    async def _conclude(self, step: Conclude) -> None:
        """Record the result of a row; of a run that has sent nothing, nothing is kept."""
        if not self.journal.is_registered:
            return
        ref, settle = self.refs[step.row - 1], step.settle
        self.journal.settle(
            RowResult(
                ref,
                settle.status,
                settle.reason,
                settle.message,
                settle.fields,
                step.http,
                self._attempts[step.row],
                at=self.clock.wall(),
                errors=settle.errors,
            )
        )
        await self.journal.flush()
