"""From what a run wrote into a record to the row that puts it back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.changes.diff import CompareRules, after, difference, fields, value_at
from jobs.changes.edits import column_of
from jobs.changes.equality import same_at
from jobs.changes.inverse import NotRestorable, Restoring, Written, needed, restoring, trails
from jobs.columns import ObjectColumns, Rules
from jobs.formats import read_objects
from jobs.model import (
    ABSENT,
    JSON,
    UNREAD,
    Absent,
    Edit,
    Fields,
    Link,
    Live,
    ObjectRow,
    Path,
    RowRef,
    Unread,
    UpdateJob,
)
from tests.schemas import SCHEMA, TERMS
from worker.policy.decision import moved_on

TYPE = "orders"
ID = "xAyBzCwDvE"
REFERENCE: Path = ("attributes", "reference")
METADATA: Path = ("attributes", "metadata")
A: Path = ("attributes", "metadata", "a")
B: Path = ("attributes", "metadata", "b")
INFO: Path = ("attributes", "expiration_info")
TIERS: Path = ("relationships", "shipping_method_tiers")
VIP: Path = ("tags", "vip")

Value = JSON | Absent | Unread


def wrote(row: int, *edits: tuple[Path, Value, JSON | Absent], certain: bool = True) -> Written:
    return Written(row, tuple(Edit(*edit) for edit in edits), certain=certain)


def cells(found: Restoring) -> dict[str, JSON]:
    return {name: value for name, value in found.members.items() if name not in {"id", "type"}}


def moves(found: Restoring, path: Path) -> list[tuple[Value, JSON | Absent]]:
    return [(edit.before, edit.after) for edit in found.edits if edit.path == path]


@pytest.mark.parametrize(
    ("path", "before", "new", "expected"),
    [
        (REFERENCE, "A", "B", {"attributes.reference:json": "A"}),
        (REFERENCE, None, "B", {"attributes.reference:json": None}),
        (("attributes", "status"), "odd", "placed", {"attributes.status:json": "odd"}),  # whatever the catalogue lists
        (A, 7, 8, {"metadata.a:json": 7}),
        (A, None, 8, {"metadata.a:json": None}),  # the key held null: that is a value
        (A, ABSENT, 8, {"metadata.a": None}),  # the key was not there: it is removed
        ((*METADATA, "a:int"), ABSENT, 8, {"metadata.a:int:str": None}),  # its name must not pass for a suffix
        ((*METADATA, "a:date"), ABSENT, 8, {"metadata.a:date:str": None}),  # nor for a word for one
        ((*METADATA, ""), ABSENT, 8, {"metadata.:str": None}),
        ((*METADATA, ""), 7, 8, {"metadata.:json": 7}),
        ((*METADATA, "a.b"), 7, 8, {"metadata.a.b:json": 7}),
        (METADATA, None, {"a": 1}, {"attributes.metadata:json": None}),
        # an object is merged into metadata: its keys are named one by one
        (METADATA, {"a": 1, "b": None}, None, {"metadata.a:json": 1, "metadata.b:json": None}),
        (INFO, {"a": 1}, None, {"attributes.expiration_info:json": {"a": 1}}),  # any other object is replaced
        ((*INFO, "a"), 1, 2, {"expiration_info.a:json": 1}),
        (VIP, ABSENT, True, {"tags.remove": ["vip"]}),
        (VIP, True, ABSENT, {"tags.add": ["vip"]}),
        (
            ("relationships", "payment_source"),
            {"type": "stripe_payments", "id": "x"},
            None,
            {"payment_source": "stripe_payments/x"},
        ),
        (("relationships", "customer"), None, {"type": "customers", "id": "x"}, {"customer": None}),
    ],
)
def test_a_value_is_put_back_by_a_cell_that_says_it_exactly(
    path: Path, before: Value, new: JSON | Absent, expected: dict[str, JSON]
) -> None:
    found = restoring(TYPE, ID, [wrote(1, (path, before, new))], SCHEMA)
    assert found.members == {"type": TYPE, "id": ID, **expected}
    assert (new, before) in moves(found, path)
    assert found.lost == ()


def tier(*ids: str) -> list[JSON]:
    return [{"type": "shipping_method_tiers", "id": each} for each in ids]


@pytest.mark.parametrize(
    ("old", "cell"), [(tier("a", "b"), ["shipping_method_tiers/a", "shipping_method_tiers/b"]), ([], [])]
)
def test_links_to_many_are_put_back_as_a_list(old: JSON, cell: JSON) -> None:
    found = restoring("shipping_methods", ID, [wrote(1, (TIERS, old, tier("c")))], SCHEMA)
    assert cells(found) == {"shipping_method_tiers": cell}


@pytest.mark.parametrize(
    ("rows", "before", "held"),
    [
        # the first old value and the last new one
        ([wrote(1, (REFERENCE, "A", "B")), wrote(2, (REFERENCE, "B", "C"))], "A", ["C"]),
        # the last row may have been applied or not
        ([wrote(1, (REFERENCE, "A", "B")), wrote(2, (REFERENCE, "B", "C"), certain=False)], "A", ["B", "C"]),
        # a certain row ends the doubts before it
        ([wrote(1, (REFERENCE, "A", "B"), certain=False), wrote(2, (REFERENCE, "B", "C"))], "A", ["C"]),
        # nothing is certain: the old value is fine as it is, and needs no mention
        ([wrote(1, (REFERENCE, "A", "B"), certain=False)], "A", ["B"]),
    ],
)
def test_several_rows_of_a_record_are_one_change(rows: list[Written], before: JSON, held: list[JSON]) -> None:
    found = restoring(TYPE, ID, rows, SCHEMA)
    assert cells(found) == {"attributes.reference:json": before}
    assert moves(found, REFERENCE) == [(value, before) for value in held]


@pytest.mark.parametrize(
    ("rows", "expected", "edits"),
    [
        # metadata was null: the first row replaces the whole, the next edits keys of it
        (
            [wrote(1, (INFO, None, {"a": 1})), wrote(2, ((*INFO, "a"), 1, 2), ((*INFO, "b"), ABSENT, 3))],
            {"attributes.expiration_info:json": None},
            [({"a": 2, "b": 3}, None)],
        ),
        # a key is removed again
        (
            [wrote(1, (INFO, None, {"a": 1, "b": 2})), wrote(2, ((*INFO, "a"), 1, ABSENT))],
            {"attributes.expiration_info:json": None},
            [({"b": 2}, None)],
        ),
        # keys first, then the whole: the keys as they were, and those that nobody edited
        (
            [
                wrote(1, ((*INFO, "a"), 1, 2), ((*INFO, "b"), ABSENT, 3)),
                wrote(2, (INFO, {"a": 2, "b": 3, "c": 4}, None)),
            ],
            {"attributes.expiration_info:json": {"a": 1, "c": 4}},
            [(None, {"a": 1, "c": 4})],
        ),
        # ... where the last row is not certain
        (
            [wrote(1, ((*INFO, "a"), 1, 2)), wrote(2, (INFO, {"a": 2}, None), certain=False)],
            {"attributes.expiration_info:json": {"a": 1}},
            [({"a": 2}, {"a": 1}), (None, {"a": 1})],
        ),
    ],
)
def test_edits_of_keys_and_of_the_whole_go_together(
    rows: list[Written], expected: dict[str, JSON], edits: list[tuple[Value, JSON | Absent]]
) -> None:
    found = restoring(TYPE, ID, rows, SCHEMA)
    assert cells(found) == expected
    assert moves(found, INFO) == edits


def test_metadata_that_was_cleared_is_put_back_whether_the_api_shows_null_or_an_empty_object() -> None:
    found = restoring(TYPE, ID, [wrote(1, (METADATA, {"a": 1}, None))], SCHEMA)
    shown: JSON
    for shown in (None, {}):
        live = Live(TYPE, {"metadata": shown}, fields=Fields(frozenset({"metadata"})))
        change = difference(job_of(found), live, TERMS)
        assert change.attributes == {"metadata": {"a": 1}}
        assert moved_on(change, found.edits, SCHEMA) == ()


@pytest.mark.parametrize(
    "rows",
    [
        [wrote(1, (REFERENCE, "A", "B")), wrote(2, (REFERENCE, "B", "A"))],
        [wrote(1, (VIP, ABSENT, True)), wrote(2, (VIP, True, ABSENT))],
        [wrote(1, (INFO, {"a": 1, "b": 2}, None)), wrote(2, (INFO, None, {"b": 2, "a": 1}))],  # keys have no order
        [],
    ],
)
def test_what_is_as_it_was_needs_no_row(rows: list[Written]) -> None:
    assert restoring(TYPE, ID, rows, SCHEMA) == Restoring({}, (), ())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([wrote(3, (REFERENCE, UNREAD, "B")), wrote(5, (REFERENCE, UNREAD, "C"))], [(3, "reference", "nobody looked")]),
        ([wrote(3, (REFERENCE, UNREAD, "B")), wrote(5, (REFERENCE, "B", "C"))], [(3, "reference", "nobody looked")]),
        ([wrote(3, (A, UNREAD, "B"))], [(3, "metadata.a", "nobody looked")]),
        ([wrote(3, (VIP, UNREAD, True))], [(3, "tags", "nobody looked")]),
        # read, then wiped by keys that were sent without reading: nobody knows what is left
        (
            [wrote(3, (INFO, None, {"a": 1})), wrote(5, ((*INFO, "b"), UNREAD, 1))],
            [(3, "expiration_info", "not known")],
        ),
        ([Written(3, (), ("_capture", "password"))], [(3, "_capture", "trigger"), (3, "password", "does not show")]),
        # only with --metadata replace can such a member be wiped
        ([wrote(3, ((*INFO, "a.b"), 1, ABSENT))], [(3, "expiration_info.a.b", "has a dot")]),
        ([wrote(3, ((*INFO, ""), 1, ABSENT))], [(3, "expiration_info.", "is empty")]),
        (
            [wrote(3, (("relationships", "customer"), {"type": "aliens", "id": "x"}, None))],
            [(3, "customer", "does not know")],
        ),
    ],
)
def test_what_cannot_be_put_back_is_named_with_its_row(
    rows: list[Written], expected: list[tuple[int, str, str]]
) -> None:
    found = restoring(TYPE, ID, rows, SCHEMA)
    assert found.members == {}
    assert [(lost.row, lost.column) for lost in found.lost] == [(row, column) for row, column, _ in expected]
    assert all(said in lost.why for lost, (_, _, said) in zip(found.lost, expected, strict=True))


def test_the_rest_of_a_record_is_put_back_beside_what_cannot_be() -> None:
    found = restoring(TYPE, ID, [Written(1, (Edit(REFERENCE, "A", "B"), Edit(A, UNREAD, 1)), ("_place",))], SCHEMA)
    assert cells(found) == {"attributes.reference:json": "A"}
    assert {type(each) for each in found.lost} == {NotRestorable}
    assert [lost.column for lost in found.lost] == ["_place", "metadata.a"]


STORED = Edit(REFERENCE, "A", " B ", "B")


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        ([Written(1, (STORED,))], (" B ", "B")),
        ([Written(1, (STORED,), certain=False)], ("A", " B ", "B")),
        ([Written(1, (STORED,)), wrote(2, (REFERENCE, "B", "C"))], ("C",)),
        ([wrote(1, (REFERENCE, "0", "A")), Written(2, (STORED,))], (" B ", "B")),
    ],
)
def test_a_value_is_held_as_it_was_sent_or_as_the_api_stored_it(rows: list[Written], held: tuple[str, ...]) -> None:
    (trail,) = trails(rows)
    assert trail.held == held
    found = restoring(TYPE, ID, rows, SCHEMA)
    live = Live(TYPE, {"reference": held[-1]}, fields=Fields(frozenset({"reference"})))
    change = difference(job_of(found), live, TERMS)
    assert change.attributes == {"reference": trail.before}
    assert moved_on(change, found.edits, SCHEMA) == ()  # nobody has changed it since


def test_keys_are_held_as_they_were_sent_or_as_the_api_stored_them() -> None:
    keys = Edit(A, "x", " y ", "y"), Edit(B, 1, "", ABSENT)
    found = restoring(TYPE, ID, [Written(1, keys)], SCHEMA)
    assert moves(found, A) == [(" y ", "x"), ("y", "x")]
    assert moves(found, B) == [("", 1), (ABSENT, 1)]
    whole = restoring(
        TYPE,
        ID,
        [Written(1, (Edit(INFO, None, {"a": " y "}),)), Written(2, (Edit((*INFO, "a"), " y ", " z ", "z"),))],
        SCHEMA,
    )
    assert moves(whole, INFO) == [({"a": " z "}, None), ({"a": "z"}, None)]


def test_only_equal_is_equal_to_what_was_left() -> None:
    """A colleague's correction of `retail` to `Retail` is not taken back."""
    found = restoring(TYPE, ID, [wrote(1, (REFERENCE, "old", "retail"))], SCHEMA)
    live = Live(TYPE, {"reference": "Retail"}, fields=Fields(frozenset({"reference"})))
    (moved,) = moved_on(difference(job_of(found), live, TERMS), found.edits, SCHEMA)
    assert (moved.before, moved.after) == ("retail", "Retail")


