"""Bodies of updates, judged by small servers that merge as their description says."""

import json
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.resource import DescribedResource
from jobs.changes.diff import Change, CompareRules, as_written, difference, fields
from jobs.model import ABSENT, JSON, Absent, Edit, Fields, UpdateJob
from jobs.names import name_of
from tests.jobs.apis.described.kit import REF, SCHEMA, job, reply, resource


def body(of: DescribedResource, wanted: UpdateJob, record: dict[str, Any]) -> bytes:
    live = of.state(reply(record), "7", fields(wanted))
    assert live is not None
    change = difference(wanted, live, CompareRules(SCHEMA))
    return of.update(wanted, change, live).body


RECORD: dict[str, Any] = {
    "id": 7, "name": "old", "address": {"city": "Rome", "zip": "00100", "geo": {"lat": 1, "lng": 2}},
    "tags": ["a", "b"], "fields": [{"id": 1, "value": "x", "note": "n"}, {"id": 2, "value": "y"}],
}  # fmt: skip

SHALLOW = {"fields": {"address": {"merge": "shallow"}}}
TAGS = {"tags": {"type": "set"}}
KEYED = {"fields": {"type": "keyed", "key": "id:int", "value": "value"}}


@pytest.mark.parametrize(
    ("described", "wanted", "sent"),
    [
        ({}, job({"name": "new"}), {"name": "new"}),
        ({}, job({"name": None}), {"name": None}),
        ({}, job(None, {"address": {"city": "Oslo"}}), {"address": {**RECORD["address"], "city": "Oslo"}}),
        ({}, job(None, {"address": {"zip": ABSENT}}), {"address": {"city": "Rome", "geo": {"lat": 1, "lng": 2}}}),
        (
            {},
            job(None, {"address.geo": {"lat": 5}}),
            {"address": {"city": "Rome", "zip": "00100", "geo": {"lat": 5, "lng": 2}}},
        ),
        (
            {},
            job(None, {"address.geo": {"lat": 5}, "address": {"city": "Oslo"}}),
            {"address": {"city": "Oslo", "zip": "00100", "geo": {"lat": 5, "lng": 2}}},
        ),
        (SHALLOW, job(None, {"address": {"city": "Oslo"}}), {"address": {"city": "Oslo"}}),
        (
            {"fields": {"address": {"merge": "shallow"}}},
            job(None, {"address.geo": {"lat": 5}}),
            {"address": {"geo": {"lat": 5, "lng": 2}}},
        ),
        (
            {"fields": {"address": {"merge": "deep"}}},
            job(None, {"address.geo": {"lat": 5}}),
            {"address": {"geo": {"lat": 5}}},
        ),
        (SHALLOW, job(None, {"address": {"zip": ABSENT}}), {"address": {"zip": None}}),
        (
            {"update": {"format": "merge_patch"}},
            job(None, {"address": {"geo": {"lat": 9}}}),
            {"address": {"geo": {"lat": 9, "lng": None}}},
        ),
        (
            {"fields": {"address": {"merge": "shallow", "clear": "empty"}}},
            job(None, {"address": {"zip": ABSENT}}),
            {"address": {"zip": ""}},
        ),
        ({"update": {"format": "merge_patch"}}, job(None, {"address": {"zip": ABSENT}}), {"address": {"zip": None}}),
        (
            {"update": {"format": "merge_patch"}, "fields": {"address": {"type": "json"}}},
            job({"address": {"city": "Oslo"}}),
            {"address": {"city": "Oslo", "zip": None, "geo": None}},
        ),
        ({"fields": TAGS}, job(None, {"tags": {"c": True, "a": ABSENT}}), {"tags": ["b", "c"]}),
        ({"fields": TAGS}, job({"tags": {"z": True}}), {"tags": ["z"]}),
        (
            {"fields": KEYED},
            job(None, {"fields": {"2": "z", "3": "new"}}),
            {"fields": [{"id": 1, "value": "x", "note": "n"}, {"id": 2, "value": "z"}, {"id": 3, "value": "new"}]},
        ),
        (
            {"fields": {"fields": {**KEYED["fields"], "merge": "shallow"}}},
            job(None, {"fields": {"2": "z", "1": ABSENT}}),
            {"fields": [{"id": 2, "value": "z"}, {"id": 1, "value": None}]},
        ),
        (
            {"fields": KEYED, "update": {"format": "merge_patch"}},  # RFC 7396: a list replaces a list
            job(None, {"fields": {"2": "z"}}),
            {"fields": [{"id": 1, "value": "x", "note": "n"}, {"id": 2, "value": "z"}]},
        ),
        ({"update": {"wrap": "/thing"}}, job({"name": "new"}), {"thing": {"name": "new"}}),
        (
            {"update": {"wrap": "/thing", "constants": {"/typecast": True, "/by": "row {id}"}}},
            job({"name": "new"}),
            {"thing": {"name": "new"}, "typecast": True, "by": "row 7"},
        ),
        (
            {"update": {"format": "json_api"}, "record": "", "values": ""},
            job({"name": "new"}),
            {"data": {"type": "things", "id": "7", "attributes": {"name": "new"}}},
        ),
        (
            {"update": {"send": "record"}, "fields": {"id": {"read_only": True}}},
            job({"name": "new"}),
            {**{name: value for name, value in RECORD.items() if name != "id"}, "name": "new"},
        ),
        (
            {"update": {"send": "record", "wrap": "/thing"}},
            job(None, {"address": {"zip": ABSENT}}),
            {"thing": {**RECORD, "address": {"city": "Rome", "geo": {"lat": 1, "lng": 2}}}},
        ),
        (
            {"update": {"send": "record", "wrap": "/thing", "constants": {"/thing/by": "us", "/dry": False}}},
            job({"name": "new"}),
            {"thing": {**RECORD, "name": "new", "by": "us"}, "dry": False},
        ),
        (
            {"fields": {"fields": {"type": "set", "item": "/id", "of": "int"}}, "update": {"send": "record"}},
            job({"name": "new"}),
            {**RECORD, "name": "new", "fields": [1, 2]},
        ),
        (
            {"fields": {"gone": {"type": "set", "item": "/id"}}, "update": {"send": "record"}},
            job({"name": "new"}),
            {**RECORD, "name": "new"},
        ),
        (
            {"fields": {"tags": {"type": "set", "merge": "shallow"}}, "update": {"send": "record"}},
            job({"name": "new", "tags": None}),
            {**RECORD, "name": "new", "tags": None},
        ),
        (
            {"fields": {"tags": {"type": "set", "clear": "empty"}, "name": {"clear": "omit"}}},
            job({"name": None, "tags": None}),
            {"tags": []},
        ),
        (
            {"fields": {"name": {"clear": "omit"}}, "update": {"send": "record"}},
            job({"name": None}),
            {name: value for name, value in RECORD.items() if name != "name"},
        ),
        (
            {"fields": {"fields": {**KEYED["fields"], "merge": "shallow", "clear": "empty"}}},
            job(None, {"fields": {"1": ABSENT}}),
            {"fields": [{"id": 1, "value": ""}]},
        ),
        (
            {"fields": {"address.zip": {"clear": "null"}}},
            job(None, {"address": {"zip": ABSENT, "geo": ABSENT}}),
            {"address": {"city": "Rome", "zip": None}},
        ),
        (
            {"fields": {"address.zip": {"clear": "empty"}}},
            job(None, {"address": {"zip": ABSENT}}),
            {"address": {"city": "Rome", "zip": "", "geo": {"lat": 1, "lng": 2}}},
        ),
        (
            {"fields": {"address.geo": {"type": "json"}}},
            job({"address.geo": None}),
            {"address": {"city": "Rome", "zip": "00100"}},
        ),
        (
            {"fields": {"name": {"write_to": "/changes/{field}/set"}}},
            job({"name": "new"}),
            {"changes": {"name": {"set": "new"}}},
        ),
        (
            {"update": {"format": "json_patch"}},
            job({"name": "new", "missing": 1}, {"address": {"zip": ABSENT}, "nothing": {"x": 1, "y": 2}}),
            [
                {"op": "replace", "path": "/name", "value": "new"},
                {"op": "add", "path": "/missing", "value": 1},
                {"op": "add", "path": "/nothing", "value": {"x": 1, "y": 2}},
                {"op": "remove", "path": "/address/zip"},
            ],
        ),
        (
            {
                "update": {"format": "json_patch"},
                "precondition": {"body": {"/id": "{/id}"}},
            },
            job({"name": "new"}),
            [{"op": "test", "path": "/id", "value": 7}, {"op": "replace", "path": "/name", "value": "new"}],
        ),
    ],
)  # fmt: skip
def test_a_body_says_what_changes_in_the_form_of_its_api(
    described: dict[str, Any], wanted: UpdateJob, sent: object
) -> None:
    found = json.loads(body(resource(**described), wanted, deepcopy(RECORD)))
    if isinstance(found, list) and isinstance(sent, list):
        found, sent = sorted(found, key=json.dumps), sorted(sent, key=json.dumps)
    assert found == sent


