"""Which notices are due, and what they say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import Status
from tests.worker.notices.nights import GOOD, REFUSED_ROWS, TRIPPED, night
from worker.notices.command import Command
from worker.notices.deciding import OCCASIONS, Notice, Occasion, digest, due, text
from worker.notices.report import Cause, NightReport

TELL = Command(("/opt/tell", "ops"))
EVERYTHING = Notice(TELL)
DRIFTED = replace(GOOD, drifted=2)


@pytest.mark.parametrize(
    ("before", "after", "occasions"),
    [
        (None, GOOD, ()),  # a clean night is quiet
        (GOOD, GOOD, ()),
        (GOOD, night("stopped", 3), ("failed",)),
        (GOOD, night("interrupted", 143), ("failed",)),
        (GOOD, night("refused", 2), ("failed",)),
        (GOOD, night("busy", 75), ("failed",)),  # a night that did not take place
        (GOOD, REFUSED_ROWS, ("partial",)),
        (REFUSED_ROWS, REFUSED_ROWS, ("partial",)),  # every night anew
        (GOOD, TRIPPED, ("guard",)),
        (GOOD, DRIFTED, ("drift",)),
        (GOOD, replace(GOOD, overwritten=1), ("drift",)),
        (GOOD, replace(GOOD, kept=1), ()),  # by the rule that the recipe chose
        (GOOD, night(exit_status=1, conflicts=1, counts={Status.CONFLICT: 1}), ("partial", "drift")),
        (GOOD, night(exit_status=1), ("partial",)),  # whatever the reason, exit status 1 is told
        (REFUSED_ROWS, GOOD, ("recovered",)),
        (TRIPPED, GOOD, ("recovered",)),
        (night("busy", 75), GOOD, ("recovered",)),
        (TRIPPED, DRIFTED, ("drift", "recovered")),
        (TRIPPED, REFUSED_ROWS, ("partial",)),  # better is not well
        (DRIFTED, GOOD, ()),  # drift was not bad
        (TRIPPED, night("planned"), ()),  # a dry run
        (GOOD, night("planned", 1), ()),
    ],
)
def test_a_notice_is_due_on_its_occasions(
    before: NightReport | None, after: NightReport, occasions: tuple[Occasion, ...]
) -> None:
    assert due(EVERYTHING, after, before) == occasions


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0, 1.01, 50.0])
def test_few_rows_are_below_the_threshold_and_then_nobody_is_told_of_their_recovery(threshold: float) -> None:
    notice = Notice(TELL, threshold=threshold)  # 2 of 200 rows are 1 %
    is_told = threshold <= 1.0
    assert due(notice, REFUSED_ROWS, GOOD) == (("partial",) if is_told else ())
    assert due(notice, DRIFTED, GOOD) == (("drift",) if is_told else ())
    assert due(notice, GOOD, REFUSED_ROWS) == (("recovered",) if is_told else ())


def test_no_threshold_silences_a_failed_night() -> None:
    notice = Notice(TELL, threshold=100.0)
    assert due(notice, night("stopped", 3, counts={}), GOOD) == ("failed",)
    assert due(notice, TRIPPED, GOOD) == ("guard",)


STATES = [GOOD, DRIFTED, REFUSED_ROWS, TRIPPED, night("stopped", 3), night("refused", 2)]


@given(
    st.frozensets(st.sampled_from(list(OCCASIONS))), st.sampled_from([*STATES, None]), st.sampled_from(STATES),
    st.floats(0, 100),
)  # fmt: skip
def test_somebody_is_notified_of_what_was_asked_for_and_of_nothing_else(
    on: frozenset[Occasion], before: NightReport | None, after: NightReport, threshold: float
) -> None:
    some, every = (due(Notice(TELL, which, threshold), after, before) for which in (on, frozenset(OCCASIONS)))
    assert some == tuple(each for each in every if each in on)


def test_who_asks_for_recoveries_alone_hears_of_them() -> None:
    notice = Notice(TELL, on=frozenset({"recovered"}))
    assert (due(notice, TRIPPED, GOOD), due(notice, GOOD, TRIPPED)) == ((), ("recovered",))


def test_the_digest_is_the_report_with_its_occasions() -> None:
    assert digest(GOOD, ("drift",)) == {**GOOD.document(), "occasions": ["drift"]}


def test_as_a_text_it_has_the_numbers_the_causes_and_the_next_command() -> None:
    causes = (*REFUSED_ROWS.causes, *(Cause(Status.FAILED, f"r{n}", (), 10 * n) for n in range(1, 5)))
    report = replace(REFUSED_ROWS, causes=causes, drifted=1, cause="the API\nwas down")
    assert text(report, ("partial", "drift")).splitlines() == [
        "prices: partial, drift (exit status 1)",
        "200 rows: 3 applied, 195 unchanged, 2 rejected",
        "1 drifted",
        "the API was down",
        causes[0].words(),
        "10 x r1",
        "20 x r2",
        "and 2 more causes for 70 rows",
        "Run: runs/prices-2026-12-01",
        "Next: rowpatch retry runs/prices-2026-12-01",
    ]
    assert text(NightReport("a", "busy", 75), ("failed",)).splitlines()[0] == "a: failed (exit status 75)"
