"""What the end of a row teaches the memory: the column "memory" of the decision table, line by line."""

from typing import Any

import pytest

from jobs.agreement.learning import NOT_READ, Learned, Memorizing, RowEnd, edit_at, learned, settled, undone, wanted
from jobs.agreement.model import Agreed, FieldRules, Kind, Sealed, Told
from jobs.changes.diff import CompareRules
from jobs.model import ABSENT, UNREAD, Edit, Link, Path, RowRef, Status, UpdateJob
from tests.schemas import DESK, SCHEMA

REF = RowRef(1, 2, b"")
A, K, META, PASSWORD = (
    ("attributes", "a"),
    ("attributes", "metadata", "k"),
    ("attributes", "metadata"),
    ("attributes", "password"),
)


def seal(value: object) -> Sealed:
    return Sealed(f"sealed {value}")


BY = Memorizing(CompareRules(SCHEMA), FieldRules(), seal)
PRIVATE = Memorizing(CompareRules(SCHEMA), FieldRules(sealed=frozenset({A, K})), seal)


def job(**members: Any) -> UpdateJob:
    return UpdateJob(REF, "customers", "x", **members)


def told(kind: Kind, live: Any = "L", path: Path = A) -> Told:
    return Told(path, kind, "S", live)


S = job(attributes={"a": "S"})
OLD = Agreed("O", "o")
EDIT = (Edit(A, "R", "S"),)
FORM = (Edit(A, "R", "S", "s"),)
DOUBT = Agreed("O", "o", "D", "P")


@pytest.mark.parametrize(
    ("end", "known", "now"),
    [
        # nothing was read, or nothing is known of it
        (RowEnd(Status.REJECTED, "not_found", EDIT), OLD, None),
        (RowEnd(Status.REJECTED, "not_found", ()), OLD, None),  # read a moment ago, and as wanted
        (RowEnd(Status.REJECTED, "reference_ambiguous"), OLD, None),
        (RowEnd(Status.FAILED, "lookup_failed"), OLD, None),
        (RowEnd(Status.SKIPPED, "quarantined"), OLD, None),
        (RowEnd(Status.PENDING, "after_unknown"), OLD, None),
        # the record holds what the sheet says
        (RowEnd(Status.UNCHANGED, "as_wanted"), OLD, Agreed("S", "S")),
        (RowEnd(Status.UNCHANGED, "as_wanted"), DOUBT, Agreed("S", "S")),
        (RowEnd(Status.UNCHANGED, "as_wanted", told=(told("agreed", 7),)), OLD, Agreed("S", 7)),
        (RowEnd(Status.UNCHANGED, "no_op", EDIT), OLD, Agreed("S", "S")),
        (RowEnd(Status.REJECTED, "validation", ()), OLD, Agreed("S", "S")),  # the refused field is another one
        (RowEnd(Status.SKIPPED, "drifted"), OLD, Agreed("S", "S")),
        (RowEnd(Status.CONFLICT, "both_changed"), OLD, Agreed("S", "S")),
        (RowEnd(Status.CONFLICT, "overtaken"), OLD, None),
        (RowEnd(Status.UNCHANGED, "as_wanted"), Agreed("S", "s", "D", "s"), Agreed("S", "S")),  # a stored form is told
        (RowEnd(Status.UNCHANGED, "as_wanted"), Agreed("S", UNREAD), Agreed("S", "S")),
        # sent
        (RowEnd(Status.APPLIED, "", EDIT), OLD, Agreed("S", "S")),
        (RowEnd(Status.APPLIED, "", FORM), OLD, Agreed("S", "s")),
        (RowEnd(Status.APPLIED, "unverified", EDIT), OLD, Agreed("S", "S")),
        (RowEnd(Status.REJECTED, "validation", EDIT), OLD, None),
        (RowEnd(Status.REJECTED, "tags_discarded", (), EDIT), OLD, Agreed("S", "S")),
        (RowEnd(Status.UNKNOWN, "timed_out", EDIT), OLD, Agreed("O", "o", "S", "R")),
        (RowEnd(Status.UNKNOWN, "not_taken", EDIT), OLD, Agreed("O", "o", "S", "R")),
        (RowEnd(Status.UNKNOWN, "kept_form", (Edit(A, "s", "S", "s"),)), OLD, Agreed("S", "s")),
        (RowEnd(Status.UNKNOWN, "timed_out", (Edit(A, UNREAD, "S"),)), OLD, Agreed("O", "o", "S", UNREAD)),
        # in doubt about D: what was read before this update settles it
        (RowEnd(Status.UNKNOWN, "timed_out", (Edit(A, "D", "S"),)), DOUBT, Agreed("D", "D", "S", "D")),
        (RowEnd(Status.UNKNOWN, "timed_out", (Edit(A, "P", "S"),)), DOUBT, Agreed("O", "o", "S", "P")),
        (RowEnd(Status.UNKNOWN, "timed_out", EDIT), DOUBT, Agreed("O", "o", "S", "R")),
        (RowEnd(Status.REJECTED, "validation", (Edit(A, "D", "S"),)), DOUBT, Agreed("D", "D")),
        (RowEnd(Status.REJECTED, "validation", (Edit(A, "P", "S"),)), DOUBT, OLD),
        (RowEnd(Status.REJECTED, "validation", EDIT), DOUBT, None),
        (RowEnd(Status.REJECTED, "validation", (Edit(A, UNREAD, "S"),)), DOUBT, None),
    ],
)
def test_a_row_teaches_what_both_sides_agree_on(end: RowEnd, known: Agreed, now: Agreed | None) -> None:
    found = list(learned(S, end, {A: known}, BY))
    assert [each.agreed for each in found] == ([] if now is None else [now])


