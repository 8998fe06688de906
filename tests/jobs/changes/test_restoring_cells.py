"""By which column of a described API's row an old value is put back."""

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.described.api import DescribedApi, described
from jobs.changes.diff import CannotMerge, Change, CompareRules, difference, fields
from jobs.changes.edits import column_of
from jobs.changes.inverse import Written, restoring
from jobs.changes.restoring_cells import Cell, Unwritable, Value, cell_of, named
from jobs.columns import ObjectColumns, Rules
from jobs.model import ABSENT, JSON, Absent, Edit, Fields, Live, ObjectRow, Path, RowRef, UpdateJob
from jobs.names import steps_of
from jobs.places import at, put, take_away
from tests.jobs.apis.described.kit import description, reply
from tests.schemas import DESK
from worker.policy.decision import moved_on

REF = RowRef(1, 2, b"")
TERMS = CompareRules(DESK)
REPLACED = "another value took the place of an object, and no column puts an object in the place of a value"


def path(name: str, *key: str) -> Path:
    return ("attributes", name, *key)


@pytest.mark.parametrize(
    ("where", "old", "cell"),
    [
        (path("priority"), "low", Cell("priority:json", "low")),
        (path("subject"), "s", Cell("/subject:json", "s")),  # not declared: nothing can take it for a slip
        (path("subject"), None, Cell("/subject:json", None)),
        (path("/a.b"), 7, Cell("/a.b:json", 7)),
        (path("type"), "q", Cell("/type:json", "q")),  # `type` names the resource
        (path("owner"), "q", Cell("/owner:json", "q")),  # a variable of another resource
        (path("__v"), 1, Cell("/__v:json", 1)),
        (path("address", "zip"), "7", Cell("address.zip:json", "7")),
        (path("address", "city"), "X", Cell("/address/city:json", "X")),
        (path("address", "a.b"), "X", Cell("/address/a.b:json", "X")),
        (path("address", ""), "X", Cell("/address/:json", "X")),
        (path("address", "city"), ABSENT, Cell("/address/city", None)),
        (path("address", "a:int"), ABSENT, Cell("/address/a:int:str", None)),
        (path("address.geo", "lat"), 1, Cell("/address/geo/lat:json", 1)),
        (path("metadata", "a.b"), "1", Cell("/metadata/a.b:json", "1")),
        (path("metadata", "a"), {"b": 1}, Cell("metadata.a:json", {"b": 1})),
        (path("metadata", "rank"), ABSENT, Cell("metadata.rank", None)),
        (path("custom_fields", "7"), "x", Cell("custom_fields.7:json", "x")),
        (path("blob"), {"a": 1}, Cell("blob:json", {"a": 1})),
        (path("tags"), {"a": True}, Cell("tags:json", ["a"])),
        (path("tags"), None, Cell("tags:json", None)),
        (path("tags", "a"), True, Cell("tags.add", "a", several=True)),
        (path("tags", "a"), ABSENT, Cell("tags.remove", "a", several=True)),
        (path("address.marks", "a"), ABSENT, Cell("address.marks.remove", "a", several=True)),
        (path("sizes"), [1.5], Cell("sizes:json", [1.5])),
    ],
)
def test_every_value_has_a_column(where: Path, old: Value, cell: Cell) -> None:
    assert cell_of("tickets", where, old, DESK) == cell


@pytest.mark.parametrize(
    ("where", "old", "why"),
    [
        (path("count"), None, "it had no value, and cannot be cleared"),
        (path("address"), {"a": 1}, "another value took the place of an object"),
    ],
)
def test_some_values_cannot_be_put_back(where: Path, old: Value, why: str) -> None:
    with pytest.raises(Unwritable, match=why):
        cell_of("tickets", where, old, DESK)


@pytest.mark.parametrize(
    ("kind", "key", "members"),
    [
        ("tickets", "a/b", {"type": "tickets", "id": "a/b"}),
        ("issues", "acme/my%20shop/7", {"type": "issues", "owner": "acme", "repo": "my shop", "number": "7"}),
        ("boats", "7", {"type": "boats", "id": "7"}),  # nobody knows it any more
    ],
)
def test_the_row_says_which_record_it_puts_back(kind: str, key: str, members: dict[str, JSON]) -> None:
    assert named(kind, key, DESK) == members


