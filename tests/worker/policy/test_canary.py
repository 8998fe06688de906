"""The first updates of a type: what they may do to a record, and which refusals are about the type."""

from typing import Any

import pytest

from jobs.apis.schema import Attribute, Members, ResourceType
from jobs.changes.diff import Change
from jobs.model import ABSENT, UNREAD, Edit, Status
from tests.schemas import DESK, SCHEMA
from worker.policy.canary import Canary, strayed, unstuck, vanished

KIND = SCHEMA.resource_type("stripe_payments")
BEFORE: dict[str, Any] = {"reference": "a", "reference_origin": "o", "metadata": {"k": 1}, "updated_at": "then"}


@pytest.mark.parametrize(
    ("sent", "after", "says"),
    [
        ({"reference": "b"}, {**BEFORE, "reference": "b", "updated_at": "now"}, ""),  # the API's own may change
        ({"reference": "b"}, {**BEFORE, "reference": "b", "metadata": {}}, "`metadata` was not sent and has changed"),
        ({"reference": "b"}, BEFORE, ""),  # what was sent is another question
        ({"_refresh": True}, {**BEFORE, "reference": "c"}, ""),  # a trigger is meant to change more
        ({"metadata": {"k": 1, "n": 2}}, {**BEFORE, "metadata": {"k": 1, "n": 2}}, ""),
    ],
)
def test_a_first_update_may_only_change_what_it_says(sent: dict[str, Any], after: dict[str, Any], says: str) -> None:
    assert strayed(KIND, Change(sent), BEFORE, after)[: len(says)] == says
    assert bool(strayed(KIND, Change(sent), BEFORE, after)) is bool(says)


@pytest.mark.parametrize(
    ("edit", "after", "names"),
    [
        (Edit(("attributes", "reference"), "a", "b"), {"reference": "b"}, ()),
        (Edit(("attributes", "reference"), "a", "b"), {"reference": "a"}, ("reference",)),
        (Edit(("attributes", "reference"), "a", "b"), {"reference": "c"}, ("reference",)),
        (Edit(("attributes", "reference"), "a", "b ", "b"), {"reference": "b"}, ()),  # as the reply showed it
        (
            Edit(("attributes", "expires_at"), None, "2026-01-01"),
            {"expires_at": "2026-01-01T00:00:00Z"},
            (),
        ),  # declared
        (Edit(("attributes", "reference"), "67", "68"), {"reference": 68}, ("reference",)),
        (Edit(("attributes", "password"), UNREAD, "x"), {}, ()),  # never shown
        (Edit(("attributes", "metadata", "k"), 1, 2), {"metadata": {"k": 1}}, ("metadata.k",)),
        (Edit(("tags", "vip"), ABSENT, True), {}, ()),  # not among the attributes
    ],
)
def test_what_was_sent_must_be_on_the_record(edit: Edit, after: dict[str, Any], names: tuple[str, ...]) -> None:
    assert unstuck((edit,), after, SCHEMA) == names


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


def test_an_update_that_did_not_stick_stops_the_run_at_once() -> None:
    canary = Canary(3)
    assert "does not hold it" in canary.settled(Status.UNKNOWN, "not_taken")


@pytest.mark.parametrize(
    ("sent", "after", "says"),
    [
        ({"priority": "low"}, {"count": 1}, "`count` was not sent and has changed"),
        ({"close": True}, {"count": 1}, ""),  # an action is meant to change more
        (
            {"address.geo": {"lat": 1}},
            {"address": {"geo": {"lat": 1}}, "address.zip": "2"},
            "",
        ),  # one of its objects
        ({"priority": "low"}, {"url": "x"}, ""),  # read-only
    ],
)
def test_a_first_update_of_a_described_resource_may_only_change_what_it_says(
    sent: dict[str, Any], after: dict[str, Any], says: str
) -> None:
    before: dict[str, Any] = {"priority": "", "count": 0, "address": {}, "address.zip": "1", "url": ""}
    found = strayed(DESK.resource_type("tickets"), Change(sent), before, {**before, **after})
    assert found[: len(says)] == says
    assert bool(found) is bool(says)


@pytest.mark.parametrize(
    ("edits", "unread", "gone", "lost"),
    [
        ([("m", "k")], (), {}, ""),
        ([("m", "k")], (), {"m.o"}, "`m.o` (was 1) was not sent"),
        ([("m", "k")], (), {"n"}, ""),  # a single field that depends on another one
        ([("m", "k")], (), {"n", "t"}, '`n` (was "x"), `t` (was "y") were not sent'),
        ([("m", "k")], (), {"n", "r"}, ""),  # of which one is the API's own
        ([("n",)], (), {"m", "m.k", "m.o", "t"}, '`m` (was {"k": 1, "o": 1}), `t` (was "y") were not sent'),
        ([("n",)], (), {"n"}, ""),
        ([("m",)], (), {"m", "m.k", "m.o"}, ""),
        ([], ("m",), {"m", "m.k", "m.o"}, ""),
    ],
)
def test_what_an_update_empties_besides_is_told(
    edits: list[tuple[str, ...]], unread: tuple[str, ...], gone: set[str], lost: str
) -> None:
    before: dict[str, Any] = {"m": {"k": 1, "o": 1}, "m.k": 1, "m.o": 1, "n": "x", "t": "y", "r": 7, "e": ""}
    changes = tuple(Edit(("attributes", *path), 1, 2) for path in edits)
    names: dict[str, Any] = dict.fromkeys([path[0] for path in edits] + list(unread), 2)
    members = Members({("r",): Attribute("integer", read_only=True)})
    kind = ResourceType("things", {}, {}, members=members)
    after = {name: None if name in gone else value for name, value in before.items()}
    said = vanished(kind, Change(names, edits=changes), before, after)
    assert said.said.startswith(lost)
    assert bool(said.said) == bool(lost) == bool(said.edits)


def test_of_a_type_that_is_not_known_all_counts() -> None:
    assert vanished(None, Change({"a": 1}), {"a": 0, "b": 1, "c": 2}, {"a": 1}).said


def test_what_an_update_emptied_is_to_be_put_back_whole_and_with_its_empty_values() -> None:
    dims = {"w": 1, "h": 2}
    before: dict[str, Any] = {"m": {}, "m.k": 1, "m.dims": dims, "m.dims.w": 1, "m.dims.h": 2, "m.e": "", "o.e": ""}
    change = Change({"m": {}}, edits=(Edit(("attributes", "m", "k"), 1, 2),))
    loss = vanished(None, change, before, {"m": {"k": 2}, "m.k": 2, "m.e": None})
    assert loss.edits == (
        Edit(("attributes", "m", "dims"), dims, dims, ABSENT),
        Edit(("attributes", "m", "e"), "", "", None),
    )
    record = vanished(None, Change({"a": 1}), {"a": 0, "b": 1, "c": [2]}, {"a": 1, "c": []})
    assert record.edits == (
        Edit(("attributes", "b"), 1, 1, None),
        Edit(("attributes", "c"), [2], [2], []),
    )