def test_blind_rows_can_be_checked_though_not_put_back() -> None:
    (trail,) = trails([wrote(1, (REFERENCE, UNREAD, "B")), wrote(2, (REFERENCE, UNREAD, "C"))])
    assert (trail.first, trail.last, trail.before, trail.held) == (1, 2, UNREAD, ("C",))


def test_what_has_to_be_read_follows_from_the_paths() -> None:
    assert needed([REFERENCE, A, B]) == Fields(frozenset({"reference", "metadata"}))
    assert needed([TIERS, VIP]) == Fields(frozenset(), frozenset({"shipping_method_tiers"}), tags=True)


# --- any run, put back


KEYS = st.sampled_from(["a", "b", "", "a:int", "x.y", "é: \u2028"])
PLAIN = st.sampled_from(["a", "b", "a:int"])
VALUES: st.SearchStrategy[JSON] = st.sampled_from([None, True, 7, "7", 1.5, "x", {}, {"n": 1}, [1, "y"]])
OBJECTS: st.SearchStrategy[JSON] = st.none() | st.dictionaries(KEYS, VALUES, max_size=3)
LINKS: st.SearchStrategy[dict[str, Link | tuple[Link, ...] | None]] = st.fixed_dictionaries(
    {},
    optional={
        "payment_source": st.none() | st.builds(Link, st.sampled_from(["stripe_payments", "paypal_payments"]), PLAIN),
        "customer": st.none() | st.builds(Link, st.just("customers"), PLAIN),
    },
)
TAGS = st.sampled_from(["vip", "sale", "new"])
NAMES = ("reference", "metadata", "expiration_info")