NAMES = (
    "subject", "/a.b", "/type", "address.city", "address.zip", "address.geo.lat", "address.geo.a.b", "address.lines",
    "address.marks.add", "address.marks.remove", "address", "x", "x.y", "x.y.z", "metadata.a", "metadata.a.b",
    "metadata", "custom_fields.7", "tags", "tags.add", "tags.remove", "blob", "sizes", "priority", "count",
)  # fmt: skip
PLAIN = st.sampled_from(["", "a", "7", "b"])
JSONS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), PLAIN), lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)
ELEMENTS = st.lists(st.sampled_from("abc"), max_size=3)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "address.zip": st.one_of(st.none(), PLAIN),
    "address.lines": st.one_of(st.none(), ELEMENTS),
    "address": st.one_of(st.none(), st.dictionaries(st.sampled_from(["city", "geo", "q"]), JSONS, max_size=2)),
    "metadata": st.one_of(st.none(), st.dictionaries(st.sampled_from("ab"), PLAIN, max_size=2)),
    "metadata.a": st.one_of(st.none(), PLAIN),
    "metadata.a.b": st.one_of(st.none(), PLAIN),
    "custom_fields.7": st.one_of(st.none(), PLAIN),
    "tags": st.one_of(st.none(), ELEMENTS),
    "sizes": st.one_of(st.none(), st.lists(st.just(1.5), max_size=2)),
    "priority": st.sampled_from([None, "low", "high"]),
    "count": st.integers(0, 3),
    **dict.fromkeys(("tags.add", "tags.remove", "address.marks.add", "address.marks.remove"), ELEMENTS),
}
ROWS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: CELLS.get(name, JSONS) for name in names})
)
SETS = st.dictionaries(st.sampled_from("abc"), st.just(True), max_size=2)  # an element is a key
OBJECTS = st.dictionaries(st.sampled_from(["city", "zip", "q"]), PLAIN, max_size=2)
RECORDS = st.fixed_dictionaries(
    {"count": st.integers(0, 3)},
    optional={
        "subject": st.one_of(PLAIN, st.none()),
        "a.b": PLAIN,
        "type": PLAIN,
        "address": st.one_of(st.none(), st.builds(
            lambda own, geo, marks: {**own, "geo": geo, "marks": marks}, OBJECTS, st.one_of(st.none(), OBJECTS), SETS
        )),
        "x": JSONS,
        "metadata": st.one_of(st.none(), st.dictionaries(st.sampled_from(["a", "a.b", "c"]), PLAIN, max_size=2)),
        "custom_fields": st.dictionaries(st.sampled_from(["7", "8"]), PLAIN, max_size=2),
        "tags": SETS,
        "blob": JSONS,
        "sizes": st.lists(st.just(2.5), max_size=2),
        "priority": st.sampled_from(["low", "urgent"]),
    },
)  # fmt: skip


def shown(record: dict[str, Any], asked: Fields) -> Live:
    """What a read shows of a record in which sets have their elements as keys: nothing within what is no object."""
    names = (name for name in asked.attributes if _may_hold(record, steps_of(name)))
    found = {name: at(record, steps_of(name)) for name in names}
    return Live("tickets", {name: None if value is ABSENT else value for name, value in found.items()}, fields=asked)


def _may_hold(record: dict[str, Any], steps: tuple[str, ...]) -> bool:
    outer = (at(record, steps[:length]) for length in range(1, len(steps)))
    return all(each is None or isinstance(each, dict | Absent) for each in outer)


def carried_out(record: dict[str, Any], edits: Iterable[Edit]) -> dict[str, Any]:
    """The record after an update, as a server that does what it is told would leave it."""
    made = deepcopy(record)
    for edit in edits:
        _, name, *key = edit.path
        steps = (*steps_of(name), *key)
        if isinstance(edit.after, Absent):
            take_away(made, steps)
        else:
            put(made, steps, deepcopy(edit.after))
    return made


def told(value: Any) -> Any:
    """A record without what is null or empty: to a reader, that is the same as nothing."""
    if not isinstance(value, dict):
        return value
    inner = {key: told(each) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each not in (None, {}, [])} or None


def asked(members: dict[str, JSON]) -> UpdateJob | None:
    found = ObjectColumns(Rules(DESK)).read(ObjectRow(REF, members))
    return found if isinstance(found, UpdateJob) else None


def changed(job: UpdateJob, record: dict[str, Any]) -> Change | None:
    try:
        return difference(job, shown(record, fields(job)), TERMS)
    except CannotMerge:
        return None


@given(st.lists(ROWS, min_size=1, max_size=3), RECORDS)
def test_what_rows_changed_is_put_back_by_columns(rows: list[dict[str, Any]], record: dict[str, Any]) -> None:
    now, written = record, []
    for number, row in enumerate(rows, 1):
        job = asked({"type": "tickets", "id": "7", **row})
        change = changed(job, now) if job else None
        if change is not None and not change.is_empty:
            now = carried_out(now, change.edits)
            written.append(Written(number, change.edits))
    found = restoring("tickets", "7", written, DESK)
    assert {each.why for each in found.lost} <= {REPLACED}
    if found.lost:
        return
    if not found.members:
        assert told(now) == told(record)
        return
    back = asked(found.members)
    assert back is not None
    undone = changed(back, now)
    assert undone is not None
    assert moved_on(undone, found.edits, DESK) == ()  # what the run left is what undo expects
    assert told(carried_out(now, undone.edits)) == told(record)


