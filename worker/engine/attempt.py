"""The attempt loop: the one place that sleeps and sends.

reserve a slot -> wait -> intent durable -> send -> judge -> settle, or wait and start over. Everything that can be
decided without waiting is decided in `policy`; a row takes only the steps in `lifecycle`.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias
from zlib import crc32

from jobs.apis.api import Api
from jobs.apis.header_values import unsendable
from jobs.apis.limits import Places
from jobs.apis.meanings import Meaning
from jobs.apis.retry_after import read_retry_after
from jobs.model import NotSent, Outcome, Reply, Request, Status
from jobs.values import valueclass
from worker.journal import ANSWERED, SAFE, Image, Journal, JournalError
from worker.lane.authority import Headers
from worker.lane.exchange import Exchange, Exchanged
from worker.pacing.limiter import Limiter
from worker.policy.lifecycle import Event, step
from worker.policy.row import InFlightRow
from worker.policy.verdict import (
    DecideAnew,
    HaltRun,
    ReadBack,
    Renew,
    Reroute,
    Retry,
    Sent,
    Settle,
    SlowDown,
    judge,
)
from worker.policy.wording import why_not

MAX_REREADS: Final = 3
"""Times that a stale record is read again, where reads and updates spend one quota, before the row is sent as it is.

The read takes a slot that the update has to wait for again: with a very slow quota it would never leave.
"""

_NOT_PROBED: Final = NotSent("not sent")
"""Outcome of an action's slot if the read before it found the server still down."""


@valueclass(frozen=True, slots=True)
class Rerouted:
    """The API refused the type with `status`; the row is queued again until its concrete type is known."""

    status: int


@valueclass(frozen=True, slots=True)
class Judged:
    """The row can be settled. `outcome` is that of its last attempt, None if something else settles it."""

    settle: Settle
    outcome: Outcome | None


@valueclass(frozen=True, slots=True)
class NeedsReadBack:
    """The row may have been applied: its record has to be read. `outcome` as in `Judged`."""

    question: ReadBack
    outcome: Outcome | None


class Interrupted:
    """The run ended before the row was settled; the journal knows how far the row got."""


INTERRUPTED: Final = Interrupted()
Ending: TypeAlias = Judged | Rerouted | NeedsReadBack | Interrupted


class Rereading(Protocol):
    """Reads the record of a row in hand again."""

    def is_stale(self, row: InFlightRow) -> bool:
        """Return True if the record was read too long ago to send the row."""

    async def freshen(self, row: InFlightRow) -> None:
        """Read a stale record again: the row then has a new change, or a verdict if it must not be sent."""

    async def again(self, row: InFlightRow) -> None:
        """Read the record again, even if it is fresh, with the same effect as `freshen`."""

    async def answers(self, row: InFlightRow) -> bool:
        """Read the record of the row; return True if a server that was down answers again."""


@valueclass(frozen=True, slots=True)
class IdempotencyKeys:
    """Keys by which a server knows an update again that it has carried out: a repetition of it does nothing more.

    A key is made of what the journal knows, so that a later process repeats an attempt by the same one. It is renewed
    once the server has answered, and only for rows that are safe to repeat: some servers give the first answer again
    for a day, failures too. Of such rows, it is of one request alone: if the record has changed in the meantime, a
    repetition says something else, and a server would refuse it, or give the first answer without doing it.

    Attributes:
        header: that holds the key.
        run: tells the keys of runs apart.
    """

    header: str
    run: str

    def on(self, request: Request, row: InFlightRow) -> Request:
        """Return a request for a row with its key."""
        key = f"{self.run}-{row.number}-{row.answered}"
        if row.job.replay_safe:
            key += f"-{crc32(request.body, crc32(request.target.encode())):08x}"
        return replace(request, headers={**request.headers, self.header: key})


