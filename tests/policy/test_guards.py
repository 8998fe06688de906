"""When a run as a whole stops."""

from collections.abc import Sequence

import pytest

from jobs.model import Status
from worker.policy.guards import Guards, Halt, StopAfter

APPLIED = (Status.APPLIED, "")
MISSING = (Status.REJECTED, "not_found")
INVALID = (Status.REJECTED, "validation")
FORBIDDEN = (Status.REJECTED, "not_authorized")
BROKEN = (Status.UNKNOWN, "server_error")
UNREACHED = (Status.FAILED, "unreachable")
MISMATCH = (Status.UNKNOWN, "reply_mismatch")
CONFLICT = (Status.CONFLICT, "conflict")


def stopped_at(rows: Sequence[tuple[Status, str]], stop_after: StopAfter | None = None) -> tuple[int, str] | None:
    """The number of the row that stops the run, and the reason; None when none does."""
    guards = Guards(stop_after) if stop_after else Guards()
    for number, (status, reason) in enumerate(rows, start=1):
        halt = guards.settled(status, reason)
        if halt:
            return number, halt.reason
    return None


@pytest.mark.parametrize(
    ("rows", "stop"),
    [
        ([FORBIDDEN] * 9, (5, "not_authorized")),  # no permission at all
        ([APPLIED] + [FORBIDDEN] * 9, (6, "not_authorized")),  # or lost in mid-run
        ([FORBIDDEN] * 4 + [APPLIED] + [FORBIDDEN] * 4, None),  # some records are out of bounds
        ([MISSING] * 30, (20, "not_found")),  # the wrong account, most likely
        ([INVALID] * 30, (20, "validation")),
        ([MISMATCH] * 30, (20, "reply_mismatch")),  # a portal answers
        ([APPLIED] + [MISSING] * 30, None),  # some were right: these are missing
        ([APPLIED] + [INVALID] * 30, None),
        ([MISSING] * 19 + [INVALID] * 19 + [MISSING] * 19, None),  # never the same for long
        ([MISSING] * 19 + [INVALID] + [MISSING] * 20, (40, "not_found")),
        ([APPLIED] + [BROKEN] * 30, (21, "server_error")),  # the server is down, whatever it did before
        ([APPLIED] + [UNREACHED] * 30, (21, "unreachable")),
        ([BROKEN] * 19 + [APPLIED] + [BROKEN] * 19, None),
        ([(Status.UNCHANGED, "")] + [MISSING] * 30, None),  # a row that is right already is a success as well
    ],
)
def test_the_same_ending_again_and_again_stops_the_run(
    rows: list[tuple[Status, str]], stop: tuple[int, str] | None
) -> None:
    assert stopped_at(rows) == stop


@pytest.mark.parametrize(
    ("rows", "threshold", "stop"),
    [
        ([APPLIED, INVALID, MISSING, INVALID], StopAfter(rows=3), 4),
        ([APPLIED, INVALID, BROKEN, UNREACHED], StopAfter(rows=3), 4),  # rejected, unknown and failed count
        ([APPLIED, INVALID, CONFLICT, INVALID], StopAfter(rows=3), None),  # somebody else's change does not
        ([INVALID] * 15, StopAfter(rows=15), 15),  # before the guard at 20
        ([APPLIED] * 94 + [INVALID] * 6, StopAfter(share=5.0), 100),  # more than the share
        ([APPLIED] * 95 + [INVALID] * 5, StopAfter(share=5.0), None),  # not more
        ([APPLIED] + [INVALID, MISSING] * 49, StopAfter(share=5.0), None),  # too few rows to tell
        ([APPLIED] * 1000 + [INVALID] * 53, StopAfter(share=5.0), 1053),
        ([APPLIED] + [INVALID] * 500, None, None),
    ],
)
def test_the_users_threshold_stops_the_run(
    rows: list[tuple[Status, str]], threshold: StopAfter | None, stop: int | None
) -> None:
    assert stopped_at(rows, threshold) == (stop and (stop, "stop_after"))


def test_a_halt_says_how_many_rows_and_which_threshold() -> None:
    guards = Guards(StopAfter(rows=1))
    assert guards.settled(*INVALID) == Halt("stop_after", "1 rows failed; --stop-after 1 was asked for")
    shared = Guards(StopAfter(share=2.5))
    halts = [shared.settled(*row) for row in [APPLIED] * 97 + [INVALID] * 3]
    assert halts[-1] == Halt("stop_after", "3 of 100 rows failed; --stop-after 2.5% was asked for")
    strict = Guards()
    halts = [strict.settled(*FORBIDDEN) for _ in range(5)]
    assert halts[-1] == Halt("not_authorized", "5 rows in a row ended as not_authorized, without a success between")