# ---- servers that do with a body what their description says, and the record as it has to be afterwards


def merged(old: Any, new: Any, levels: int) -> Any:
    """Merge objects so many levels deep; null is a value."""
    if levels < 0 or not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{name: merged(old.get(name), each, levels - 1) for name, each in new.items()}}


def merge_patched(old: Any, patch: Any) -> Any:
    """Apply a merge patch as RFC 7396 says, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patched(result.get(name), value)
    return result


def json_patched(old: Any, operations: Any) -> Any:
    """Apply operations as RFC 6902 says, section 4; an error where it says so."""
    document = deepcopy(old)
    for each in operations:
        *way, last = [step.replace("~1", "/").replace("~0", "~") for step in each["path"].split("/")[1:]]
        parent = document
        for step in way:
            parent = parent[step]
        assert isinstance(parent, dict)
        if each["op"] in {"replace", "remove", "test"}:
            assert last in parent
        if each["op"] == "remove":
            del parent[last]
        elif each["op"] == "test":
            assert parent[last] == each["value"]
        else:
            parent[last] = each["value"]
    return document


def formed(old: Any, pairs: list[tuple[str, str]]) -> Any:
    """Merge brackets into an object, in which an empty text takes a member away."""
    result = deepcopy(old)
    for name, value in pairs:
        *way, last = name.replace("]", "").split("[")
        inner = result
        for step in way:
            inner = inner.setdefault(step, {})
        if value:
            inner[last] = value
        else:
            inner.pop(last, None)
    return result


def without_nulls(value: Any) -> Any:
    """Return a value in which null and absent are one, and an object of nothing is absent, too."""
    if not isinstance(value, dict):
        return value
    found = {name: without_nulls(each) for name, each in value.items()}
    return {name: each for name, each in found.items() if each is not None and each != {}}


NAMES = st.sampled_from(["a", "b", "c", "d.e", "f/g", "~", ""])
LEAVES = st.one_of(st.integers(0, 3), st.text("xyz", min_size=1, max_size=2), st.lists(st.integers(0, 2), max_size=2))
OBJECTS = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAVES, inner), max_size=3),
    max_leaves=8,
)
VALUES = st.one_of(LEAVES, st.just(ABSENT))
PLACES = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
CHANGES = st.dictionaries(PLACES, VALUES, min_size=1, max_size=4)


def no_place_is_in_another(changes: dict[tuple[str, ...], Any]) -> bool:
    return not any(one != other and other[: len(one)] == one for one in changes for other in changes)


def fits(record: Any, place: tuple[str, ...]) -> bool:
    """Return whether everything on the way to a place is an object, or not there."""
    for step in place[:-1]:
        record = record.get(step, {})
        if not isinstance(record, dict):
            return False
    return True


def as_job(changes: dict[tuple[str, ...], Any]) -> UpdateJob:
    attributes: dict[str, JSON] = {}
    members: dict[str, dict[str, JSON | Absent]] = {}
    for place, value in changes.items():
        if len(place) == 1:
            attributes[name_of(place)] = None if isinstance(value, Absent) else value
        else:
            members.setdefault(name_of(place[:-1]), {})[place[-1]] = value
    return UpdateJob(REF, "things", "7", attributes, members)


def wanted_of(record: Any, changes: dict[tuple[str, ...], Any]) -> Any:
    result = deepcopy(record)
    for place, value in changes.items():
        inner = result
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = None if isinstance(value, Absent) else value
    return result


@given(OBJECTS, CHANGES.filter(no_place_is_in_another), st.data())
def test_an_update_changes_what_its_row_names_and_keeps_everything_else(
    record: dict[str, Any], changes: dict[tuple[str, ...], Any], data: st.DataObject
) -> None:
    changes = {place: value for place, value in changes.items() if fits(record, place)}
    if not changes:
        return
    how = data.draw(st.sampled_from(["replace", "shallow", "deep", "merge_patch", "json_patch", "record"]))
    described: dict[str, Any] = {}
    if how in {"merge_patch", "json_patch"}:
        described = {"update": {"format": how}}
    elif how == "record":
        described = {"update": {"send": "record"}}
    else:
        described = {"fields": {"*": {"merge": how}}}
    wanted = as_job(changes)
    of = resource(**described)
    live = of.state(reply(record), "7", fields(wanted))
    assert live is not None
    change = difference(wanted, live, CompareRules(SCHEMA))
    if change.is_empty:
        assert without_nulls(record) == without_nulls(wanted_of(record, changes))
        return
    sent = json.loads(of.update(wanted, change, live).body)
    levels = {"replace": 0, "shallow": 1, "deep": 99}
    if how == "json_patch":
        after = json_patched(record, sent)
    elif how == "merge_patch":
        after = merge_patched(record, sent)
    else:
        after = sent if how == "record" else merged(record, sent, levels[how])
    assert without_nulls(after) == without_nulls(wanted_of(record, changes))


def test_a_json_patch_removes_nothing_that_is_not_there() -> None:
    of = resource(update={"format": "json_patch"})
    live = of.state(reply({"id": 7}), "7", Fields(frozenset({"name"})))
    gone = Change({"name": None}, edits=(Edit(("attributes", "name"), "old", None),))
    assert json.loads(of.update(job({"name": None}), gone, live).body) == []


def test_a_blind_update_sends_what_the_row_says_and_assumes_nothing() -> None:
    wanted = job({"name": "new"}, {"address": {"zip": ABSENT, "city": "Oslo"}})
    of = resource(update={"format": "json_patch"})
    assert json.loads(of.update(wanted, as_written(wanted), None).body) == [
        {"op": "add", "path": "/name", "value": "new"},
        {"op": "remove", "path": "/address/zip"},
        {"op": "add", "path": "/address/city", "value": "Oslo"},
    ]
    of = resource(update={"format": "merge_patch"})
    assert json.loads(of.update(wanted, as_written(wanted), None).body) == {
        "name": "new", "address": {"zip": None, "city": "Oslo"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "wanted", "pairs"),
    [
        ({}, {"a": None}, [("a", "")]),
        ({"a": {"clear": "omit"}}, {"a": None, "b": 1}, [("b", "1")]),
        ({"a": {"type": "list"}}, {"a": ["x", True]}, [("a[0]", "x"), ("a[1]", "true")]),
        ({"a": {"type": "list"}}, {"a": []}, [("a", "")]),
        ({"a": {"type": "json"}}, {"a": {"b": {"c": None}}}, [("a[b][c]", "")]),
        ({"a": {"write_to": "/x/y"}}, {"a": 1}, [("x[y]", "1")]),
    ],
)
def test_a_form_flattens_what_it_holds(
    fields: dict[str, Any], wanted: dict[str, Any], pairs: list[tuple[str, str]]
) -> None:
    of = resource(update={"format": "form", "constants": {"/c/d": True}}, fields=fields)
    sent = of.update(job(wanted), as_written(job(wanted)), None).body.decode()
    assert parse_qsl(sent, keep_blank_values=True) == [("c[d]", "true"), *pairs]


def test_a_form_keeps_objects_in_objects_where_they_stand() -> None:
    of = resource(update={"method": "POST", "format": "form"}, fields={"address.geo": {"type": "object"}})
    sent = body(of, job(None, {"address.geo": {"lat": 5}, "address": {"city": "Oslo"}}), RECORD)
    assert parse_qsl(sent.decode()) == [
        ("address[city]", "Oslo"), ("address[zip]", "00100"), ("address[geo][lat]", "5"), ("address[geo][lng]", "2"),
    ]  # fmt: skip


@given(st.dictionaries(st.sampled_from("abc"), st.text("xy", min_size=1)), st.dictionaries(
    st.sampled_from("abcd"), st.one_of(st.text("xyz", min_size=1), st.just(ABSENT)), min_size=1))  # fmt: skip
def test_a_form_names_members_by_brackets_and_clears_with_nothing(
    metadata: dict[str, str], changes: dict[str, Any]
) -> None:
    of = resource(update={"method": "POST", "format": "form"}, fields={"metadata": {"merge": "shallow"}})
    wanted = job(None, {"metadata": changes})
    for live in (of.state(reply({"metadata": metadata}), "7", fields(wanted)), None):
        change = as_written(wanted) if live is None else difference(wanted, live, CompareRules(SCHEMA))
        if not change.is_empty:
            pairs = parse_qsl(of.update(wanted, change, live).body.decode(), keep_blank_values=True)
            expected = {**metadata, **changes}
            after = formed({"metadata": metadata}, pairs)["metadata"]
            assert after == {name: each for name, each in expected.items() if each is not ABSENT}