@pytest.mark.parametrize(
    ("where", "column"),
    [
        (path("a"), "a"),
        (path("a.b", "c"), "a.b.c"),
        (path("/a.b"), "/a.b"),
        (path("/a.b", "c/d"), "/a.b/c~1d"),
        (path("metadata", "a.b"), "metadata.a.b"),
    ],
)
def test_an_edit_has_the_name_of_its_column(where: Path, column: str) -> None:
    assert column_of(Edit(where, None, 1)) == column


def test_a_cleared_object_is_put_back_member_by_member() -> None:
    before: JSON = {"zip": "1", "geo": {"lat": 1, "in": {}}, "marks": ["a"], "note": None}
    edits = (Edit(path("address"), before, None),)
    found = restoring("tickets", "7", [Written(1, edits)], DESK)
    assert found.lost == ()
    assert found.members == {
        "type": "tickets", "id": "7", "address.zip:json": "1", "/address/geo/lat:json": 1,
        "address.marks:json": ["a"],  # and no note: null is as good as none
    }  # fmt: skip
    back = asked(found.members)
    assert back is not None
    change = difference(back, shown({"address": None}, fields(back)), TERMS)
    assert moved_on(change, found.edits, DESK) == ()
    assert carried_out({}, change.edits)["address"]["geo"] == {"lat": 1}


def test_an_object_that_gave_way_to_a_text_is_not_put_back() -> None:
    edits = (Edit(path("address", "geo"), {"lat": 1}, "north"),)
    found = restoring("tickets", "7", [Written(1, edits)], DESK)
    assert found.members == {}
    assert [(each.column, each.why) for each in found.lost] == [("address.geo", REPLACED)]


def test_what_rows_set_within_an_object_that_one_laid_over_nothing_is_one_history() -> None:
    one = (Edit(path("address"), None, {"zip": "1"}),)
    two = (Edit(path("address.geo"), None, {"lat": 1}), Edit(path("address", "zip"), "1", ABSENT))
    three = (Edit(path("address.geo", "lat"), 1, 2),)
    found = restoring("tickets", "7", [Written(1, one), Written(2, two), Written(3, three)], DESK)
    assert found.edits == (Edit(path("address"), {"geo": {"lat": 2}}, None),)
    assert found.members == {"type": "tickets", "id": "7", "address:json": None}


def test_one_place_that_rows_name_in_two_ways_is_one_value() -> None:
    one, two = (Edit(path("x.y"), None, {"a": 1}),), (Edit(path("x", "y"), {"a": 1}, ABSENT),)
    assert restoring("tickets", "7", [Written(1, one), Written(2, two)], DESK).members == {}


NESTED = described(
    description(
        fields={
            "meta": {"type": "object"},
            "meta.tags": {"type": "set", "item": "/name"},
            "meta.words": {"type": "set", "sep": " "},
            "meta.sizes": {"type": "list", "item": "/size"},
            "meta.extra": {"type": "keyed", "key": "id:int", "value": "value"},
            "meta.raw": {"type": "json"},
        }
    ),
    {},
    "",
)
WIRE = {
    "tags": [{"name": "a"}, {"name": "b"}],
    "words": "x y",
    "sizes": [{"size": 1}],
    "extra": [{"id": 3, "value": "v"}],
    "raw": {"tags": [1]},
    "n": {"deep": [2]},
}


def rows_of(*objects: dict[str, JSON]) -> tuple[dict[str, JSON], list[Edit], dict[str, Any]]:
    """Apply rows to a record one by one; return the row that undoes them, what it may replace, and the record."""
    things, columns, terms = NESTED.resource("things"), ObjectColumns(Rules(NESTED.schema)), CompareRules(NESTED.schema)
    record: dict[str, Any] = {"id": "7", "meta": deepcopy(WIRE)}
    written: list[Written] = []
    for members in objects:
        row = columns.read(ObjectRow(REF, {"type": "things", "id": "7", **members}))
        assert isinstance(row, UpdateJob), row
        live = things.state(reply(record), "7", fields(row))
        assert live is not None
        change = difference(row, live, terms)
        record |= json.loads(things.update(row, change, live).body)
        written.append(Written(len(written) + 1, change.edits))
    found = restoring("things", "7", written, NESTED.schema)
    assert found.lost == ()
    return found.members, list(found.edits), record


