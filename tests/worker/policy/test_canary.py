"""The first updates of a type: what they may do to a record, and which refusals are about the type."""

from typing import Any

import pytest

from jobs.apis.schema import Attribute, Members, ResourceType
from jobs.changes.diff import Change
from jobs.changes.edits import column_of
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


@pytest.mark.parametrize(
    ("words", "stops"),
    [
        (["400: colour: no such field"] * 3, True),  # a column that can never be right, or a wrong description
        (["400: price: too low", "400: name: too long", "400: price: too low"], False),  # about the records
        (["400: record 1 is closed", "400: record 2 is closed", "400: record 3 is closed"], False),
    ],
)
def test_a_400_is_about_the_type_only_if_the_api_says_the_same_of_every_record(words: list[str], stops: bool) -> None:
    canary = Canary(3)
    said = [canary.settled(Status.REJECTED, "bad_request", each) for each in words]
    assert said[:2] == ["", ""]
    assert bool(said[2]) is stops


def test_what_the_api_says_to_the_first_updates_is_quoted() -> None:
    canary = Canary(1)
    assert canary.settled(Status.REJECTED, "bad_request", "400: colour: no such field") == (
        "the API refused the first 1 updates of this type, all alike (bad_request): 400: colour: no such field"
    )
    assert Canary(1).settled(Status.REJECTED, "not_found", "x" * 999).endswith(f": {'x' * 199}…")


def test_a_refusal_of_a_row_that_is_not_rejected_is_none_of_the_type() -> None:
    canary = Canary(2)
    assert canary.settled(Status.UNKNOWN, "reply_lost") == ""
    assert canary.settled(Status.REJECTED, "not_found") == ""


def test_an_update_that_did_not_stick_stops_the_run_at_once() -> None:
    canary = Canary(3)
    assert "does not hold it" in canary.settled(Status.UNKNOWN, "not_taken")
    assert Canary(3).settled(Status.UNKNOWN, "kept_form") == ""


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
        ([("m", "k")], (), {}, []),
        ([("m", "k")], (), {"m.o"}, ["m.o"]),
        ([("m", "k")], (), {"m.d", "m.d.e"}, ["m.d"]),  # with all that is in it
        ([("m", "k")], (), {"m.d.e"}, ["m.d.e"]),
        ([("m", "k")], (), {"n"}, []),  # a single field that depends on another one
        ([("m", "k")], (), {"n", "t"}, ["n", "t"]),
        ([("m", "k")], (), {"m.o", "n"}, ["m.o"]),
        ([("m", "k")], (), {"m.o", "n", "t"}, ["m.o", "n", "t"]),  # of an object, and of the record
        ([("m", "k")], (), {"n", "r"}, []),  # of which one is the API's own
        ([("n",)], (), {"m", "m.k", "m.o", "t"}, ["m", "t"]),
        ([("n",)], (), {"n"}, []),
        ([("m",)], (), {"m", "m.k", "m.o"}, []),
        ([], ("m",), {"m", "m.k", "m.o"}, []),
    ],
)
def test_what_an_update_empties_besides_is_found(
    edits: list[tuple[str, ...]], unread: tuple[str, ...], gone: set[str], lost: list[str]
) -> None:
    inner = {"k": 1, "o": 1, "d": {"e": 5}}
    before: dict[str, Any] = {
        "m": inner, "m.k": 1, "m.o": 1, "m.d": {"e": 5}, "m.d.e": 5, "n": "x", "t": "y", "r": 7, "e": "",
    }  # fmt: skip
    changes = tuple(Edit(("attributes", *path), 1, 2) for path in edits)
    names: dict[str, Any] = dict.fromkeys([path[0] for path in edits] + list(unread), 2)
    members = Members({("r",): Attribute("integer", read_only=True)})
    kind = ResourceType("things", {}, {}, members=members)
    after = {name: value for name, value in before.items() if name not in gone}
    found = vanished(kind, Change(names, edits=changes), before, after)
    assert [column_of(edit) for edit in found] == lost
    assert [edit.before for edit in found] == [before[name] for name in lost]
    assert [edit.after for edit in found] == [ABSENT if "." in name else None for name in lost]


def test_of_a_type_that_is_not_known_all_counts() -> None:
    found = vanished(None, Change({"a": 1}), {"a": 0, "b": 1, "c": [2]}, {"a": 1, "b": "", "c": []})
    assert found == (Edit(("attributes", "b"), 1, ""), Edit(("attributes", "c"), [2], []))


def test_what_an_update_emptied_is_to_be_put_back_whole_and_with_its_empty_values() -> None:
    dims = {"w": 1, "h": 2}
    before: dict[str, Any] = {"m": {}, "m.k": 1, "m.dims": dims, "m.dims.w": 1, "m.dims.h": 2, "m.e": "", "o.e": ""}
    change = Change({"m": {}}, edits=(Edit(("attributes", "m", "k"), 1, 2),))
    assert vanished(None, change, before, {"m": {"k": 2}, "m.k": 2, "m.e": None}) == (
        Edit(("attributes", "m", "dims"), dims, ABSENT),
        Edit(("attributes", "m", "e"), "", None),
    )


def test_empty_values_that_turn_into_others_are_no_loss_by_themselves() -> None:
    change = Change({"m": {}}, edits=(Edit(("attributes", "m", "k"), 1, 2),))
    before: dict[str, Any] = {"m": {}, "m.k": 1, "m.e": "", "a": "", "b": [], "c": 1}
    assert vanished(None, change, before, {"m": {}, "m.k": 2, "m.e": None, "a": None}) == ()
