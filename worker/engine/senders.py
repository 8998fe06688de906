"""The bounded pool: workers that send the rows of the sequencer, and settle them by their outcomes.

There is no task per row. The first updates of a type are sent alone and read back in full.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from jobs.model import JSON, Status
from worker.engine.attempt import AttemptLoop, Ending, Judged, NeedsReadBack, Rerouted
from worker.engine.bells import Bells
from worker.engine.outcomes import Outcomes
from worker.engine.reading import Reading
from worker.engine.settling import Settling
from worker.policy.canary import strayed, unstuck, vanished
from worker.policy.row import InFlightRow, room_at
from worker.policy.sequencer import Sequencer
from worker.policy.verdict import ReadBack, values_lost
from worker.stop import Stop


@dataclass(slots=True)
class Senders:
    """Sends every row to its end, or until the run ends.

    Attributes:
        reads_per_row: requests that read a row's record, as far as they spend the quota of updates.
    """

    sequencer: Sequencer
    attempts: AttemptLoop
    reading: Reading
    outcomes: Outcomes
    settling: Settling
    bells: Bells
    stop: Stop
    reads_per_row: float = 0.0
    _admitting: int = 0

    async def run(self, workers: int, settlers: int = 2) -> None:
        """Send until nothing is left to do or the run ends.

        Args:
            workers: rows sent at once at most.
            settlers: pages of rows in doubt read at once at most.
        """
        async with anyio.create_task_group() as group:
            for _ in range(max(1, settlers)):
                group.start_soon(self.settling.run)
            async with anyio.create_task_group() as working:
                for _ in range(workers):
                    working.start_soon(self._work)
            self.settling.end()

    def room(self) -> int:
        """Return how many rows may be ahead of the senders at the current pace."""
        return 0 if self.settling.is_full else room_at(self.rate(), self.attempts.api.page)

    def rate(self) -> float:
        """Return the rows per second that the pace allows, infinity if nothing is known."""
        return self.attempts.limiter.pace.rate() / (1.0 + self.reads_per_row)

    async def _work(self) -> None:
        while (row := await self._next()) is not None:
            self.outcomes.guards.sending(row.number)
            ending = await (self._send_alone(row) if row.is_canary else self.attempts.run(row, admitted=True))
            match ending:
                case Judged(settle, outcome):
                    if settle.status is Status.APPLIED:
                        self.settling.succeeded()
                    self.outcomes.settle(row, settle, outcome)
                case NeedsReadBack(question, outcome):
                    self.outcomes.doubt(row, question, outcome)
                    self.settling.add(row, question, outcome)
                case Rerouted():
                    self.sequencer.refused(row)
                    self.outcomes.drain()

    async def _next(self) -> InFlightRow | None:
        """Return the next row to send, with a slot reserved for it; None if no more will come.

        The slot comes first: until then rows wait in the sequencer, where stale ones are read again a page at a time.
        """
        while not self.stop.reason:
            if len(self.sequencer.ready) > self._admitting and not self.settling.holds:
                if not (self.attempts.limiter.admit_at_once() or await self._admitted()):
                    break
                if (row := self._taken()) is not None:
                    return row
                self.attempts.limiter.release()
            elif self.sequencer.is_done:
                break
            else:
                await self.bells.rows.wait()
        self.bells.ring()
        return None

    def _taken(self) -> InFlightRow | None:
        """Take the next row from the sequencer, and wake the readers if that makes room."""
        row = self.sequencer.next_row(self._is_open if self.attempts.exchange.gates else None)
        if self.sequencer.out:
            self.outcomes.drain()
        if self.sequencer.reads_on(self.room()):
            self.bells.room.ring()
        return row

    def _is_open(self, row: InFlightRow) -> bool:
        """Return True if the gates of a row are open; those of others need not wait behind it."""
        gates = self.attempts.exchange.gates
        return gates is None or gates.is_open(gates.places(row.type_name, (row.job.id,), reads=False))

    async def _admitted(self) -> bool:
        """Reserve a slot. Count the waiting workers, so that never more of them wait than there are rows."""
        self._admitting += 1
        try:
            return await self.attempts.limiter.admit()
        finally:
            self._admitting -= 1

    async def _send_alone(self, row: InFlightRow) -> Ending:
        """Send one of the first rows of a type, and check that it changed what it should and nothing else.

        A value that does not stick puts the row in doubt, so that it is reported only once it is settled.
        """
        job, lookup, gives_way = row.job, self.reading.lookup, self.attempts.exchange.gives_way
        if gives_way:
            self.attempts.limiter.release()
        try:
            before = await lookup.record(job.type, job.id)
        except BaseException:
            if not gives_way:
                self.attempts.limiter.release()
            raise
        ending = await self.attempts.run(row, admitted=not gives_way)
        if before is None or not (isinstance(ending, Judged | NeedsReadBack) and self._is_confirmed(ending)):
            return ending
        found = await lookup.record(job.type, job.id)
        return ending if found is None else self._as_seen(row, ending, before, found)

    def _is_confirmed(self, ending: Judged | NeedsReadBack) -> bool:
        """Return True if the API has confirmed an update, though perhaps by a reply that shows nothing."""
        if isinstance(ending, Judged):
            return ending.settle.status is Status.APPLIED
        return ending.question.reason == "unverified" and self.reading.lookup.api.schema.grammar == "members"

    def _as_seen(
        self, row: InFlightRow, ending: Judged | NeedsReadBack, before: Mapping[str, JSON], found: Mapping[str, JSON]
    ) -> Ending:
        """Judge a first update by the whole record before and after it."""
        job, schema = row.job, self.reading.lookup.api.schema
        verdict = ending.settle if isinstance(ending, Judged) else ending.question
        edits = verdict.stored or row.change.edits
        if names := unstuck(edits, found, schema):
            if isinstance(ending, NeedsReadBack):
                return ending  # it is read again anyway
            said = f"sent, and not on the record right after: {', '.join(names)}"
            return NeedsReadBack(ReadBack("not_taken", said, stored=verdict.stored), ending.outcome)
        kind = schema.resource_type(row.type_name)
        if schema.grammar == "members":
            lost = vanished(kind, row.change, before, found)
            return Judged(values_lost(edits, lost), ending.outcome) if lost else ending
        if said := strayed(kind, row.change, before, found):
            self.stop.request("canary", f"row {row.number} ({job.type}/{job.id}): {said}")
        return ending
