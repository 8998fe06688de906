"""What is said of replies."""

import pytest

from jobs.model import ABSENT, Edit, MaybeSent, NotSent, Outcome, Reply
from worker.policy.wording import lost_words, why_not


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


@pytest.mark.parametrize(
    ("lost", "named", "slip"),
    [
        (
            [Edit(("attributes", "size", "height"), 7, ABSENT)],
            "`size.height` (was 7) was not sent and gone now",
            'the API replaces the object; its description has to say merge = "replace"',
        ),
        (
            [Edit(("attributes", "name"), "Zoë", None), Edit(("attributes", "colour"), "red", None)],
            '`name` (was "Zoë"), `colour` (was "red") were not sent and gone now',
            'the API replaces the record; its description has to say send = "record"',
        ),
    ],
)
def test_what_was_lost_is_named_with_its_value_and_the_slip_behind_it(lost: list[Edit], named: str, slip: str) -> None:
    assert lost_words(lost) == f"{named}: {slip}"


def test_of_many_losses_five_are_named() -> None:
    lost = [Edit(("attributes", "size", str(number)), number, ABSENT) for number in range(8)]
    assert "`size.4` (was 4) and 3 more were not sent" in lost_words(lost)
