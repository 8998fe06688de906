"""Merged into the live state, and only where it differs."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.changes.diff import MAX_STEPS, CannotMerge, Change, CompareRules, after, difference, fields, value_at
from jobs.changes.inverse import Written, _before, restoring, trails
from jobs.changes.overtaking import Inseparable, rest_of, touched
from jobs.changes.taken import taken
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Fields, Link, Live, Path, RowRef, UpdateJob
from tests.schemas import DESK, SCHEMA, TERMS

REF = RowRef(1, 2, b"")
LIVE = Live(
    "orders",
    {"reference": "a", "metadata": {"k": 7, "keep": [1]}, "currency_code": "EUR", "options": None, "figure": 1.5},
    {"market": Link("markets", "m"), "many": (Link("a", "2"), Link("a", "1"))},
    frozenset({"old"}),
)


def job(**parts: Any) -> UpdateJob:
    return UpdateJob(REF, "orders", "x", **parts)


UNTYPED = frozenset({("metadata", "k"), ("options", "k"), ("figure",)})
"""Columns of a sheet that have no type, such as `metadata.k`."""


@pytest.mark.parametrize(
    ("asked", "attributes", "unread"),
    [
        (job(attributes={"reference": "a"}), {}, ()),
        (job(attributes={"reference": "A"}), {"reference": "A"}, ()),  # text is exact
        (job(attributes={"currency_code": "eur"}), {"currency_code": "eur"}, ()),  # also in what the API may fold
        (job(attributes={"password": "x"}), {"password": "x"}, ("password",)),  # never shown: always sent
        (job(triggers={"_refresh": True}), {"_refresh": True}, ("_refresh",)),
        (job(members={"metadata": {"k": "7"}}), {"metadata": {"k": "7", "keep": [1]}}, ()),  # `:str`, or NDJSON
        (  # `metadata.k:str` beside a column without a type
            job(members={"metadata": {"k": "7"}}, untyped=frozenset({("metadata", "other")})),
            {"metadata": {"k": "7", "keep": [1]}},
            (),
        ),
        (job(members={"metadata": {"k": "7"}}, untyped=UNTYPED), {}, ()),  # an untyped cell that reads alike
        (job(members={"metadata": {"k": "8"}}, untyped=UNTYPED), {"metadata": {"k": "8", "keep": [1]}}, ()),
        (
            job(members={"metadata": {"k": "7", "n": "x"}}, untyped=UNTYPED),
            {"metadata": {"k": 7, "keep": [1], "n": "x"}},
            (),
        ),
        (job(attributes={"figure": "1.5"}, untyped=UNTYPED), {}, ()),  # `attributes.figure`
        (job(attributes={"figure": "1.50"}, untyped=UNTYPED), {"figure": "1.50"}, ()),
        (job(attributes={"figure": "1.5"}), {"figure": "1.5"}, ()),
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
    change = difference(asked, LIVE, TERMS)
    assert (change.attributes, change.unread) == (attributes, unread)
    assert change.is_empty is (not attributes)


def test_a_replacement_wipes_the_keys_it_does_not_name() -> None:
    change = difference(job(members={"metadata": {"k": 7}}), LIVE, CompareRules(SCHEMA, replace=True))
    assert change.attributes == {"metadata": {"k": 7}}
    assert change.edits == (Edit(("attributes", "metadata", "keep"), [1], ABSENT),)


def test_members_of_null_are_one_edit_of_the_whole() -> None:
    change = difference(job(members={"options": {"a": 1}}), LIVE, TERMS)
    assert change.edits == (Edit(("attributes", "options"), None, {"a": 1}),)


@pytest.mark.parametrize(("name", "says"), [("reference", "is no object"), ("hidden", "does not show")])
def test_keys_cannot_be_laid_over_what_is_no_object(name: str, says: str) -> None:
    asked = job(members={name: {"a": 1}})
    with pytest.raises(CannotMerge, match=says):
        difference(asked, LIVE, TERMS)
    change = difference(asked, LIVE, CompareRules(SCHEMA, replace=True))
    assert (change.attributes, change.unread) == ({name: {"a": 1}}, (name,))


def test_links_are_compared_as_sets() -> None:
    alike = job(relationships={"market": Link("markets", "m"), "many": (Link("a", "1"), Link("a", "2"))})
    assert difference(alike, LIVE, TERMS).is_empty
    other = difference(job(relationships={"market": None, "unseen": None}), LIVE, TERMS)
    assert other.relationships == {"market": None, "unseen": None}
    assert (len(other.edits), other.unread) == (1, ("unseen",))


def test_tags_that_are_not_shown_are_sent_as_they_are() -> None:
    blind = Live("orders", {}, {}, None)
    change = difference(job(add_tags=("a",), remove_tags=("b",)), blind, TERMS)
    assert change == Change({"_add_tags": "a", "_remove_tags": "b"}, {}, (), ("tags",))
    assert after(blind, change).tags is None
    with pytest.raises(KeyError):
        value_at(blind, ("tags", "a"))


def test_of_an_unknown_type_everything_is_compared_as_text() -> None:
    assert not difference(UpdateJob(REF, "no_such", "x", {"reference": "b"}), LIVE, TERMS).is_empty


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
    done = after(live, difference(asked, live, CompareRules(SCHEMA, replace=replace)))
    assert difference(asked, done, CompareRules(SCHEMA, replace=replace)).is_empty
    kept = done.attributes["metadata"]
    if not replace:
        assert isinstance(kept, dict)
        assert {key: kept.get(key) for key in old if key not in wanted} == {
            key: old[key] for key in old if key not in wanted
        }


NAME: Path = ("attributes", "reference")
KEY: Path = ("attributes", "metadata", "k")
MARKET: Path = ("relationships", "market")


def linked(key: str) -> JSON:
    return {"type": "markets", "id": key}


@pytest.mark.parametrize(
    ("asked", "sent", "live"),
    [
        (job(attributes={"reference": " B "}), Edit(NAME, "a", " B ", "B"), {"reference": "B"}),
        (job(members={"metadata": {"k": " B "}}), Edit(KEY, 7, " B ", "B"), {"metadata": {"k": "B"}}),
        (job(members={"metadata": {"k": ""}}), Edit(KEY, 7, "", ABSENT), {"metadata": {}}),  # empty keys are dropped
        (job(members={"metadata": {"k": ABSENT}}), Edit(KEY, 7, ABSENT, None), {"metadata": {"k": None}}),
        (
            job(members={"metadata": {"k": " B "}}),
            Edit(("attributes", "metadata"), None, {"k": " B "}, {"k": "B"}),
            {"metadata": {"k": "B"}},
        ),
        (
            job(members={"metadata": {"k": ""}}),
            Edit(("attributes", "metadata"), None, {"k": ""}, {}),
            {"metadata": {"n": 1}},
        ),
    ],
)
def test_what_the_api_stored_in_another_form_is_not_sent_again(
    asked: UpdateJob, sent: Edit, live: dict[str, JSON]
) -> None:
    there = Live("orders", live)
    assert difference(asked, there, TERMS, earlier=(sent,)).is_empty
    assert not difference(asked, there, TERMS).is_empty
    other = Edit(sent.path, sent.before, "something else", sent.stored)  # that form is no answer to what is wanted now
    assert not difference(asked, there, TERMS, earlier=(other,)).is_empty
    assert not difference(asked, there, TERMS, earlier=(Edit(sent.path, sent.before, sent.after),)).is_empty


def test_a_later_row_is_compared_with_the_stored_form() -> None:
    change = Change(
        {"reference": " B ", "metadata": {"k": " x ", "keep": [1], "gone": ""}},
        {"market": Link("markets", "n"), "many": ()},
        (
            Edit(NAME, "a", " B ", "B"),
            Edit(KEY, 7, " x ", "x"),
            Edit(("attributes", "metadata", "gone"), ABSENT, "", ABSENT),
            Edit(MARKET, linked("m"), linked("n"), linked("o")),
            Edit(("relationships", "many"), [], [], [{"type": "a", "id": "3"}]),
        ),
    )
    left = after(LIVE, change)
    assert left.attributes["reference"] == "B"
    assert left.attributes["metadata"] == {"k": "x", "keep": [1]}
    assert left.relationships == {"market": Link("markets", "o"), "many": (Link("a", "3"),)}
    unlinked = Change({}, {"market": Link("markets", "n")}, (Edit(MARKET, linked("m"), linked("n"), None),))
    assert after(LIVE, unlinked).relationships["market"] is None
    emptied = Change({"reference": "B"}, {}, (Edit(NAME, "a", "B", None),))
    assert after(LIVE, emptied).attributes["reference"] is None


def test_a_later_row_knows_what_earlier_ones_have_replaced() -> None:
    first = job(
        attributes={"reference": "b"}, members={"metadata": {"k": 8}}, relationships={"market": None, "unseen": None},
        add_tags=("new",), remove_tags=("old",),
    )  # fmt: skip
    one = after(LIVE, difference(first, LIVE, TERMS))
    two = after(one, difference(job(attributes={"reference": "c"}), one, TERMS))
    last = job(
        attributes={"reference": "d", "metadata": None}, relationships={"market": Link("markets", "n"), "unseen": ()},
        add_tags=("old",), remove_tags=("new",),
    )  # fmt: skip
    assert {edit.path: (edit.before, edit.past) for edit in difference(last, two, TERMS).edits} == {
        NAME: ("c", ("a", "b")),
        KEY[:2]: ({"k": 8, "keep": [1]}, ({"k": 7, "keep": [1]}, {"k": 8, "keep": [1]})),
        MARKET: (None, (linked("m"), None)),
        ("relationships", "unseen"): (None, (None,)),  # before the first row, nobody had seen it
        ("tags", "old"): (ABSENT, (True, ABSENT)),
        ("tags", "new"): (True, (ABSENT, True)),
    }
    assert [edit.past for edit in difference(job(members={"metadata": {"k": 9}}), two, TERMS).edits] == [(7, 8)]
    assert [edit.past for edit in difference(last, LIVE, TERMS).edits if edit.past] == []


def test_the_form_in_which_a_value_has_been_stored_is_no_old_value_of_the_same_one() -> None:
    live = LIVE
    for sent, stored in (("on", "ON"), ("off", "OFF")):
        (edit,) = difference(job(attributes={"reference": sent}), live, TERMS).edits
        live = after(live, Change({"reference": sent}, edits=(replace(edit, stored=stored),)))
    assert [edit.past for edit in difference(job(attributes={"reference": "on"}), live, TERMS).edits] == [("a",)]
    assert [edit.past for edit in difference(job(attributes={"reference": "no"}), live, TERMS).edits] == [("a", "ON")]


def test_of_a_record_with_many_rows_the_latest_old_values_are_known() -> None:
    live = LIVE
    for number in range(MAX_STEPS + 2):
        live = after(live, difference(job(attributes={"reference": str(number)}), live, TERMS))
    (edit,) = difference(job(attributes={"reference": "last"}), live, TERMS).edits
    assert (edit.past[0], edit.past[-1], len(edit.past)) == ("1", str(MAX_STEPS), MAX_STEPS)


def test_an_object_whose_keys_were_sent_blindly_is_not_known_any_more() -> None:
    metadata: Path = ("attributes", "metadata")
    blind = Edit((*metadata, "a"), UNREAD, 1)
    (cleared,) = trails([Written(1, (blind,)), Written(2, (Edit(metadata, {"a": 1}, None),))])
    assert cleared.before is UNREAD
    (kept,) = trails([Written(1, (Edit(metadata, {"a": 1}, {}),)), Written(2, (blind,))])
    assert kept.held == (UNREAD,)
    mixed = [Written(1, (Edit(metadata, {"a": 1}, {}),)), Written(2, (blind,), certain=False)]
    assert restoring("orders", "x", mixed, SCHEMA).members["metadata.a:json"] == 1


def test_what_has_no_edits_has_no_value_before() -> None:
    with pytest.raises(ValueError, match="no edit of"):
        _before(("attributes", "metadata"), ())


IN_ANOTHER = ("attributes", "address.geo", "lat")
"""Path of a member of an object that stands in another one."""

DESCRIBED = CompareRules(DESK)


def ticket(**parts: Any) -> UpdateJob:
    return UpdateJob(REF, "tickets", "7", **parts)


def shown(**attributes: Any) -> Live:
    names = {name.replace("__", "."): value for name, value in attributes.items()}
    return Live("tickets", names, fields=Fields(frozenset(names)))


def test_members_of_objects_in_objects_are_edits_of_their_own() -> None:
    asked = ticket(members={"address": {"city": "Y"}, "address.geo": {"lat": 2}})
    live = shown(address={"city": "X", "geo": {"lat": 1, "lng": 5}}, address__geo={"lat": 1, "lng": 5})
    change = difference(asked, live, DESCRIBED)
    assert set(change.edits) == {Edit(("attributes", "address", "city"), "X", "Y"), Edit(IN_ANOTHER, 1, 2)}
    assert change.attributes["address.geo"] == {"lat": 2, "lng": 5}


@pytest.mark.parametrize(
    ("members", "edits"),
    [
        (
            {"address.geo": {"lat": 2}, "address": {"city": "Y"}},
            (Edit(("attributes", "address"), None, {"city": "Y", "geo": {"lat": 2}}),),
        ),
        ({"address.geo": {"lat": 2}}, (Edit(("attributes", "address.geo"), None, {"lat": 2}),)),
        (  # a set has a form of its own
            {"address": {"city": "Y"}, "address.marks": {"a": True}},
            (
                Edit(("attributes", "address", "city"), ABSENT, "Y"),
                Edit(("attributes", "address.marks"), None, {"a": True}),
            ),
        ),
    ],
)
def test_an_object_that_is_laid_over_nothing_holds_all_that_is_set_in_it(
    members: dict[str, Any], edits: tuple[Edit, ...]
) -> None:
    live = shown(address=None, address__geo=None, address__marks=None)
    assert difference(ticket(members=members), live, DESCRIBED).edits == edits


def test_a_set_is_replaced_as_a_whole_and_changed_by_its_elements() -> None:
    live = shown(tags={"a": True, "b": True})
    whole = difference(ticket(attributes={"tags": {"b": True, "a": True}}), live, DESCRIBED)
    assert whole.is_empty  # elements have no order
    other = difference(ticket(attributes={"tags": {"c": True}}), live, DESCRIBED)
    assert other.edits == (Edit(("attributes", "tags"), {"a": True, "b": True}, {"c": True}),)
    added = ticket(members={"tags": {"c": True, "a": ABSENT, "b": True}})
    for terms in (DESCRIBED, CompareRules(DESK, replace=True)):  # which is about objects
        assert difference(added, live, terms).attributes == {"tags": {"b": True, "c": True}}


def test_a_member_may_have_forms_too() -> None:
    live = shown(address={"moved_at": "2026-01-31T00:00:00Z"})
    assert difference(ticket(members={"address": {"moved_at": "2026-01-31"}}), live, DESCRIBED).is_empty


def test_what_holds_a_changed_object_or_stands_in_one_changes_with_it() -> None:
    live = shown(address={"geo": {"lat": 1}, "x": 1}, address__geo={"lat": 1}, subject="s", address__lines=["a"])
    change = difference(ticket(members={"address.geo": {"lat": 2}}), live, DESCRIBED)
    left = after(live, change)
    assert left.attributes == {
        "address": {"geo": {"lat": 2}, "x": 1}, "address.geo": {"lat": 2}, "subject": "s", "address.lines": ["a"],
    }  # fmt: skip
    assert left.fields == live.fields
    outer = difference(ticket(attributes={"address": None}), live, DESCRIBED)
    nothing = {"address": None, "address.geo": None, "address.lines": None}
    assert after(live, outer).attributes == {**nothing, "subject": "s"}


@pytest.mark.parametrize(
    ("name", "value", "edits", "left"),
    [
        ("a", {"k": 1}, [(("a", "k"), 2), (("a.b", "c"), 3)], {"k": 2, "b": {"c": 3}}),  # which the change has apart
        ("a", {"b": {"c": 1, "d": 2}}, [(("a.b", "c"), ABSENT)], {"b": {"d": 2}}),
        ("a", {"x": 1}, [(("a.b", "c"), ABSENT)], {"x": 1}),
        ("a", None, [(("a.b", "c"), 3)], {"b": {"c": 3}}),
        ("a.b", {"c": 1}, [(("a",), {"b": {"c": 2}})], {"c": 2}),
        ("a.b", {"c": 1}, [(("a",), {"x": 2})], None),
        ("a.b", {"c": 1}, [(("a",), "text")], None),
        ("a.b", {"c": 1}, [(("a", "b"), ABSENT)], None),
        ("a.b", {"c": 1}, [(("a.c", "d"), 5)], {"c": 1}),
    ],
)
def test_edits_are_laid_into_an_object_by_their_place(
    name: str, value: JSON, edits: list[tuple[tuple[str, ...], JSON | Absent]], left: JSON
) -> None:
    changes = tuple(Edit(("attributes", *path), 1, new) for path, new in edits)
    names: dict[str, JSON] = dict.fromkeys([path[0] for path, _ in edits])
    live = Live("tickets", {name: value}, fields=Fields(frozenset({name})))
    assert after(live, Change(names, edits=changes)).attributes == {name: left}


@pytest.mark.parametrize(("terms", "says"), [(DESCRIBED, 'say type = "set"'), (TERMS, "is no object")])
def test_a_list_that_is_no_set_takes_no_elements(terms: CompareRules, says: str) -> None:
    live = Live("tickets", {"watchers": ["x"]}, fields=Fields(frozenset({"watchers"})))
    with pytest.raises(CannotMerge, match=says):
        difference(ticket(members={"watchers": {"add": True}}), live, terms)


@pytest.mark.parametrize(
    ("name", "says"),
    [("tags", "is a text where a set is declared: .* sep = "), ("words", 'type = "set", sep = ";"')],
)
def test_a_text_that_holds_a_list_says_how_to_describe_it(name: str, says: str) -> None:
    live = Live("tickets", {name: "x;y"}, fields=Fields(frozenset({name})))
    with pytest.raises(CannotMerge, match=says):
        difference(ticket(members={name: {"add": True}}), live, DESCRIBED)


def test_a_set_that_stands_in_an_object_makes_the_object_unknown() -> None:
    live = Live("tickets", {"a": {"tags": ["x"]}, "b.c": {}}, fields=Fields(frozenset({"a", "b.c"})))
    left = after(live, Change({"a.tags": {"y": True}}, edits=(Edit(("attributes", "a.tags", "y"), ABSENT, True),)))
    assert left.attributes == {"b.c": {}}
    assert left.fields == Fields(frozenset({"b.c"}))


def test_what_nobody_could_compare_is_as_it_was_sent() -> None:
    live = Live("tickets", {"a.b": "x", "c": "y"}, fields=Fields(frozenset({"a.b", "c"})))
    assert after(live, Change({"a.b": "z"}, unread=("a.b",))).attributes == {"a.b": "z", "c": "y"}


def test_a_reply_shows_an_object_with_what_was_changed_in_it() -> None:
    live = shown(address={"city": "X", "geo": {"lat": 1}}, address__geo={"lat": 1})
    asked = ticket(members={"address": {"city": "Y"}, "address.geo": {"lat": 2}})
    change = difference(asked, live, DESCRIBED)
    reply = shown(address={"city": "Y", "geo": {"lat": 2}}, address__geo={"lat": 2})
    assert taken(change, reply, DESK).differs == ()
    odd = shown(address={"city": "Y", "geo": {"lat": 2}, "more": 1}, address__geo={"lat": 2})
    assert taken(change, odd, DESK).differs == ("address",)


def test_a_later_row_takes_what_an_earlier_one_sets_of_the_same_object() -> None:
    whole = ticket(members={"address": {"geo": ABSENT, "city": "X"}})
    part = ticket(members={"address.geo": {"lat": 1, "lng": 2}})
    assert rest_of(part, touched(whole, DESCRIBED), DESCRIBED) is None
    with pytest.raises(Inseparable, match=r"`address\.geo`"):
        rest_of(whole, touched(part, DESCRIBED), DESCRIBED)
    tags = ticket(members={"tags": {"a": True, "b": True}})
    one = touched(ticket(members={"tags": {"a": ABSENT}}), CompareRules(DESK, replace=True))
    assert rest_of(tags, one, CompareRules(DESK, replace=True)) == ticket(members={"tags": {"b": True}})
