"""When a run as a whole stops."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import Status
from worker.policy.guards import IDENTICAL_ROWS, Guards, Halt, StopAfter

Ends = tuple[Status, str]

APPLIED = (Status.APPLIED, "")
MISSING = (Status.REJECTED, "not_found")
INVALID = (Status.REJECTED, "validation")
FORBIDDEN = (Status.REJECTED, "not_authorized")
BROKEN = (Status.UNKNOWN, "server_error")
UNREACHED = (Status.FAILED, "unreachable")
UNREAD = (Status.FAILED, "lookup_failed")
MISMATCH = (Status.UNKNOWN, "reply_mismatch")
CONFLICT = (Status.CONFLICT, "conflict")
UNCHANGED = (Status.UNCHANGED, "")


def stopped_at(rows: Sequence[Ends], stop_after: StopAfter | None = None) -> tuple[int, str] | None:
    """The number of the row that stops the run when each is sent after the one before; None when none does."""
    guards = Guards(stop_after) if stop_after else Guards()
    for number, (status, reason) in enumerate(rows, start=1):
        guards.sending(number)
        halt = guards.settled(number, status, reason)
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
        ([INVALID] * 19 + [CONFLICT] + [INVALID] * 19, None),  # one was read, and is somebody else's matter
        ([APPLIED] + [BROKEN] * 30, (21, "server_error")),  # the server is down, whatever it did before
        ([APPLIED] + [UNREACHED] * 30, (21, "unreachable")),
        ([BROKEN] * 19 + [APPLIED] + [BROKEN] * 19, None),
        ([(Status.UNKNOWN, "not_taken")] * 30, (20, "not_taken")),
        ([(Status.UNKNOWN, "kept_form")] * 30, None),  # the API may store such texts so
        ([UNCHANGED] + [MISSING] * 30, None),  # a row that is right already is a success as well
    ],
)
def test_the_same_ending_again_and_again_stops_the_run(rows: list[Ends], stop: tuple[int, str] | None) -> None:
    assert stopped_at(rows) == stop


@pytest.mark.parametrize(
    ("ends", "stop"),
    [
        ([MISSING] * 30, "not_found"),
        ([UNREAD] * 30, "lookup_failed"),
        ([None] * 5 + [MISSING] * 30, ""),
        ([None] * 5 + [UNREAD] * 30, "lookup_failed"),  # reads are refused now, whatever they were before
        ([UNREAD, None] * 30, ""),
        ([MISSING, *[None] * 9] * 30, ""),
        ([UNCHANGED] + [MISSING] * 30, ""),
    ],
)
def test_what_is_read_is_judged_before_any_of_it_is_sent(ends: list[Ends | None], stop: str) -> None:
    """Whole pages are read ahead; None is a row that is found, and waits to be sent."""
    guards = Guards()
    halts = [read_row(guards, row, each) for row, each in enumerate(ends)]
    assert {halt.reason for halt in halts if halt} == ({stop} if stop else set())


def read_row(guards: Guards, row: int, end: Ends | None) -> Halt | None:
    guards.reading([row])
    if end is None:
        guards.found(row)
        return None
    return guards.settled(row, *end)


def test_a_page_that_comes_late_parts_the_rows_around_it() -> None:
    guards = Guards()
    guards.reading(range(75))
    halts = [guards.settled(row, *MISSING) for row in (*range(15), *range(50, 65))]
    assert halts == [None] * 30  # 15 to 49 are still being read
    for row in range(15, 50):
        guards.left(row)  # superseded, say
    assert [guards.settled(row, *MISSING) for row in range(65, 69)] == [None] * 4
    assert guards.settled(69, *MISSING) == Halt(
        "not_found", "20 rows in a row ended as not_found, without a success between"
    )


@pytest.mark.parametrize("late", [range(5), range(25)])
def test_rows_that_are_missing_stop_nothing_while_those_before_them_are_still_being_read(late: range) -> None:
    guards = Guards()
    guards.reading(range(100))
    assert [guards.settled(row, *MISSING) for row in range(late.stop, 100)] == [None] * (100 - late.stop)
    guards.found(late[0])  # the account is the right one
    assert [guards.settled(row, *MISSING) for row in late[1:]] == [None] * (len(late) - 1)


def test_a_page_of_missing_rows_that_comes_late_stops_the_run_with_those_behind_it() -> None:
    guards = Guards()
    guards.reading(range(100))
    assert [guards.settled(row, *MISSING) for row in range(25, 100)] == [None] * 75
    halts = [guards.settled(row, *MISSING) for row in range(25)]
    assert next(row for row, halt in enumerate(halts) if halt) == IDENTICAL_ROWS - 1


BAD_REQUEST = (Status.REJECTED, "bad_request")


@pytest.mark.parametrize("refused", [INVALID, BAD_REQUEST])
@pytest.mark.parametrize("every", [1, 2, 50])
def test_rows_that_are_right_already_do_not_excuse_that_every_row_sent_is_refused(refused: Ends, every: int) -> None:
    """A second run of a sheet, say: a read shows that some rows are right, the API refuses all the others alike."""
    guards = Guards()
    assert read_row(guards, 0, UNCHANGED) is None
    sent = 0
    for row in range(1, 200):
        read_row(guards, row, UNCHANGED if every > 1 and row % every == 0 else None)
        if every > 1 and row % every == 0:
            continue
        guards.sending(row)
        sent += 1
        if halt := guards.settled(row, *refused, "No such field: colour."):
            assert (sent, halt.reason) == (IDENTICAL_ROWS, refused[1])
            assert halt.message.endswith(": No such field: colour.")
            return
    pytest.fail("nothing stopped the run")


@pytest.mark.parametrize("well", [APPLIED, UNCHANGED])
def test_a_row_that_the_api_took_when_it_was_sent_excuses_those_that_it_refuses(well: Ends) -> None:
    """An update that would change nothing, as the API says of it, was understood, too."""
    assert stopped_at([well] + [INVALID] * 30) is None


def test_a_row_in_doubt_that_a_read_shows_as_applied_is_a_success_of_sending() -> None:
    guards = Guards()
    read_row(guards, 0, APPLIED)
    for row in range(1, 60):
        read_row(guards, row, None)
        guards.sending(row)
        assert guards.settled(row, *INVALID) is None


def test_what_the_server_refuses_to_everybody_stops_the_run_whatever_is_still_out() -> None:
    guards = Guards()
    guards.reading(range(100))
    assert any(guards.settled(row, *UNREAD) for row in range(25, 50))


def test_reading_well_does_not_excuse_what_is_refused_when_it_is_sent() -> None:
    guards = Guards()
    halts: list[Halt | None] = []
    for row in range(30):
        read_row(guards, row, None)
        guards.sending(row)
        halts.append(guards.settled(row, *INVALID))
    assert next(row for row, halt in enumerate(halts) if halt) == IDENTICAL_ROWS - 1


STRETCHES = st.lists(st.tuples(st.sampled_from([APPLIED, INVALID, BROKEN, CONFLICT]), st.integers(1, 30)), max_size=12)


@given(stretches=STRETCHES, at_once=st.integers(1, 64), dice=st.randoms(use_true_random=False))
def test_only_rows_with_none_between_them_that_ended_otherwise_stop_a_run(
    stretches: list[tuple[Ends, int]], at_once: int, dice: Random
) -> None:
    """In whatever order their ends come in: a refusal is quicker than a success."""
    ends = [end for end, count in stretches for _ in range(count)]
    halts = play(Guards(), ends, at_once, dice)
    long = {run[0] for run in runs(ends) if len(run) >= IDENTICAL_ROWS}
    assert bool(halts) <= bool(long)
    assert (BROKEN in long) <= ("server_error" in {halt.reason for halt in halts})  # which no success excuses


def play(guards: Guards, ends: Sequence[Ends], at_once: int, dice: Random) -> list[Halt]:
    """Begin rows in order, so many at once, and end them in any."""
    out: list[int] = []
    halts: list[Halt | None] = []
    waiting = list(range(len(ends)))
    while waiting or out:
        if waiting and len(out) < at_once:
            guards.sending(waiting[0])
            out.append(waiting.pop(0))
            continue
        row = out.pop(dice.randrange(len(out)))
        halts.append(guards.settled(row, *ends[row]))
    return [halt for halt in halts if halt]


def runs(ends: Sequence[Ends]) -> list[list[Ends]]:
    """Consecutive bad ends that are the same."""
    found: list[list[Ends]] = [[end] for end in ends[:1]]
    for before, end in pairwise(ends):
        if end == before:
            found[-1].append(end)
        else:
            found.append([end])
    return [run for run in found if run[0] in {INVALID, BROKEN}]


def test_a_row_that_took_more_than_it_says_stops_the_run_at_once() -> None:
    guards = Guards(has_succeeded=True)
    guards.sending(7)
    said = "`size.height` (was 7) was not sent and gone now"
    assert guards.settled(7, Status.APPLIED, "values_lost", said) == Halt("values_lost", f"row 7: {said}")
    assert not guards._sends._open


def test_what_is_remembered_of_failures_does_not_grow_with_the_sheet() -> None:
    guards = Guards()
    for row in range(0, 60_000, 2):
        guards.sending(row)
        guards.sending(row + 1)
        guards.settled(row, *BROKEN)
        guards.settled(row + 1, *APPLIED)
    assert len(guards._sends._bad) == len(guards._sends._latest) == 10_000
    assert not guards._sends._open


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
def test_the_users_threshold_stops_the_run(rows: list[Ends], threshold: StopAfter | None, stop: int | None) -> None:
    assert stopped_at(rows, threshold) == (stop and (stop, "stop_after"))


def test_a_halt_says_how_many_rows_and_which_threshold_and_what_the_last_of_them_said() -> None:
    guards = Guards(StopAfter(rows=1))
    assert guards.settled(1, *INVALID) == Halt("stop_after", "1 rows failed; --stop-after 1 was asked for")
    shared = Guards(StopAfter(share=2.5))
    halts = [shared.settled(row, *end) for row, end in enumerate([APPLIED] * 97 + [INVALID] * 3)]
    assert halts[-1] == Halt("stop_after", "3 of 100 rows failed; --stop-after 2.5% was asked for")
    strict = Guards()
    halts = [strict.settled(row, *FORBIDDEN, "it answered 403") for row in range(5)]
    assert halts[-1] == Halt(
        "not_authorized", "5 rows in a row ended as not_authorized, without a success between: it answered 403"
    )
    strict = Guards()
    halts = [strict.settled(row, *UNREAD, "x" * 999) for row in range(20)]
    assert halts[-1] is not None
    assert halts[-1].message.endswith(f": {'x' * 199}…")