@pytest.mark.parametrize("kind", ["drifted", "kept", "both_changed", "gone", "differs"])
@pytest.mark.parametrize(("live", "now"), [("x", DOUBT), ("D", Agreed("D", "D")), ("P", OLD), (UNREAD, DOUBT)])
def test_a_field_that_is_held_is_remembered_as_before_but_for_a_doubt_that_is_settled(
    kind: Kind, live: Any, now: Agreed
) -> None:
    end = RowEnd(Status.SKIPPED, "drifted", told=(told(kind, live),))
    assert list(learned(S, end, {A: DOUBT}, BY)) == [Learned(A, now, ((kind, live),), "S")]


def test_a_field_that_is_held_beside_one_that_is_sent_is_not_agreed_on() -> None:
    row = job(attributes={"a": "S", "b": "T"})
    end = RowEnd(Status.APPLIED, "", (Edit(("attributes", "b"), "R", "T"),), told=(told("drifted"),))
    found = {each.path[1]: each.agreed for each in learned(row, end, {A: OLD}, BY)}
    assert found == {"a": OLD, "b": Agreed("T", "T")}


def test_a_field_without_a_memory_is_learned_all_the_same() -> None:
    assert [each.agreed for each in learned(S, RowEnd(Status.APPLIED, "", EDIT), {}, BY)] == [Agreed("S", "S")]
    doubt = RowEnd(Status.UNKNOWN, "interrupted", EDIT)
    assert [each.agreed for each in learned(S, doubt, {}, BY)] == [Agreed(UNREAD, UNREAD, "S", "R")]


def test_what_was_overwritten_and_what_is_stored_otherwise_is_noted() -> None:
    end = RowEnd(Status.APPLIED, "", FORM, told=(told("overwritten", "theirs"),))
    assert list(learned(S, end, {}, BY)) == [
        Learned(A, Agreed("S", "s"), (("overwritten", "theirs"), ("differs", "s")), "S")
    ]


# Write-only and private fields

SECRET = job(attributes={"password": "pw"})


@pytest.mark.parametrize(
    ("end", "now"),
    [
        (RowEnd(Status.APPLIED, "", (), unread=("password",)), Agreed(seal("pw"), UNREAD)),
        (RowEnd(Status.UNKNOWN, "timed_out", (), unread=("password",)), Agreed("O", "o", seal("pw"), UNREAD)),
        (RowEnd(Status.REJECTED, "validation", (), unread=("password",)), None),
        (RowEnd(Status.CONFLICT, "both_changed", landed_unread=("password",)), Agreed(seal("pw"), UNREAD)),
        (RowEnd(Status.UNCHANGED, "as_wanted"), None),
    ],
)
def test_of_a_write_only_field_a_digest_of_what_was_sent_is_remembered(end: RowEnd, now: Agreed | None) -> None:
    found = list(learned(SECRET, end, {PASSWORD: OLD}, BY))
    assert [each.agreed for each in found] == ([] if now is None else [now])