@st.composite
def jobs(draw: st.DrawFn, row: int) -> UpdateJob:
    attributes: dict[str, JSON] = draw(
        st.fixed_dictionaries({}, optional={"reference": st.sampled_from(["A", "B", None])})
    )
    members: dict[str, dict[str, JSON | Absent]] = {}
    for name, keys in (("metadata", KEYS), ("expiration_info", PLAIN)):
        form = draw(st.sampled_from(["", "whole", "members"]))
        if form == "whole":
            attributes[name] = draw(OBJECTS)
        elif form == "members":
            members[name] = draw(st.dictionaries(keys, VALUES | st.just(ABSENT), min_size=1, max_size=3))
    add = draw(st.sets(TAGS))
    remove = draw(st.sets(TAGS)) - add
    return UpdateJob(
        RowRef(row, row, b""), TYPE, ID, attributes, members, draw(LINKS), {}, tuple(sorted(add)), tuple(sorted(remove))
    )


@st.composite
def kept(draw: st.DrawFn, edit: Edit) -> Edit:
    """The edit as the API carries it out: the value as it was sent, or in a form of its own, that its reply shows."""
    if edit.path[0] != "attributes" or draw(st.booleans()):
        return edit
    kinds = OBJECTS if edit.path[1:] in {METADATA[1:], INFO[1:]} else VALUES
    stored = draw(kinds | st.just(ABSENT) if len(edit.path) > 2 else kinds)
    assert not isinstance(edit.before, Unread)
    third = not (same_at(edit.path, edit.after, stored, SCHEMA) or same_at(edit.path, edit.before, stored, SCHEMA))
    return replace(edit, stored=stored) if third else edit


