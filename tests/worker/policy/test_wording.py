"""What is said of replies."""

import pytest

from jobs.model import MaybeSent, NotSent, Outcome, Reply
from worker.policy.wording import why_not


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (NotSent("nobody listens there"), "nobody listens there"),
        (MaybeSent("timed_out", "no reply within 30 s"), "no reply within 30 s"),
        (Reply(502, {}, b""), "it answered 502"),
        (Reply(503, {"content-type": "application/json"}, b'{"message": "down for an hour"}'), "it answered 503: down"),
    ],
)
def test_why_a_request_came_to_nothing_is_told_in_the_servers_words_if_it_has_any(outcome: Outcome, said: str) -> None:
    assert why_not(outcome).startswith(said)