@pytest.mark.parametrize("before", [(), ({"meta.tags.add": ["c"], "meta.extra.3": "w"},)])
def test_what_stood_in_an_object_that_was_cleared_is_put_back_in_the_form_of_its_columns(
    before: tuple[dict[str, JSON], ...],
) -> None:
    members, edits, record = rows_of(*before, {"meta": None})
    assert record["meta"] is None
    assert members == {
        "type": "things", "id": "7",
        "meta.tags:json": ["a", "b"], "meta.words:json": ["x", "y"], "meta.sizes:json": [1], "meta.extra.3:json": "v",
        "meta.raw:json": {"tags": [1]}, "/meta/n/deep:json": [2],
    }  # fmt: skip
    back = ObjectColumns(Rules(NESTED.schema)).read(ObjectRow(REF, members))
    assert isinstance(back, UpdateJob), back
    things = NESTED.resource("things")
    live = things.state(reply(record), "7", fields(back))
    assert live is not None
    change = difference(back, live, CompareRules(NESTED.schema))
    assert moved_on(change, tuple(edits), NESTED.schema) == ()
    sent = json.loads(things.update(back, change, live).body)["meta"]
    assert sent == {**WIRE, "tags": ["a", "b"], "sizes": [1]}


def applied(api: DescribedApi, record: dict[str, Any], members: dict[str, JSON]) -> tuple[Change, dict[str, Any]]:
    """Apply one row to a record whose server replaces outermost members; return the change, and the record."""
    things, row = api.resource("things"), ObjectColumns(Rules(api.schema)).read(ObjectRow(REF, members))
    assert isinstance(row, UpdateJob), row
    live = things.state(reply(record), "7", fields(row))
    assert live is not None
    change = difference(row, live, CompareRules(api.schema))
    sent = json.loads(things.update(row, change, live).body) if not change.is_empty else {}
    left = {name: value for name, value in {**record, **sent}.items() if value is not None}
    return change, left


NAMED_ELEMENTS = {"type": "set", "item": "/name", "item_as": "object"}


@pytest.mark.parametrize(
    ("member", "before", "row"),
    [
        ({"type": "text"}, "old", {"a.x": "new"}),
        ({"type": "int"}, 7, {"a.x": 8}),
        ({"type": "int"}, 7, {"a.x": None}),
        ({"type": "int"}, None, {"a.x": 8}),  # it was not there
        ({"type": "date"}, "2026-01-31", {"a.x": "2026-02-01"}),
        ({"type": "set"}, ["p", "q"], {"a.x": ["q", "r"]}),
        ({"type": "set"}, ["p", "q"], {"a.x.add": ["r"]}),
        ({"type": "set"}, ["p", "q"], {"a.x.remove": ["q"]}),
        ({"type": "set", "sep": ";"}, "p;q", {"a.x.add": ["r"]}),
        (NAMED_ELEMENTS, [{"name": "p"}], {"a.x.add": ["r"]}),
        ({"type": "list", "sep": "|"}, "p|q", {"a.x": ["r"]}),
        ({"type": "list"}, ["p", "q"], {"a.x": None}),
        ({"type": "keyed", "key": "id:int", "value": "v"}, [{"id": 1, "v": "p"}], {"a.x.1": "r", "a.x.2": "s"}),
        ({"type": "map"}, {"k": "p"}, {"a.x.k": "r", "a.x.l": "s"}),
        ({"type": "json"}, {"k": [1]}, {"a.x": [2]}),
    ],
)
@pytest.mark.parametrize("is_last", [False, True])
def test_a_member_that_only_a_wildcard_describes_is_put_back(
    member: dict[str, Any], before: Any, row: dict[str, JSON], is_last: bool
) -> None:
    api = described(description(fields={"a": {"type": "object"}, "a.*": member}), {}, "")
    others = {} if is_last else {"y": beside(member)}
    held = {**others, **({} if before is None else {"x": before})}
    record: dict[str, Any] = {"id": "7", "a": held}
    change, after = applied(api, record, {"type": "things", "id": "7", **row})
    assert after != record
    found = restoring("things", "7", [Written(1, change.edits)], api.schema)
    assert found.lost == ()
    back, restored = applied(api, after, found.members)
    assert moved_on(back, found.edits, api.schema) == ()
    kept = {name: value for name, value in restored["a"].items() if value is not None}
    assert kept == held


def beside(member: dict[str, Any]) -> Any:
    """A value of another member that the same wildcard describes: it must stay as it is."""
    kind, sep = member["type"], member.get("sep", "")
    if sep:
        return f"m{sep}n"
    others = {"set": ["m"], "list": ["m"], "keyed": [{"id": 9, "v": "m"}], "map": {"m": "n"}, "int": 1}
    return [{"name": "m"}] if "item" in member else others.get(kind, "2020-01-01")