@st.composite
def runs(draw: st.DrawFn) -> tuple[Live, list[Written], Live]:
    """A record before and after a run of a few rows, some of which may or may not have been applied."""
    attributes: dict[str, JSON] = {"reference": draw(st.sampled_from(["A", "B", None]))}
    attributes |= {"metadata": draw(OBJECTS), "expiration_info": draw(OBJECTS)}
    links = {"payment_source": None, "customer": None, **draw(LINKS)}
    whole = Fields(frozenset(NAMES), frozenset(links), tags=True)
    live = first = Live(TYPE, attributes, links, frozenset(draw(st.sets(TAGS))), whole)
    rows = []
    for row in range(1, draw(st.integers(1, 4)) + 1):
        change = difference(draw(jobs(row)), live, CompareRules(SCHEMA, replace=draw(st.booleans())))
        change = replace(change, edits=tuple(draw(kept(edit)) for edit in change.edits))
        certain = draw(st.booleans())
        if not change.is_empty:
            rows.append(Written(row, change.edits, change.unread, certain))
            live = after(live, change) if certain or draw(st.booleans()) else live
    return first, rows, live


def job_of(found: Restoring) -> UpdateJob:
    """The row as a run reads it from its input."""
    line = json.dumps(found.members, ensure_ascii=False).encode() + b"\n"
    (record,) = read_objects(BytesIO(line))
    assert isinstance(record, ObjectRow)
    job = ObjectColumns(Rules(SCHEMA)).read(record)
    assert isinstance(job, UpdateJob), job
    return job


