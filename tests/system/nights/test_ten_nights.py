"""Ten nights, each with its trouble: the reports are files, and the other system is right on the last morning."""

import pytest

from tests.system.nights.ten_nights import REPORTS, Tale, happen
from tests.system.nights.worlds import KINDS


@pytest.fixture(scope="module", params=KINDS)
def tale(request: pytest.FixtureRequest) -> Tale:
    """Return the ten nights in a world of each kind."""
    return happen(request.param)


def test_every_night_ends_as_it_should_and_the_last_morning_is_right_to_the_last_key(tale: Tale) -> None:
    assert tale.wrong == []


def test_the_reports_are_the_files(tale: Tale) -> None:
    files = [path.read_text(encoding="utf-8") for path in sorted((REPORTS / tale.world.kind).iterdir())]
    assert tale.pages == files, "python -m tests.system.nights.make"


def test_the_longest_gap_between_reading_and_writing_is_told_unless_updates_are_conditional(tale: Tale) -> None:
    assert ('"longest_gap_s": "<seconds>"' in "".join(tale.pages)) == (tale.world.kind != "conditional")


def test_a_field_that_is_fought_over_is_told(tale: Tale) -> None:
    assert "fought" in tale.pages[6]