@pytest.mark.parametrize(
    "end",
    [
        RowEnd(Status.APPLIED, "", FORM, told=(told("overwritten", "T"),)),
        RowEnd(Status.UNKNOWN, "timed_out", FORM),
        RowEnd(Status.UNCHANGED, "as_wanted"),
        RowEnd(Status.UNCHANGED, "as_wanted", told=(told("agreed", "s"),)),
        RowEnd(Status.SKIPPED, "drifted", told=(told("drifted", "x"),)),
        RowEnd(Status.REJECTED, "validation", (Edit(A, "D", "S"),)),
    ],
)
def test_no_value_of_a_private_field_is_remembered(end: RowEnd) -> None:
    known = Agreed(seal("O"), seal("o"), seal("D"), seal("P"))
    for each in learned(S, end, {A: known}, PRIVATE):
        agreed = each.agreed
        kept = [agreed.sheet, agreed.stored, agreed.doubt, agreed.before, each.sheet, *(live for _, live in each.kinds)]
        assert all(value is UNREAD or isinstance(value, Sealed) for value in kept), each
    assert settled(A, known, "D", PRIVATE) == Agreed(seal("D"), seal("D"))
    assert settled(A, known, "P", PRIVATE) == Agreed(seal("O"), seal("o"))


def test_what_is_told_of_a_private_field_may_be_sealed_already() -> None:
    end = RowEnd(Status.SKIPPED, "drifted", told=(Told(A, "drifted", seal("S"), seal("P")),))
    known = Agreed(seal("O"), seal("o"), seal("D"), seal("P"))
    (found,) = learned(S, end, {A: known}, PRIVATE)
    assert found == Learned(A, Agreed(seal("O"), seal("o")), (("drifted", seal("P")),), seal("S"))


def test_what_holds_a_private_field_or_stands_in_one_is_private() -> None:
    assert PRIVATE.is_sealed(META)
    assert PRIVATE.is_sealed((*A, "part"))
    assert not PRIVATE.is_sealed(("attributes", "metadata", "l"))
    assert not PRIVATE.is_sealed(("tags", "password"))
    assert PRIVATE.keep(A, seal("once")) == seal("once")


# What a row asks for, and what was sent of it


def test_every_field_of_a_row_has_the_value_that_it_asks_for() -> None:
    row = job(
        attributes={"a": 1, "metadata": {"k": 2}},
        members={"metadata": {"l": ABSENT}},
        relationships={"market": Link("markets", "m"), "none": None},
        add_tags=("vip",),
        remove_tags=("old",),
    )
    assert wanted(row, BY.terms) == {
        A: 1,
        K: 2,
        ("attributes", "metadata", "l"): ABSENT,
        ("relationships", "market"): {"type": "markets", "id": "m"},
        ("relationships", "none"): None,
        ("tags", "vip"): True,
        ("tags", "old"): ABSENT,
    }
    whole = job(members={"metadata": {"k": 1, "l": ABSENT}})
    assert wanted(whole, CompareRules(SCHEMA, replace=True)) == {META: {"k": 1}}


NESTED = ("attributes", "address.geo", "lat")


@pytest.mark.parametrize(
    ("edit", "path", "found"),
    [
        (Edit(A, 1, 2), K, None),
        (Edit(K, 1, 2), K, Edit(K, 1, 2)),
        (Edit(META, None, {"k": 2}), K, Edit(K, ABSENT, 2)),
        (Edit(META, UNREAD, {"l": 2}), K, Edit(K, UNREAD, ABSENT)),
        (Edit(META, {"k": 1}, {"k": 2}, {"k": 3}), K, Edit(K, 1, 2, 3)),
        (Edit(("attributes", "address"), None, {"geo": {"lat": 1}}), NESTED, Edit(NESTED, ABSENT, 1)),
        (Edit(K, 1, 2), META, Edit(META, UNREAD, {"k": 2, "l": 4})),
        (Edit(K, 1, 2, 3), META, Edit(META, UNREAD, {"k": 2, "l": 4}, {"k": 3, "l": 4})),
        (Edit(K, 1, 2, ABSENT), META, Edit(META, UNREAD, {"k": 2, "l": 4}, {"l": 4})),
    ],
)
def test_an_edit_of_an_object_is_one_of_its_members_and_the_other_way_round(
    edit: Edit, path: Path, found: Edit | None
) -> None:
    assert edit_at((edit,), path, {"k": 2, "l": 4}) == found


