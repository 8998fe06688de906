"""Merged into the live state, and only where it differs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.catalogue import Attribute
from jobs.change import CannotMerge, Change, Terms, after, difference, fields, value_at
from jobs.echo import stands
from jobs.model import ABSENT, JSON, UNREAD, Edit, Fields, Link, Live, Path, RowRef, UpdateJob
from jobs.restoring import Written, _before, restoring, trails

REF = RowRef(1, 2, b"")
LIVE = Live(
    "orders",
    {"reference": "a", "metadata": {"k": 7, "keep": [1]}, "currency_code": "EUR", "options": None},
    {"market": Link("markets", "m"), "many": (Link("a", "2"), Link("a", "1"))},
    frozenset({"old"}),
)


def job(**parts: Any) -> UpdateJob:
    return UpdateJob(REF, "orders", "x", **parts)


EXACTLY = Terms(exact=True)


def test_what_was_read_from_the_api_is_compared_type_by_type() -> None:
    asked = job(members={"metadata": {"k": "7"}}, attributes={"currency_code": "eur"})
    assert difference(asked, LIVE).is_empty
    assert difference(asked, LIVE, EXACTLY).attributes == {"metadata": {"k": "7", "keep": [1]}, "currency_code": "eur"}
    assert difference(job(attributes={"options": None, "reference": "a"}), LIVE, EXACTLY).is_empty


@pytest.mark.parametrize(
    ("asked", "attributes", "unread"),
    [
        (job(attributes={"reference": "a"}), {}, ()),
        (job(attributes={"reference": "A"}), {"reference": "A"}, ()),  # text is exact
        (job(attributes={"currency_code": "eur"}), {}, ()),  # but for what the API stores in a form of its own
        (job(attributes={"password": "x"}), {"password": "x"}, ("password",)),  # never shown: always sent
        (job(triggers={"_refresh": True}), {"_refresh": True}, ("_refresh",)),
        (job(members={"metadata": {"k": "7"}}), {}, ()),  # text that reads alike
        (job(members={"metadata": {"k": "8"}}), {"metadata": {"k": "8", "keep": [1]}}, ()),
        (job(members={"metadata": {"k": "7", "n": "x"}}), {"metadata": {"k": 7, "keep": [1], "n": "x"}}, ()),
        (job(members={"metadata": {"k": ABSENT}}), {"metadata": {"keep": [1]}}, ()),
        (job(members={"metadata": {"none": ABSENT}}), {}, ()),
        (job(members={"metadata": {"k": None}}), {"metadata": {"k": None, "keep": [1]}}, ()),
        (job(attributes={"metadata": {"n": 1}}), {"metadata": {"k": 7, "keep": [1], "n": 1}}, ()),
        (job(attributes={"metadata": None}), {"metadata": None}, ()),
        (job(members={"options": {"a": 1}}), {"options": {"a": 1}}, ()),
        (job(add_tags=("old", "new")), {"_add_tags": "new"}, ()),
        (job(remove_tags=("old", "gone")), {"_remove_tags": "old"}, ()),
    ],
)
def test_only_what_differs_is_sent(asked: UpdateJob, attributes: dict[str, JSON], unread: tuple[str, ...]) -> None:
    change = difference(asked, LIVE)
    assert (change.attributes, change.unread) == (attributes, unread)
    assert change.is_empty is (not attributes)


def test_a_replacement_wipes_the_keys_it_does_not_name() -> None:
    change = difference(job(members={"metadata": {"k": "7"}}), LIVE, Terms(replace=True))
    assert change.attributes == {"metadata": {"k": 7}}
    assert change.edits == (Edit(("attributes", "metadata", "keep"), [1], ABSENT),)


def test_members_of_null_are_one_edit_of_the_whole() -> None:
    change = difference(job(members={"options": {"a": 1}}), LIVE)
    assert change.edits == (Edit(("attributes", "options"), None, {"a": 1}),)


@pytest.mark.parametrize(("name", "says"), [("reference", "is no object"), ("hidden", "does not show")])
def test_keys_cannot_be_laid_over_what_is_no_object(name: str, says: str) -> None:
    asked = job(members={name: {"a": 1}})
    with pytest.raises(CannotMerge, match=says):
        difference(asked, LIVE)
    change = difference(asked, LIVE, Terms(replace=True))
    assert (change.attributes, change.unread) == ({name: {"a": 1}}, (name,))


def test_links_are_compared_as_sets() -> None:
    same = job(relationships={"market": Link("markets", "m"), "many": (Link("a", "1"), Link("a", "2"))})
    assert difference(same, LIVE).is_empty
    other = difference(job(relationships={"market": None, "unseen": None}), LIVE)
    assert other.relationships == {"market": None, "unseen": None}
    assert (len(other.edits), other.unread) == (1, ("unseen",))


def test_tags_that_are_not_shown_are_sent_as_they_are() -> None:
    blind = Live("orders", {}, {}, None)
    change = difference(job(add_tags=("a",), remove_tags=("b",)), blind)
    assert change == Change({"_add_tags": "a", "_remove_tags": "b"}, {}, (), ("tags",))
    assert after(blind, change).tags is None
    with pytest.raises(KeyError):
        value_at(blind, ("tags", "a"))


def test_of_an_unknown_type_everything_is_compared_as_text() -> None:
    assert not difference(UpdateJob(REF, "no_such", "x", {"reference": "b"}), LIVE).is_empty


def test_what_is_touched_is_what_is_read() -> None:
    asked = job(attributes={"a": 1}, members={"m": {"k": 1}}, relationships={"r": None}, add_tags=("t",))
    assert fields(asked) == Fields(frozenset({"a", "m"}), frozenset({"r"}), tags=True)
    assert fields(job(attributes={"a": 1})) <= fields(asked)
    assert not fields(asked) <= fields(job(attributes={"a": 1}))
    assert fields(job(attributes={"a": 1})) | fields(job(add_tags=("t",))) == Fields(frozenset({"a"}), tags=True)


values = st.sampled_from(["", "7", 7, 7.5, True, None, "x", [1], {"deep": "er"}])
keyed = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(keyed, st.dictionaries(st.sampled_from("abcd"), values | st.just(ABSENT), min_size=1), st.booleans())
def test_what_was_sent_need_not_be_sent_again(old: dict[str, Any], wanted: dict[str, Any], replace: bool) -> None:
    live = Live("orders", {"metadata": old})
    asked = job(members={"metadata": wanted})
    done = after(live, difference(asked, live, Terms(replace=replace)))
    assert difference(asked, done, Terms(replace=replace)).is_empty
    kept = done.attributes["metadata"]
    if not replace:
        assert isinstance(kept, dict)
        assert {key: kept.get(key) for key in old if key not in wanted} == {
            key: old[key] for key in old if key not in wanted
        }


@pytest.mark.parametrize(
    ("wanted", "live", "kind", "name", "expected"),
    [
        (True, 1, None, "", False),
        (7, 7.0, None, "", True),
        ("true", True, None, "", True),
        ("1.50", "1.5", None, "", False),
        (None, {}, None, "", True),
        (None, "", None, "", False),
        ({"a": [1]}, {"a": [1]}, None, "", True),
        ("67", 67, Attribute("string"), "reference", True),
        ("67", {}, Attribute("string"), "reference", False),
        ("AdyenPayment", "adyen_payments", Attribute("string", ("adyen_payments",)), "payment_source_type", True),
        ("2026-01-01", "2026-01-01T00:00:00Z", Attribute("datetime"), "expires_at", True),
        ("A@b.c", "a@b.c", Attribute("string"), "customer_email", True),
        ("A", "a", Attribute("string"), "code", False),
        (7, "7", None, "unheard_of", True),
    ],
)
def test_what_stands_is_not_sent(wanted: Any, live: Any, kind: Attribute | None, name: str, expected: bool) -> None:
    assert stands(wanted, live, kind, name) is expected


def test_an_object_whose_keys_were_sent_blindly_is_not_known_any_more() -> None:
    metadata: Path = ("attributes", "metadata")
    blind = Edit((*metadata, "a"), UNREAD, 1)
    (cleared,) = trails([Written(1, (blind,)), Written(2, (Edit(metadata, {"a": 1}, None),))])
    assert cleared.before is UNREAD
    (kept,) = trails([Written(1, (Edit(metadata, {"a": 1}, {}),)), Written(2, (blind,))])
    assert kept.held == (UNREAD,)
    mixed = [Written(1, (Edit(metadata, {"a": 1}, {}),)), Written(2, (blind,), certain=False)]
    assert restoring("orders", "x", mixed).members["metadata.a:json"] == 1


def test_what_has_no_edits_has_no_value_before() -> None:
    with pytest.raises(ValueError, match="no edit of"):
        _before(("attributes", "metadata"), ())
