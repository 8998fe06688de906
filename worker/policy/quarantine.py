"""Rows that fail night after night: whose failure it is, when they are set aside, and when they are tried again.

`worker.reconcile` counts the nights, and says what makes two failures one.
"""

from datetime import date
from typing import Final

from jobs.model import Status
from jobs.values import valueclass
from worker.policy.guards import SERVER_WIDE
from worker.policy.night_guards import Limit, Share

TROUBLED: Final = frozenset({Status.INVALID, Status.REJECTED, Status.FAILED})
"""Statuses of rows that fail: what is in doubt or in conflict is none of them."""

_ONE_IN_A_HUNDRED: Final = Share(1)


@valueclass(frozen=True, slots=True)
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


def is_own(status: Status, reason: str) -> bool:
    """Return whether a row has failed, and neither the server nor the credential is to blame for it."""
    return status in TROUBLED and reason not in SERVER_WIDE


def is_ripe(nights: int, rules: Quarantine) -> bool:
    """Return whether a row that has failed for one cause in so many nights is set aside."""
    return 0 < rules.after <= nights


def is_skipped(then: Circumstances, tried: date, now: Circumstances, today: date, rules: Quarantine) -> bool:
    """Return whether a row that is set aside is skipped tonight.

    Args:
        then: what its failure may be due to.
        tried: date of the last night in which it was tried.
        now: the same as `then`, tonight.
        today: the date of tonight.
        rules: of the job.
    """
    return not then.differ(now) and (not rules.again or (today - tried).days < rules.again)


def is_too_many(aside: int, rows: int, rules: Quarantine) -> bool:
    """Return whether so many of the rows are set aside that the night does not end well."""
    if isinstance(rules.most, Share):
        return rules.most.is_exceeded(aside, rows)
    return rules.most is not None and aside > rules.most
