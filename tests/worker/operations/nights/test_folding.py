"""Who is set aside: rows that failed for one cause in so many nights, as the calendar counts them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.model import RowRef, Status
from tests.worker.reconcile.kit import DAY, NIGHT, QUICK, SHOP, TYPE
from worker.journal import RowOutcome
from worker.operations.nights.deciding import Aside
from worker.operations.nights.folding import set_aside
from worker.policy.quarantine import Quarantine
from worker.reconcile import Memory, Night
from worker.reconcile.writing import Writing

ROW = (1, TYPE, "x")
REF = RowRef(1, 2, b"row")
OUTAGE = RowOutcome(Status.FAILED, "unreachable")
OWN = RowOutcome(Status.REJECTED, "validation")
TODAY = datetime.fromtimestamp(NIGHT).date()  # noqa: DTZ006  # local dates are meant


class Job:
    """A memory, and nights in which its one row fails."""

    def __init__(self, memory: Memory, rules: Quarantine) -> None:
        self.memory, self.rules, self.days = memory, rules, dict[int, date]()

    def fail(self, day: int, outcome: RowOutcome = OWN) -> None:
        """Fail in a night so many days after the first."""
        serial = self.memory.nights.begin(Night(f"n{len(self.days)}", NIGHT + day * DAY, state="accepted"))
        self.days[serial] = TODAY + timedelta(day)
        Writing(self.memory, self.memory.nights.calendar(serial)).trouble(ROW, REF, outcome, ())
        set_aside(self.memory, serial, self.rules)

    def is_skipped(self, day: int) -> bool:
        known = {(each.type, each.ident): each for each in self.memory.troubles() if each.aside is not None}
        return Aside(known, b"", {}, self.days, TODAY + timedelta(day), self.rules).skips(ROW[1:], REF, None)


def with_job(rules: Quarantine, use: Callable[[Job], None]) -> None:
    with TemporaryDirectory(dir=QUICK) as folder, closing(Memory.create(Path(folder) / "x.state")) as memory:
        memory.bind([SHOP])
        use(Job(memory, rules))


@pytest.mark.parametrize(
    ("nights", "count", "aside"),
    [
        ((0,), 1, None),
        ((0, 1), 2, None),
        ((0, 1, 2), 3, 2),
        ((0, 0, 0, 0), 1, None),  # an hourly job has one night a date
        ((0, 5, 9), 3, 9),
        ((0, 1, 2, 9), 4, 2),  # it was tried again
        ((1, 0), 1, None),  # a clock that was set back
    ],
)
def test_a_row_is_set_aside_after_so_many_dates_of_one_failure(
    nights: Sequence[int], count: int, aside: int | None
) -> None:
    def use(job: Job) -> None:
        for number in nights:
            job.fail(number)
        known = job.memory.trouble(*ROW)
        assert known is not None
        assert known.nights.bit_count() == count
        assert (known.first, known.last) == (1, len(nights))
        assert (known.aside and job.days[known.aside]) == (None if aside is None else TODAY + timedelta(aside))

    with_job(Quarantine(), use)


def test_an_outage_of_many_nights_sets_nothing_aside() -> None:
    def use(job: Job) -> None:
        for number in range(9):
            job.fail(number, OUTAGE)
        job.fail(9)
        known = job.memory.trouble(*ROW)
        assert known is not None
        assert (known.nights, known.reason, known.aside) == (1, "validation", None)

    with_job(Quarantine(), use)


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(1, 10), st.integers(1, 40))
def test_a_row_that_never_heals_is_tried_every_so_many_nights(after: int, again: int, nights: int) -> None:
    def use(job: Job) -> None:
        tried = []
        for day in range(nights):
            if not job.is_skipped(day):
                tried.append(day)
                job.fail(day)
        assert tried[:after] == list(range(min(after, nights)))
        later = tried[after - 1 :]
        assert all(then - now == again for now, then in pairwise(later))

    with_job(Quarantine(after, again), use)
