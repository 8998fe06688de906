import re

import pytest

from jobs.model import Status
from jobs.reasons import REASONS


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_is_documented_in_whole_sentences(code: str) -> None:
    reason = REASONS[code]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert reason.meaning.endswith(".")
    assert reason.meaning[0].isupper()
    assert not reason.action or reason.action.endswith(".")


@pytest.mark.parametrize("code", [code for code, reason in REASONS.items() if reason.status is Status.INVALID])
def test_an_invalid_row_is_told_what_to_do(code: str) -> None:
    assert REASONS[code].action


def test_every_status_but_unchanged_and_conflict_has_a_reason() -> None:
    assert {reason.status for reason in REASONS.values()} >= set(Status) - {Status.UNCHANGED, Status.CONFLICT}
