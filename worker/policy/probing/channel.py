"""The record through the caller: each read and each write of a conversation, and what was heard meanwhile."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.model import Edit, Outcome, Reply, Request
from worker.policy.probing.judging import AT_ONCE_S, PATIENCE_S
from worker.policy.probing.steps import Amend, Answered, Broken, Conclude, Propose, Read, Step, Wait, Write
from worker.policy.probing.subject import Reading, Subject
from worker.policy.verdict import Settle
from worker.policy.wording import errors_text, why_not

_LONGEST_PAUSE_S: Final = 2.0
_REFUSED: Final = 400


class Declined(Exception):
    """The user does not want a write."""


@dataclass(slots=True)
class Channel:
    """What a conversation says and hears.

    Attributes:
        subject: the record, by the description that is tested, or one that was found to be right.
        reading: the latest.
        open: numbers of the rows without a result, by name.
        headers: of all replies so far, names in lower case.
        lag: seconds after which a read showed a write; None before one did.
        failures: replies that refused something, in order.
        stale: loop time in seconds of the latest read that did not show what was waited for.
    """

    subject: Subject
    reading: Reading
    open: dict[str, int]
    headers: dict[str, str] = field(default_factory=dict)
    failures: list[Reply] = field(default_factory=list)
    lag: float | None = None
    stale: float = 0.0

    def propose(self, *lines: str) -> Generator[Step, Any, None]:
        """Ask for leave to write.

        Raises:
            Declined: it is not given.
        """
        if not (yield Propose(lines)):
            raise Declined

    def write(self, row: str, request: Request, edits: tuple[Edit, ...]) -> Generator[Step, Any, Answered]:
        """Send an update.

        Raises:
            Broken: nothing more can be sent.
        """
        return self._heard((yield Write(self.open[row], request, edits)))

    def read(self) -> Generator[Step, Any, Reading]:
        """Read the record.

        Raises:
            Broken: it cannot be read any more.
        """
        answered = self._heard((yield Read(self.subject.read())))
        outcome = answered.outcome
        reading = self.subject.reading(outcome, answered.asked) if isinstance(outcome, Reply) else None
        if reading is None:
            raise Broken(f"the record can no longer be read: {why_not(outcome)}")
        self.reading = reading
        return reading

    def until(
        self, holds: Callable[[Reading], bool], since: float, limit: float = PATIENCE_S, *, patient: bool = False
    ) -> Generator[Step, Any, Reading | None]:
        """Read until something holds; None if it does not in time, or the user wants an end.

        Args:
            holds: what is waited for.
            since: loop time in seconds from which the limit counts.
            limit: seconds to wait at most.
            patient: wait although the user wants an end.
        """
        pause = AT_ONCE_S
        while True:
            reading = yield from self.read()
            if holds(reading):
                return reading
            if reading.asked - since >= limit or not (yield Wait(pause, patient)):
                return None
            self.stale = reading.asked
            pause = min(1.5 * pause, _LONGEST_PAUSE_S)

    def read_anew(self, shows: Callable[[Reading], bool]) -> Generator[Step, Any, Reading]:
        """Read after a write that may show nothing: at once, and once more when reads no longer lag."""
        reading = yield from self.read()
        if not shows(reading) and (yield Wait(self.pause)):
            reading = yield from self.read()
        return reading

    def lagged(self, shown: Reading, written: Answered) -> tuple[float, float]:
        """Note how late a write was shown; return the seconds of the last read before, and of that one."""
        self.lag = max(0.0, shown.asked - written.at)
        return max(0.0, self.stale - written.at), self.lag

    def follow(self, subject: Subject) -> None:
        """Go by another description from now on."""
        self.subject = subject

    def amend(self, row: str, edits: tuple[Edit, ...]) -> Generator[Step, Any, None]:
        """Have recorded what a write replaced, as far as it was seen."""
        yield Amend(self.open[row], edits)

    def conclude(self, row: str, settle: Settle, outcome: Outcome | None = None) -> Generator[Step, Any, None]:
        """Have the result of a row recorded."""
        yield Conclude(self.open.pop(row), settle, outcome.status if isinstance(outcome, Reply) else 0)

    def words(self, outcome: Outcome) -> str:
        """Return what a refusal says, and what it points at."""
        if not isinstance(outcome, Reply):
            return why_not(outcome)
        errors = self.subject.resource.errors(outcome, {})
        places = dict.fromkeys(error.pointer for error in errors if error.pointer and not error.field)
        about = f" (at {', '.join(places)})" if places else ""
        return f"{errors_text(outcome.status, errors)}{about}"

    @property
    def pause(self) -> float:
        """Seconds after which a write shows if it ever does."""
        said = self.subject.settle_s if self.lag is None else 2 * self.lag + AT_ONCE_S
        return min(said, PATIENCE_S)

    def _heard(self, answered: Answered | None) -> Answered:
        if answered is None:
            raise Broken("nothing more could be sent")
        if isinstance(answered.outcome, Reply):
            self.headers.update(answered.outcome.headers)
            if answered.outcome.status >= _REFUSED:
                self.failures.append(answered.outcome)
        return answered
