"""What a night decides about one row."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.model import Agreed, Clearing, Drift, FieldRules, Remembered, Sealed, Told
from jobs.agreement.rows import Decided, decided, in_doubt, says_what_was_agreed
from jobs.changes.diff import CompareRules, difference
from jobs.changes.overtaking import Inseparable, touched
from jobs.model import ABSENT, UNREAD, Edit, Link, Live, Path, RowRef, UpdateJob
from tests.schemas import DESK, TERMS

REF = RowRef(1, 2, b"")
NAME: Path = ("attributes", "name")
CODE: Path = ("attributes", "code")
KEY: Path = ("attributes", "metadata", "a")
OTHER: Path = ("attributes", "metadata", "b")
TAGS: Path = ("attributes", "tags")
REPORT = FieldRules()
MEMBERS = CompareRules(DESK)


def row(type_name: str = "skus", **more: Any) -> UpdateJob:
    return UpdateJob(REF, type_name, "x", **more)


def live(type_name: str = "skus", **attributes: Any) -> Live:
    return Live(type_name, attributes, {"shipping_category": Link("shipping_categories", "s")}, frozenset({"old"}))


def agreed(**fields: Any) -> Remembered:
    """Both sides agreed on these values of attributes."""
    return {("attributes", *name.split("__")): Agreed(value, value) for name, value in fields.items()}


def kinds(told: tuple[Told, ...]) -> dict[Path, str]:
    return {each.path: each.kind for each in told}


BOTH = row(attributes={"name": "new", "code": "new"})


@pytest.mark.parametrize(
    ("remembered", "record", "sent", "held"),
    [
        ({}, live(name="x", code="x"), {NAME, CODE}, {}),
        (agreed(name="old", code="old"), live(name="old", code="old"), {NAME, CODE}, {}),
        (agreed(name="old", code="old"), live(name="x", code="old"), {CODE}, {NAME: "both_changed"}),
        (agreed(name="new", code="old"), live(name="x", code="old"), {CODE}, {NAME: "drifted"}),
        (agreed(name="new"), live(name="x", code="x"), {CODE}, {NAME: "drifted"}),
        (agreed(name="new", code="new"), live(name="x", code="new"), set(), {NAME: "drifted"}),
        (agreed(name="old", code="new"), live(name="x", code="y"), set(), {NAME: "both_changed", CODE: "drifted"}),
    ],
)
def test_each_field_of_a_row_decides_alone(
    remembered: Remembered, record: Live, sent: set[Path], held: dict[Path, str]
) -> None:
    found = decided(BOTH, record, remembered, REPORT, TERMS)
    assert kinds(found.held) == held
    edits = difference(found.job, record, TERMS).edits if found.job else ()
    assert {edit.path for edit in edits} == sent


def test_a_row_of_which_nothing_is_held_is_the_row_itself() -> None:
    assert decided(BOTH, live(name="x", code="x"), {}, REPORT, TERMS) == Decided(BOTH)
    found = decided(BOTH, live(name="old", code="new"), agreed(name="old"), REPORT, TERMS)
    assert found.job is BOTH


def test_what_is_told_says_all_three_values() -> None:
    found = decided(BOTH, live(name="x", code="new"), agreed(name="old"), REPORT, TERMS)
    assert found.held == (Told(NAME, "both_changed", "new", "x", "old"),)


def test_a_row_without_anything_left_is_none() -> None:
    found = decided(row(attributes={"name": "new"}), live(name="x"), agreed(name="new"), REPORT, TERMS)
    assert found == Decided(None, (Told(NAME, "drifted", "new", "x", "new"),))


def test_what_is_sent_over_somebody_elses_change_is_told() -> None:
    found = decided(BOTH, live(name="x", code="old"), agreed(name="old", code="old"), FieldRules("overwrite"), TERMS)
    assert found == Decided(BOTH, (), (Told(NAME, "overwritten", "new", "x", "old"),))


@pytest.mark.parametrize(
    ("drift", "drift_of", "expected"),
    [
        ("report", {NAME: "keep"}, {NAME: "kept", CODE: "both_changed"}),
        ("keep", {NAME: "overwrite"}, {CODE: "kept"}),
        ("keep", {}, {NAME: "kept", CODE: "kept"}),
    ],
)
def test_the_rule_of_a_column_goes_before_that_of_the_job(
    drift: Drift, drift_of: Mapping[Path, Drift], expected: dict[Path, str]
) -> None:
    rules = FieldRules(drift, drift_of)
    found = decided(BOTH, live(name="x", code="x"), agreed(name="old", code="old"), rules, TERMS)
    assert kinds(found.held) == expected


def test_a_rule_that_keeps_holds_at_first_contact_too() -> None:
    for rules in (FieldRules("keep"), FieldRules(drift_of={NAME: "keep"})):
        found = decided(BOTH, live(name="x", code=None), {}, rules, TERMS)
        assert kinds(found.held) == {NAME: "kept"}
        assert found.job is not None
        assert found.job.attributes == {"code": "new"}


def test_keys_of_an_object_are_fields() -> None:
    job = row(members={"metadata": {"a": 1, "b": 2, "gone": ABSENT}})
    record = live(metadata={"a": 7, "b": 0, "c": "theirs"})
    found = decided(job, record, agreed(metadata__a=1, metadata__b=0), REPORT, TERMS)
    assert kinds(found.held) == {KEY: "drifted"}
    assert found.job is not None
    assert difference(found.job, record, TERMS).attributes == {"metadata": {"a": 7, "b": 2, "c": "theirs"}}


def test_keys_of_an_object_that_is_written_whole_are_fields() -> None:
    job = row(attributes={"metadata": {"a": 1, "b": 2}})
    found = decided(job, live(metadata={"a": 7, "b": 0}), agreed(metadata__a=1, metadata__b=0), REPORT, TERMS)
    assert kinds(found.held) == {KEY: "drifted"}


def test_an_object_that_was_deleted_has_none_of_the_keys_that_were_agreed_on() -> None:
    job = row(members={"metadata": {"a": 1, "b": 2}})
    found = decided(job, live(metadata=None), agreed(metadata__a=1), REPORT, TERMS)
    assert found.held == (Told(KEY, "drifted", 1, ABSENT, 1),)
    assert found.job is not None
    assert found.job.members == {"metadata": {"b": 2}}


@pytest.mark.parametrize(
    "said", [{"attributes": {"metadata": {"a": 1}}}, {"members": {"metadata": {"a": 1, "b": ABSENT}}}]
)
def test_an_object_that_is_replaced_is_one_field(said: dict[str, Any]) -> None:
    terms = CompareRules(TERMS.schema, replace=True)
    record = live(metadata={"a": 1, "theirs": 2})
    found = decided(row(**said), record, agreed(metadata={"a": 1}), REPORT, terms)
    assert found == Decided(
        None, (Told(("attributes", "metadata"), "drifted", {"a": 1}, {"a": 1, "theirs": 2}, {"a": 1}),)
    )


def test_text_of_a_column_without_a_type_is_what_it_says() -> None:
    job = row(members={"metadata": {"a": "7", "b": "1"}}, untyped=frozenset({("metadata", "a")}))
    remembered = {KEY: Agreed("6", 6), OTHER: Agreed("0", 0)}
    found = decided(job, live(metadata={"a": 7, "b": 0}), remembered, REPORT, TERMS)
    assert found.job is job  # `a` stands, `b` holds what was stored
    typed = replace(job, untyped=frozenset())
    assert kinds(decided(typed, live(metadata={"a": 7, "b": 0}), remembered, REPORT, TERMS).held) == {
        KEY: "both_changed"
    }


def test_links_and_tags_are_fields() -> None:
    job = row(relationships={"shipping_category": Link("shipping_categories", "t")}, add_tags=("vip", "old"),
              remove_tags=("bad",))  # fmt: skip
    category: Path = ("relationships", "shipping_category")
    remembered = {
        category: Agreed({"type": "shipping_categories", "id": "r"}, {"type": "shipping_categories", "id": "r"}),
        ("tags", "vip"): Agreed(sheet=True, stored=True),
    }
    found = decided(job, live(), remembered, REPORT, TERMS)
    assert kinds(found.held) == {category: "both_changed", ("tags", "vip"): "drifted"}
    assert found.job is not None
    assert found.job.add_tags == ("old",)
    kept = decided(job, live(), remembered, FieldRules(drift_of={("tags",): "overwrite"}), TERMS)
    assert kinds(kept.told) == {("tags", "vip"): "overwritten"}


def test_a_set_is_one_field_whose_order_means_nothing() -> None:
    job = row("tickets", attributes={"tags": {"a": True, "b": True}})
    remembered = {TAGS: Agreed({"b": True, "a": True}, {"b": True, "a": True})}
    alike = Live("tickets", {"tags": {"b": True, "a": True}})
    assert decided(job, alike, remembered, REPORT, MEMBERS) == Decided(job)
    theirs = Live("tickets", {"tags": {"a": True, "b": True, "c": True}})
    assert kinds(decided(job, theirs, remembered, REPORT, MEMBERS).held) == {TAGS: "drifted"}


def test_named_elements_of_a_set_are_fields_and_the_others_are_nobodys_business() -> None:
    job = row("tickets", members={"tags": {"vip": True, "old": ABSENT, "new": True}})
    remembered = {(*TAGS, "vip"): Agreed(sheet=True, stored=True), (*TAGS, "old"): Agreed(ABSENT, ABSENT)}
    record = Live("tickets", {"tags": {"old": True, "theirs": True}})
    found = decided(job, record, remembered, REPORT, MEMBERS)
    assert kinds(found.held) == {(*TAGS, "vip"): "drifted", (*TAGS, "old"): "drifted"}
    assert found.job is not None
    assert found.job.members == {"tags": {"new": True}}
    rules = FieldRules(drift_of={TAGS: "keep"})
    assert set(kinds(decided(job, record, remembered, rules, MEMBERS).held).values()) == {"kept"}


def seal(value: Any) -> Sealed:
    return Sealed(f"#{value}")


@pytest.mark.parametrize(
    ("remembered", "sent"), [({}, True), ({("attributes", "password"): Agreed(seal("p"))}, False),
                             ({("attributes", "password"): Agreed(seal("q"))}, True)]
)  # fmt: skip
def test_what_no_read_shows_is_sent_only_if_the_sheet_has_changed(remembered: Remembered, sent: bool) -> None:
    job = row("customers", attributes={"password": "p", "reference": "new"})
    rules = FieldRules(sealed=frozenset({("attributes", "password")}), seal=seal)
    record = Live("customers", {"reference": "old"})
    found = decided(job, record, {**agreed(reference="old"), **remembered}, rules, TERMS)
    assert found.held == ()
    assert found.job is not None
    assert ("password" in found.job.attributes) is sent
    alone = replace(job, attributes={"password": "p"})
    assert (decided(alone, record, remembered, rules, TERMS).job is not None) is sent


def test_an_object_that_no_read_shows_is_sent_whole_or_not_at_all() -> None:
    job = row(members={"metadata": {"a": 1, "b": 2}})
    remembered = {KEY: Agreed(1), OTHER: Agreed(1)}
    assert decided(job, live(), remembered, REPORT, TERMS).job is job
    assert decided(job, live(), {KEY: Agreed(1), OTHER: Agreed(2)}, REPORT, TERMS).job is None


def test_private_values_are_told_by_their_digests() -> None:
    rules = FieldRules(sealed=frozenset({("attributes", "metadata")}), seal=seal)
    remembered: Remembered = {KEY: Agreed(seal(1), seal(1))}
    found = decided(row(members={"metadata": {"a": 2}}), live(metadata={"a": 3}), remembered, rules, TERMS)
    assert found.held == (Told(KEY, "both_changed", seal(2), seal(3), seal(1)),)
    hidden = decided(row(members={"metadata": {"a": ABSENT}}), live(), {}, rules, TERMS, {KEY: "empty"})
    assert hidden.held == (Told(KEY, "not_ours", seal(ABSENT), UNREAD, UNREAD),)


@pytest.mark.parametrize(
    ("clearing", "record", "remembered", "held", "is_sent"),
    [
        ({NAME: "empty"}, live(name="x"), {}, {NAME: "not_ours"}, False),
        ({NAME: "empty"}, live(name="a"), agreed(name="a"), {}, True),
        ({}, live(name="x"), {}, {}, True),  # the sheet says so itself
        ({NAME: "gone"}, live(name="x"), agreed(name="a"), {NAME: "gone"}, False),
    ],
)
def test_a_rule_clears_what_the_job_has_set(
    clearing: Mapping[Path, Clearing], record: Live, remembered: Remembered, held: dict[Path, str], is_sent: bool
) -> None:
    found = decided(row(attributes={"name": None}), record, remembered, REPORT, TERMS, clearing)
    assert kinds(found.held) == held
    assert (found.job is not None) is is_sent


def test_a_row_with_an_action_cannot_be_parted() -> None:
    job = row("orders", attributes={"reference": "new"}, triggers={"_capture": True})
    with pytest.raises(Inseparable):
        decided(job, live("orders", reference="x"), agreed(reference="old"), REPORT, TERMS)


def test_a_doubt_that_is_not_remembered_yet_is_laid_over_the_memory() -> None:
    edits = (Edit(NAME, "a", "b"), Edit(("attributes", "metadata"), None, {"a": 1}), Edit(CODE, UNREAD, {"k": 1}),
             Edit(TAGS, {"a": True}, {"a": True, "b": True}))  # fmt: skip
    known = in_doubt(agreed(name="a", code="c"), edits)
    assert known[NAME] == Agreed("a", "a", "b", "a")
    assert known[KEY] == Agreed(UNREAD, UNREAD, 1, ABSENT)
    assert known[(*CODE, "k")] == Agreed(UNREAD, UNREAD, 1, UNREAD)
    assert known[(*TAGS, "a")].before is True
    assert known[(*TAGS, "b")].before is ABSENT


VALUE = st.sampled_from(["a", "b", None])
FIELD = st.fixed_dictionaries(
    {"sheet": VALUE, "live": VALUE, "sheet_then": VALUE, "stored": VALUE, "known": st.booleans()}
)


@given(st.dictionaries(st.sampled_from(["name", "code", "description"]), FIELD, min_size=1),
       st.sampled_from(["report", "overwrite", "keep"]))  # fmt: skip
def test_what_is_held_is_never_sent_and_what_stands_stays(fields: dict[str, dict[str, Any]], drift: Drift) -> None:
    job = row(attributes={name: field["sheet"] for name, field in fields.items()})
    record = live(**{name: field["live"] for name, field in fields.items()})
    remembered: Remembered = {
        ("attributes", name): Agreed(field["sheet_then"], field["stored"])
        for name, field in fields.items()
        if field["known"]
    }
    found = decided(job, record, remembered, FieldRules(drift), TERMS)
    mine = touched(found.job, TERMS) if found.job else frozenset()
    held = {each.path for each in found.held}
    assert not mine & held
    assert {each.path for each in found.told} <= mine
    standing = {path for path in touched(job, TERMS) if job.attributes[path[1]] == record.attributes[path[1]]}
    assert standing <= mine
    assert found.job is job or mine < touched(job, TERMS)


@pytest.mark.parametrize(
    ("remembered", "expected"),
    [
        ({}, False),
        ({NAME: Agreed("new", "new")}, True),
        ({NAME: Agreed("new", "as stored")}, True),
        ({NAME: Agreed("old", "new")}, False),
        ({NAME: Agreed("new", "new", doubt="x")}, False),
    ],
)
def test_a_row_says_what_was_agreed_if_the_sheet_has_not_changed(remembered: Remembered, expected: bool) -> None:
    assert says_what_was_agreed(row(attributes={"name": "new"}), remembered, FieldRules(), TERMS) is expected
