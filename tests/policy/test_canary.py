"""The first updates of a type: what they may do to a record, and which refusals are about the type."""

from typing import Any

import pytest

from jobs.catalogue import resource_type
from jobs.change import Change
from jobs.model import Status
from worker.policy.canary import Canary, strayed

KIND = resource_type("stripe_payments")
BEFORE: dict[str, Any] = {"reference": "a", "reference_origin": "o", "metadata": {"k": 1}, "updated_at": "then"}


@pytest.mark.parametrize(
    ("sent", "after", "says"),
    [
        ({"reference": "b"}, {**BEFORE, "reference": "b", "updated_at": "now"}, ""),  # the API's own may change
        ({"reference": "b"}, BEFORE, "`reference` was sent and did not stick"),
        ({"reference": "b"}, {**BEFORE, "reference": "b", "metadata": {}}, "`metadata` was not sent and has changed"),
        ({"expires_at": "2026-01-01"}, {**BEFORE, "expires_at": "2026-01-01T00:00:00Z"}, ""),  # a form that is declared
        ({"reference": "67"}, {**BEFORE, "reference": 67}, "`reference` was sent and did not stick"),
        ({"password": "x"}, BEFORE, ""),  # never shown
        ({"_refresh": True}, {**BEFORE, "reference": "c"}, ""),  # a trigger is meant to change more
        ({"metadata": {"k": 1, "n": 2}}, {**BEFORE, "metadata": {"k": 1, "n": 2}}, ""),
    ],
)
def test_a_first_update_may_only_do_what_it_says(sent: dict[str, Any], after: dict[str, Any], says: str) -> None:
    assert strayed(KIND, Change(sent), BEFORE, after)[: len(says)] == says
    assert bool(strayed(KIND, Change(sent), BEFORE, after)) is bool(says)


def test_of_an_unknown_type_only_what_was_sent_is_looked_at() -> None:
    assert strayed(None, Change({"reference": "a"}), BEFORE, {**BEFORE, "metadata": {}}) == ""


@pytest.mark.parametrize(
    ("reasons", "stops"),
    [
        (["", "", ""], False),
        (["not_authorized"] * 3, True),  # the whole type refuses
        (["not_authorized", "", "not_authorized"], False),
        (["validation"] * 3, False),  # about the records
        (["not_found", "bad_request", "not_found"], False),
    ],
)
def test_a_type_that_refuses_all_of_its_first_updates_alike_stops_the_run(reasons: list[str], stops: bool) -> None:
    canary = Canary(3)
    said = [canary.settled(Status.REJECTED if reason else Status.APPLIED, reason) for reason in reasons]
    assert said[:2] == ["", ""]
    assert bool(said[2]) is stops
    assert canary.left == 0
