"""When a run as a whole stops: a refusal that concerns every row, a row of failures, a threshold."""

from dataclasses import dataclass, field
from typing import Final

from jobs.model import SETTLED_WELL, Status

UNAUTHORISED_ROWS: Final = 5
"""Rows refused for lack of permission, without a success between them, that stop the run."""

IDENTICAL_ROWS: Final = 20
"""Rows that end the same way, without a success between them, that stop the run."""

SETTLED_BEFORE_SHARE: Final = 100
"""Rows that must be settled before a share of failures means anything."""

_SERVER_WIDE: Final = frozenset(
    {
        "not_authorized", "unreachable", "throttled", "server_error", "timed_out", "reply_lost", "reply_mismatch",
        "reply_garbled", "not_applied",
    }
)  # fmt: skip
"""Reasons that tell about the server or the credential rather than about the row: they stop a run at any time."""

_BAD: Final = frozenset({Status.REJECTED, Status.FAILED, Status.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Halt:
    """The run stops: `reason` in one word, `message` for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class StopAfter:
    """The user's threshold: so many bad rows, or such a share of the settled ones (per cent). None: no threshold."""

    rows: int | None = None
    share: float | None = None


@dataclass(slots=True)
class Guards:
    """Watches the rows that are settled and says when to stop.

    Attributes:
        stop_after: the user's threshold.
    """

    stop_after: StopAfter = field(default_factory=StopAfter)
    _succeeded: bool = False
    _reason: str = ""
    _streak: int = 0
    _settled: int = 0
    _bad: int = 0

    def settled(self, status: Status, reason: str) -> Halt | None:
        """Take note of a row that was sent and settled; say whether the run must stop."""
        self._settled += 1
        if status in SETTLED_WELL:
            self._succeeded, self._reason, self._streak = True, "", 0
            return None
        if status is Status.CONFLICT:
            return None  # about this record alone, however many there are
        self._streak = self._streak + 1 if reason == self._reason else 1
        self._reason = reason
        self._bad += status in _BAD
        return self._identical() or self._threshold()

    def _identical(self) -> Halt | None:
        if self._succeeded and self._reason not in _SERVER_WIDE:
            return None
        enough = UNAUTHORISED_ROWS if self._reason == "not_authorized" else IDENTICAL_ROWS
        if self._streak < enough:
            return None
        return Halt(self._reason, f"{self._streak} rows in a row ended as {self._reason}, without a success between")

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