def test_an_object_that_was_laid_over_nothing_teaches_its_members() -> None:
    row = job(attributes={"a": "S"}, members={"metadata": {"k": 2, "l": ABSENT}})
    end = RowEnd(Status.APPLIED, "", (Edit(META, None, {"k": 2}, {"k": "2"}),))
    found = {each.path: each.agreed for each in learned(row, end, {}, BY)}
    assert found == {A: Agreed("S", "S"), K: Agreed(2, "2"), ("attributes", "metadata", "l"): Agreed(ABSENT, ABSENT)}
    elsewhere = RowEnd(Status.APPLIED, "", (Edit(("attributes", "else"), None, 1),))  # such as by an earlier version
    assert [each.agreed for each in learned(S, elsewhere, {}, BY)] == [Agreed("S", "S")]


def test_parts_of_what_is_no_object_say_nothing_of_how_it_is_stored() -> None:
    assert edit_at((Edit(K, 1, 2, 3),), META, None) == Edit(META, UNREAD, None)


# An undo


@pytest.mark.parametrize(
    ("end", "now"),
    [
        (RowEnd(Status.APPLIED, "", (Edit(A, "S", "R"),)), Agreed("O", "R")),
        (RowEnd(Status.APPLIED, "", (Edit(A, "S", "R", "r"),)), Agreed("O", "r")),
        (RowEnd(Status.UNCHANGED, "as_wanted"), Agreed("O", "R")),
        (RowEnd(Status.UNKNOWN, "timed_out", (Edit(A, "S", "R"),)), Agreed("O", UNREAD)),
        (RowEnd(Status.CONFLICT, "changed_since_plan"), None),
    ],
)
def test_what_is_undone_agrees_with_the_old_value(end: RowEnd, now: Agreed | None) -> None:
    found = list(undone(job(attributes={"a": "R"}), end, {A: OLD, K: OLD}, BY))
    assert [each.agreed for each in found] == ([] if now is None else [now])
    assert all(each.kinds[0][0] == "undone" and each.sheet == "O" for each in found)


def test_what_was_in_doubt_and_is_undone_is_what_the_sheet_said() -> None:
    end = RowEnd(Status.APPLIED, "", (Edit(A, "D", "R"),))
    (found,) = undone(job(attributes={"a": "R"}), end, {A: DOUBT}, BY)
    assert found.agreed == Agreed("D", "R")


def test_an_object_that_is_put_back_as_a_whole_undoes_its_members() -> None:
    back = job(attributes={"metadata": None})
    end = RowEnd(Status.APPLIED, "", (Edit(META, {"k": "S"}, None),))
    assert [each.agreed for each in undone(back, end, {K: OLD}, BY)] == [Agreed("O", ABSENT)]


def test_what_is_not_remembered_cannot_be_undone() -> None:
    back = job(attributes={"a": "R"})
    assert list(undone(back, RowEnd(Status.APPLIED), {A: Agreed()}, BY)) == []
    assert list(undone(back, RowEnd(Status.APPLIED), {}, BY)) == []


def test_of_a_described_api_an_empty_member_is_a_cleared_one() -> None:
    by = Memorizing(CompareRules(DESK), FieldRules(), seal)
    assert by.is_same(("attributes", "metadata", "k"), ABSENT, None)
    assert not by.is_same(("attributes", "metadata", "k"), UNREAD, None)
    assert PRIVATE.is_same(A, seal("S"), seal("S"))
    assert not PRIVATE.is_same(A, "S", seal("S"))  # a value of an older memory is told as another


def test_a_row_whose_record_was_not_read_teaches_nothing() -> None:
    assert RowEnd(Status.UNCHANGED, "as_wanted").was_decided
    assert not RowEnd(Status.UNCHANGED, NOT_READ).was_decided


def test_an_empty_cell_agrees_on_nothing_that_the_job_never_set() -> None:
    emptied = job(attributes={"a": None}, emptied=frozenset({A}))
    end = RowEnd(Status.UNCHANGED, "as_wanted")
    assert list(learned(emptied, end, {}, BY)) == []
    assert [each.agreed for each in learned(emptied, end, {A: OLD}, BY)] == [Agreed(None, None)]
