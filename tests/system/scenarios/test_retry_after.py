"""Every form of `Retry-After` is obeyed, by everybody, and none is a hot loop."""

from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest

from jobs.model import Status
from tests.system.scenarios.harness import EPOCH, Case, Said, references, rehearse

SKEW = 7200.0
"""Seconds by which a server's clock is wrong."""


def at(seconds: float) -> str:
    """An HTTP date, by the clock of the run."""
    return formatdate(EPOCH + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (429, {"Retry-After": "7.5"}, 7.5),  # not in the RFC
        *((status, {"Retry-After": "7"}, 7.0) for status in (408, 500, 502, 503, 504, 529)),
        (429, {"Retry-After": f"{EPOCH + 7:.0f}"}, 7.0),  # a moment: seconds since the epoch, or milliseconds
        (429, {"Retry-After": f"{EPOCH * 1000 + 7000:.0f}"}, 7.0),
        (
            429,
            {"X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2025-06-15T15:07:20Z"},
            41.0,
        ),
        (429, {"Retry-After": at(40)}, 40.0),  # by our clock: the reply has none
        (429, {"Retry-After": at(40 + SKEW), "Date": at(SKEW)}, 40.0),  # a clock that is ahead
        (429, {"Retry-After": at(40 - SKEW), "Date": at(-SKEW)}, 40.0),  # and one that is behind
        (429, {"Retry-After": at(-40)}, 0.5),  # over already: the pause of a server that says nothing
        (429, {"Retry-After": "0"}, 0.5),  # what Commerce Layer says: never to the letter
        (429, {"Retry-After": "-5"}, 0.5),
        (429, {"Retry-After": "soon"}, 0.5),
        (429, {"Retry-After": "nan"}, 0.5),
        (429, {"Retry-After": "1e3"}, 0.5),
        (429, {"Retry-After": "9" * 400}, 0.5),
        (429, {"Retry-After": "7, 9"}, 0.5),  # sent twice
        (429, {}, 0.5),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"}, 41.0),  # GitHub
        (403, {"Retry-After": "7"}, 7.0),  # GitHub's secondary limits
    ],
)
def test_a_refusal_is_followed_by_the_pause_that_it_asks_for(
    tmp_path: Path, status: int, headers: dict[str, str], pause: float
) -> None:
    refused = Said(status, {"errors": []}, headers)
    story, visits = rehearse(Case(references(12)), tmp_path, lambda now, _: refused if now < 0.05 else Said())
    assert story.counts == {Status.APPLIED: 12}
    gaps = [late.came - early.left for early, late in pairwise(visits)]
    assert max(gaps) == pytest.approx(pause, abs=0.05)
    assert [visit.status for visit in visits].count(status) <= 4  # those in flight together
