"""When a run as a whole stops: values lost, a refusal that concerns every row, a streak of failures, a threshold.

Rows are judged in the order in which they began, not in the order in which they end: a refusal is quicker than a
success, and a missing record is known before its neighbours have been sent. While a row that began earlier may still
succeed, later failures may be the rows' own fault. Reading and sending are judged separately: if no row can be sent,
that says nothing about reading, and vice versa. A row that a read shows to be right already is a success of reading
alone: it does not excuse that every row sent is refused.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from typing import Final

from jobs.model import SETTLED_WELL, Status
from jobs.reasons import KEPT_FORM
from jobs.texts import shortened
from jobs.values import valueclass

VALUES_LOST: Final = "values_lost"
"""Reason of rows that took values from their records which they do not set: one is enough to stop the run."""

UNAUTHORISED_ROWS: Final = 5
"""Rows refused for lack of permission, with no success between them, that stop the run."""

IDENTICAL_ROWS: Final = 20
"""Rows that fail for the same reason, with no success between them, that stop the run."""

SETTLED_BEFORE_SHARE: Final = 100
"""Rows that must be settled before a share of failures means anything."""

SERVER_WIDE: Final = frozenset(
    {
        "not_authorized", "unreachable", "throttled", "busy", "server_error", "timed_out", "reply_lost",
        "reply_mismatch", "reply_garbled", "accepted", "not_taken", "lookup_failed",
        "no_version", "not_as_described",
    }
)  # fmt: skip
"""Reasons that concern the server or the credential rather than the row: they stop a run at any time."""

_REMEMBERED: Final = 10_000
"""Failures that are stored by place, so that a row that ends late can be compared with its neighbours."""

_SAID: Final = 200
"""Characters of a row's own message that are shown."""

_ALONE: Final = SETTLED_WELL | {Status.CONFLICT}
"""Statuses of rows that say something of their record alone, however many there are."""

_BAD: Final = frozenset({Status.REJECTED, Status.FAILED, Status.UNKNOWN})


@valueclass(frozen=True, slots=True)
class Halt:
    """The run stops: `reason` in one word, `message` for the user."""

    reason: str
    message: str


def told_to_stop(words: str) -> Halt:
    """Return the halt by a reply that the API's description calls the end of every run, with the server's words."""
    return Halt("stopped_by_api", f"the API lets nothing more through; go on once it does: {shortened(words, _SAID)}")


@valueclass(frozen=True, slots=True)
class StopAfter:
    """The user's threshold: a number of bad rows, or a share of the settled rows (per cent). None: no threshold."""

    rows: int | None = None
    share: float | None = None


@valueclass(frozen=True, slots=True)
class _Streak:
    """Adjacent rows that failed for one reason: how many, and whether an earlier row succeeded or still may."""

    rows: int
    is_excused: bool


@dataclass(slots=True)
class _Line:
    """Rows that are all being read, or all being sent, in the order in which they began."""

    succeeded: bool = False
    _begun: int = 0
    _open: dict[int, int] = field(default_factory=dict)
    _bad: dict[int, str] = field(default_factory=dict)
    _latest: deque[int] = field(default_factory=deque)

    def begin(self, row: int) -> None:
        """Give the row a place, unless it has one already."""
        if row not in self._open:
            self._open[row] = self._begun
            self._begun += 1

    def has(self, row: int) -> bool:
        """Return True if the row has begun and not ended."""
        return row in self._open

    def leave(self, row: int) -> None:
        """End a row that says nothing about the others; it ends a streak of failures."""
        self._open.pop(row, None)

    def fail(self, row: int, reason: str) -> "_Streak":
        """End a row that failed; return the streak that it forms with its neighbours."""
        self.begin(row)
        place = self._open.pop(row)
        self._bad[place] = reason
        self._latest.append(place)
        if len(self._latest) > _REMEMBERED:
            del self._bad[self._latest.popleft()]
        first = next(iter(self._open.values()), place)  # rows are kept in the order of their places
        return _Streak(1 + self._alike(place, -1) + self._alike(place, 1), self.succeeded or first < place)

    def _alike(self, place: int, step: int) -> int:
        reason, count = self._bad[place], 0
        while count < IDENTICAL_ROWS and self._bad.get(place + step * (count + 1)) == reason:
            count += 1
        return count


@dataclass(slots=True)
class Guards:
    """Watches the settled rows, and decides when the run stops.

    Attributes:
        stop_after: the user's threshold.
        has_succeeded: an earlier process of the run applied rows, so refusals now concern the rows.
    """

    stop_after: StopAfter = field(default_factory=StopAfter)
    has_succeeded: InitVar[bool] = False
    _reads: _Line = field(default_factory=_Line)
    _sends: _Line = field(default_factory=_Line)
    _settled: int = 0
    _bad: int = 0

    def __post_init__(self, has_succeeded: bool) -> None:
        """Begin where an earlier process left off."""
        self._reads.succeeded = self._sends.succeeded = has_succeeded

    def reading(self, rows: Iterable[int]) -> None:
        """Note the rows whose records are being read, in their order."""
        for row in rows:
            self._reads.begin(row)

    def found(self, row: int) -> None:
        """Note a row whose record was read, and which is to be sent."""
        self._reads.succeeded = True
        self._reads.leave(row)

    def sending(self, row: int) -> None:
        """Note a row that is being sent."""
        self._sends.begin(row)

    def left(self, row: int) -> None:
        """Note a row that ended in another way than by being read or sent."""
        self._reads.leave(row)
        self._sends.leave(row)

    def settled(self, row: int, status: Status, reason: str, message: str = "") -> Halt | None:
        """Note a row that was settled by being read or sent; return a halt if the run must stop."""
        self._settled += 1
        self._bad += status in _BAD
        line = self._sends if self._sends.has(row) else self._reads
        if status in SETTLED_WELL:
            self._reads.succeeded = True
            self._sends.succeeded |= status is Status.APPLIED or line is self._sends
        if status in _ALONE or reason == KEPT_FORM:
            self.left(row)
            return Halt(reason, f"row {row}: {message}") if reason == VALUES_LOST else None
        streak = line.fail(row, reason)
        self.left(row)
        return _identical(streak, reason, message) or self._threshold()

    def _threshold(self) -> Halt | None:
        rows, share = self.stop_after.rows, self.stop_after.share
        if rows is not None and self._bad >= rows:
            return Halt("stop_after", f"{self._bad} rows failed; --stop-after {rows} was asked for")
        enough = self._settled >= SETTLED_BEFORE_SHARE
        if share is not None and enough and self._bad * 100 > share * self._settled:
            return Halt(
                "stop_after", f"{self._bad} of {self._settled} rows failed; --stop-after {share:g}% was asked for"
            )
        return None


def _identical(streak: _Streak, reason: str, message: str) -> Halt | None:
    if streak.is_excused and reason not in SERVER_WIDE:
        return None
    if streak.rows < (UNAUTHORISED_ROWS if reason == "not_authorized" else IDENTICAL_ROWS):
        return None
    said = f": {shortened(message, _SAID)}" if message else ""
    return Halt(reason, f"{streak.rows} rows in a row ended as {reason}, without a success between{said}")
