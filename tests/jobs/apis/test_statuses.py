"""What statuses mean by themselves."""

import pytest

from jobs.apis.meanings import REFUSALS, Meaning
from jobs.apis.statuses import is_refusal, refusal, success


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Meaning.SERVED),
        (201, Meaning.CREATED),
        (202, Meaning.ACCEPTED),
        (203, Meaning.SERVED),
        (204, Meaning.NO_CONTENT),
        (299, Meaning.SERVED),
    ],
)
def test_a_success_may_say_that_the_update_is_not_what_it_should_be(status: int, meaning: Meaning) -> None:
    assert success(status) is meaning


@pytest.mark.parametrize("status", range(400, 500))
def test_every_refusal_is_final(status: int) -> None:
    assert refusal(status) in REFUSALS


def test_only_a_4xx_says_that_nothing_was_done() -> None:
    assert [status for status in range(100, 600) if is_refusal(status)] == list(range(400, 500))