@dataclass(slots=True)
class AttemptLoop:
    """Sends a row until it is settled, rerouted, or left because the run ends.

    Attributes:
        longest_gap: most seconds between reading a record and an update of it that is not conditional: what somebody
            changes in that time may be lost. 0 if there was none.
        retries: requests that repeat an earlier one of their row.
    """

    api: Api
    exchange: Exchange
    journal: Journal
    reading: Rereading
    keys: IdempotencyKeys | None = None
    longest_gap: float = 0.0
    retries: int = 0

    @property
    def limiter(self) -> Limiter:
        """The limiter of rows."""
        return self.exchange.limiter

    async def run(self, row: InFlightRow, *, admitted: bool = False) -> Ending:
        """Send one row until it reaches an ending; `admitted` if a slot is reserved for its first attempt already."""
        exchange = self.exchange
        while True:
            if (not admitted or self.limiter.is_down) and not await self._admit(row, admitted=admitted):
                return self._leave(row)
            admitted = False
            places: Places | None = ()
            if exchange.gives_way or exchange.gates:
                places = await self._pass(row)
            else:
                await self._freshen(row)
            if places is not None and row.verdict is None and (why := _unsendable(row.request(self.api))):
                row.verdict = Settle(row.doubt or "header_impossible", why)
            if places is None or row.verdict is not None:
                return self._turn_back(row, places)
            row.state = step(row.state, Event.ADMIT)
            headers = await self._intend(row, places)
            if headers is None:
                return self._leave(row)
            request = row.request(self.api) if self.keys is None else self.keys.on(row.request(self.api), row)
            if row.live is not None and not request.is_conditional:
                self.longest_gap = max(self.longest_gap, exchange.clock.age(row.read_at))
            sent = await exchange.send(request, headers, places, in_full=row.job.fires)
            verdict = judge(sent.outcome, sent.meaning, self._sent(row))
            if isinstance(verdict, Settle):
                return Judged(verdict, sent.outcome)
            ending = await self._act(verdict, row, sent)
            if ending is not None:
                return ending

    async def _admit(self, row: InFlightRow, *, admitted: bool) -> bool:
        """Take a slot, unless one is reserved; while the server is down, send an action only after a read succeeds."""
        while admitted or await self.limiter.admit():
            if not (self.limiter.is_down and row.job.fires):
                return True
            admitted = False
            if self.exchange.gives_way:  # the read takes the slot, and is the probe
                self.limiter.release()
                await self.reading.answers(row)
            elif await self._probed(row):
                return True
            else:
                self.limiter.account(_NOT_PROBED, Meaning.UNSENT, self.exchange.clock.now())
            if self.limiter.is_hopeless:
                self.exchange.stop.request("outage", "the server has been down for too long; go on later")
        return False

    async def _pass(self, row: InFlightRow) -> Places | None:
        """Pass the gates of a row, which holds a slot, and read a stale record again.

        The slot is given back before anything that takes time: others may need it, the read among them.

        Returns:
            Places at the gates; None if the row holds no slot in the end.
        """
        exchange, gates = self.exchange, self.exchange.gates
        places = gates.places(row.type_name, (row.job.id,), reads=False) if gates else ()
        for rereads in range(MAX_REREADS + 1):
            if gates and places and not gates.admit_at_once(places):
                self.limiter.release()
                if not await exchange.admit(places):
                    return None
            if rereads == MAX_REREADS or not self.reading.is_stale(row):
                break
            exchange.release(places)
            await self.reading.freshen(row)
            if row.verdict is not None or not await self._admit(row, admitted=False):
                return None
        return places

    def _turn_back(self, row: InFlightRow, places: Places | None) -> Ending:
        """End a row that is not sent; `places` as from `_pass`."""
        if places is not None:
            self.exchange.release(places)
        return self._leave(row) if row.verdict is None else _unsent(row.verdict)

    async def _probed(self, row: InFlightRow) -> bool:
        try:
            return await self.reading.answers(row)
        except BaseException:
            self.limiter.release()
            raise

    async def _freshen(self, row: InFlightRow) -> None:
        if not self.reading.is_stale(row):
            return
        try:
            await self.reading.freshen(row)
        except BaseException:
            self.limiter.release()
            raise

    async def _intend(self, row: InFlightRow, places: Places) -> Headers | None:
        """Make the intent durable; return the headers to send. If nothing may leave, release the slot, return None."""
        attempt, stop = row.attempts + 1, self.exchange.stop
        headers = await self.exchange.authorise(places)
        if headers is None:
            return None
        if row.told:
            self.journal.hold(row.number, row.told)
        try:
            await self.journal.intend(row.number, attempt, self.exchange.clock.wall(), self._image(row))
        except JournalError as error:
            self.exchange.release(places)
            stop.request("journal_failed", str(error))
            return None
        except BaseException:
            self.exchange.release(places)
            raise
        row.imaged = True
        row.state = step(row.state, Event.INTEND)
        if stop.reason:
            self.journal.withdraw(row.number, attempt)
            self.exchange.release(places)
            return None
        row.attempts = attempt
        row.was_sent = True
        if attempt == 1:
            self.limiter.first_attempt()
        else:
            self.retries += 1
        return headers

    @staticmethod
    def _image(row: InFlightRow) -> Image | None:
        if row.imaged:
            return None
        job, kind = row.job, row.live.type if row.live is not None else row.job.type
        return Image(row.number, kind, job.id, row.image, row.change.unread)

    def _sent(self, row: InFlightRow) -> Sent:
        patience = self.exchange.patience
        return Sent(
            row.job,
            row.change,
            self.api.resource(row.type_name),
            attempts_left=patience.attempts_left(row.failures),
            throttles_left=patience.throttles_left(row.throttles),
            races_left=patience.races_left(row.races),
            doubt=row.doubt,
            abstract=row.abstract,
            request=row.request(self.api) if self.api.schema.grammar == "members" else None,
        )

    async def _act(  # noqa: PLR0911  # a line a verdict
        self,
        verdict: ReadBack | DecideAnew | Reroute | HaltRun | SlowDown | Retry | Renew,
        row: InFlightRow,
        sent: Exchanged,
    ) -> Ending | None:
        """Carry out a verdict; return the row's ending, None to send the row again."""
        match verdict:
            case ReadBack():
                return NeedsReadBack(verdict, sent.outcome)
            case DecideAnew(settle):
                return await self._decide_anew(row, settle, sent.outcome)
            case Reroute(status):
                self._note(row, SAFE, Event.REROUTE)
                return Rerouted(status)
            case HaltRun():
                return self._halt(verdict, row, sent.outcome)
            case SlowDown(doubt):
                return self._slow_down(row, doubt, sent.pause)
            case Retry():
                return await self._retry(row, verdict, sent.outcome)
            case Renew():
                self._note(row, SAFE, Event.RETRY)
                return None if await self.exchange.renew(sent.headers) else self._leave(row)

    async def _retry(self, row: InFlightRow, verdict: Retry, outcome: Outcome) -> Ending | None:
        row.failures += 1
        row.doubt = row.doubt or verdict.doubt
        self._note(row, verdict.doubt or SAFE, Event.RETRY)
        exchange = self.exchange
        if outage := self.limiter.outage(why_not(outcome)):
            exchange.stop.request("outage", outage)
        self.limiter.retry()
        asked = 0.0 if verdict.doubt else self._asked(outcome, verdict.wait)
        if asked and exchange.park(asked):
            return self._leave(row)
        wait = max(asked, exchange.patience.backoff(row.failures, exchange.clock.sample()))
        return None if await exchange.stop.sleep(wait) else self._leave(row)

    def _asked(self, outcome: Outcome, least: float) -> float:
        """Return the seconds that the row must wait after a refusal: its `Retry-After`, `least` if it has none."""
        found = read_retry_after(outcome.headers, self.exchange.clock.wall()) if isinstance(outcome, Reply) else None
        return least if found is None else found

    def _halt(self, verdict: HaltRun, row: InFlightRow, outcome: Outcome) -> Ending:
        self.exchange.stop.request(verdict.halt.reason, verdict.halt.message)
        if verdict.settle is not None:
            return Judged(verdict.settle, outcome)
        self._note(row, verdict.doubt or SAFE, Event.STOP)
        return INTERRUPTED

    def _slow_down(self, row: InFlightRow, doubt: str, pause: float) -> Ending | None:
        row.throttles += 1
        row.doubt = row.doubt or doubt
        self._note(row, doubt or SAFE, Event.RETRY)
        return self._leave(row) if self.exchange.park(pause) else None

    async def _decide_anew(self, row: InFlightRow, settle: Settle, outcome: Outcome) -> Ending | None:
        """Read the record and decide the row anew after a lost race: its fields must be as planned, or as read."""
        row.races += 1
        if row.expected is None:
            row.expected = row.change.edits
        self._note(row, SAFE, Event.RETRY)
        await self.reading.again(row)
        verdict = row.verdict
        if self.exchange.stop.reason:
            return self._leave(row)
        if isinstance(verdict, Settle) and verdict.status is Status.CONFLICT:
            verdict = replace(verdict, message=f"{settle.message}; {verdict.message}")
        return None if verdict is None else _unsent(verdict, outcome)

    def _note(self, row: InFlightRow, outcome: str, event: Event) -> None:
        row.state = step(row.state, event)
        if outcome in ANSWERED and row.job.replay_safe:
            row.answered = row.attempts
        self.journal.note(row.number, row.attempts, outcome)

    def _leave(self, row: InFlightRow) -> Interrupted:
        row.state = step(row.state, Event.STOP)
        return INTERRUPTED


def _unsendable(request: Request) -> str:
    """Return why a request can never leave, empty if it can: no further attempt would change that."""
    return unsendable(request.headers) if request.headers else ""


def _unsent(verdict: Settle | ReadBack, outcome: Outcome | None = None) -> Ending:
    """End a row that must not be sent, because of what was read of its record."""
    return Judged(verdict, outcome) if isinstance(verdict, Settle) else NeedsReadBack(verdict, outcome)