def exactly(value: JSON | Absent | None) -> str:
    return (
        "null"
        if value in (None, {})
        else repr(value)
        if isinstance(value, Absent)
        else json.dumps(value, sort_keys=True)
    )


def test_a_value_is_told_from_one_that_only_reads_alike() -> None:
    found = restoring(TYPE, ID, [wrote(3, (A, "7", 7), (B, 1, True))], SCHEMA)
    assert cells(found) == {"metadata.a:json": "7", "metadata.b:json": 1}
    live = Live(TYPE, {"metadata": {"a": 7, "b": True}}, fields=Fields(frozenset({"metadata"})))
    change = difference(job_of(found), live, TERMS)
    assert change.attributes == {"metadata": {"a": "7", "b": 1}}
    assert moved_on(change, found.edits, SCHEMA) == ()


@given(runs())
def test_any_run_is_undone_by_the_row(run: tuple[Live, list[Written], Live]) -> None:
    first, rows, live = run
    found = restoring(TYPE, ID, rows, SCHEMA)
    restored = live
    if found.members:
        job = job_of(found)
        assert fields(job) <= live.fields
        change = difference(job, live, TERMS)
        assert moved_on(change, found.edits, SCHEMA) == ()  # what the run left is what undo expects
        restored = after(live, change)
    lost = {each.column: each.why for each in found.lost}
    for path in {edit.path for row in rows for edit in row.edits}:
        for column in differing(path, value_at(first, path), value_at(restored, path)):
            assert column in lost
            assert "has a dot" in lost[column]


def differing(path: Path, old: JSON | Absent | None, new: JSON | Absent | None) -> Iterator[str]:
    """Columns that are not as they were, `metadata` key by key."""
    if path == METADATA and isinstance(old, dict) and isinstance(new, dict | None):
        keys = new or {}
        for key in {*old, *keys}:
            yield from differing((*path, key), old.get(key, ABSENT), keys.get(key, ABSENT))
    elif exactly(old) != exactly(new):
        yield column_of(Edit(path, old, ABSENT))
