"""Rows that fail night after night: counted, set aside, tried again, and told once they are well.

What makes two failures one is what is known of them for certain: status, reason, columns, codes of the API. Messages
have request ids and times in them, so that no two are alike. Nights are counted by local dates: an hourly job has one.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from jobs.model import RowResult, Status
from jobs.values import valueclass
from worker.policy.guards import SERVER_WIDE
from worker.policy.night_guards import Limit, Share

TROUBLED: Final = frozenset({Status.INVALID, Status.REJECTED, Status.FAILED})
"""Statuses of rows that fail: what is in doubt or in conflict is none of them."""

_ONE_IN_A_HUNDRED: Final = Share(1)
_WELL: Final = frozenset({Status.APPLIED, Status.UNCHANGED})


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The rules of a job.

    Attributes:
        after: nights of one failure after which a row is set aside; 0 for never.
        again: nights after which it is tried again; 0 for only when something has changed, or on request.
        most: rows that may be set aside before the night does not end well any more.
    """

    after: int = 3
    again: int = 7
    most: Limit = _ONE_IN_A_HUNDRED


@valueclass(frozen=True, slots=True)
class Cause:
    """Why a row failed."""

    status: Status
    reason: str
    fields: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@valueclass(frozen=True, slots=True)
class Circumstances:
    """What a failure may be due to, as digests.

    Attributes:
        row: of its cells. `recipe`: of the recipe.
        live: of the version of the record, or of its values; None if it was not read.
    """

    row: bytes
    recipe: bytes
    live: bytes | None = None

    def differ(self, other: "Circumstances") -> bool:
        """Return whether anything has changed, as far as both are known."""
        is_read = self.live is not None and other.live is not None
        return self.row != other.row or self.recipe != other.recipe or (is_read and self.live != other.live)


@valueclass(frozen=True, slots=True)
class Trouble:
    """What is remembered of a row that fails.

    Attributes:
        first: date of the first night of this failure. `last`: of the last night in which it was tried.
        nights: in which it has failed.
        aside: date since which it is set aside; None if it is not.
    """

    cause: Cause
    at: Circumstances
    first: date
    last: date
    nights: int = 1
    aside: date | None = None


def cause_of(result: RowResult) -> Cause | None:
    """Return why a row failed; None if it did not, or if the server or the credential is to blame for it."""
    if result.status not in TROUBLED or result.reason in SERVER_WIDE:
        return None
    codes = {error.code for error in result.errors if error.code}
    return Cause(result.status, result.reason, tuple(sorted(set(result.fields))), tuple(sorted(codes)))


def failed(known: Trouble | None, cause: Cause, at: Circumstances, today: date, rules: Quarantine) -> Trouble:
    """Return what is remembered of a row that has failed; another cause than before begins anew."""
    if known is None or known.cause != cause:
        return _judged(Trouble(cause, at, today, today), today, rules)
    nights = known.nights + (today > known.last)
    return _judged(Trouble(cause, at, known.first, max(today, known.last), nights, known.aside), today, rules)


def is_set_aside(
    known: Trouble | None, at: Circumstances, today: date, rules: Quarantine, *, requested: bool = False
) -> bool:
    """Return whether a row is skipped tonight; `requested`: somebody asked to try all of them again."""
    if known is None or known.aside is None or requested or known.at.differ(at):
        return False
    return not rules.again or (today - known.last).days < rules.again


def has_recovered(known: Trouble | None, status: Status) -> bool:
    """Return whether a row that failed is well again, so that its trouble is told a last time and forgotten."""
    return known is not None and status in _WELL


def is_too_many(aside: int, rows: int, rules: Quarantine) -> bool:
    """Return whether so many of the rows are set aside that the night does not end well."""
    if isinstance(rules.most, Share):
        return rules.most.is_exceeded(aside, rows)
    return rules.most is not None and aside > rules.most


def _judged(trouble: Trouble, today: date, rules: Quarantine) -> Trouble:
    """Return the trouble, set aside if it has lasted long enough."""
    if trouble.aside is not None or not 0 < rules.after <= trouble.nights:
        return trouble
    return Trouble(trouble.cause, trouble.at, trouble.first, trouble.last, trouble.nights, today)
