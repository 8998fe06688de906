"""What a record holds, and what a run wrote into it."""

import pytest

from jobs.changes.inverse import Written, trails
from jobs.model import ABSENT, UNREAD, Edit, Live
from tests.schemas import DESK, SCHEMA
from worker.engine.verifier import Finding, Verified, WrittenRecord, _judge
from worker.policy.row import Found

NAME = ("attributes", "name")


def judged(edit: Edit, live: str) -> tuple[dict[str, int], list[Finding]]:
    """What is found of a record that one row wrote."""
    record = WrittenRecord(1, "skus", "x", tuple(trails([Written(1, (edit,))])))
    verified, findings = Verified(), list[Finding]()
    found = Found({"x": Live("skus", {"name": live}, fields=record.fields)})
    _judge(record, found, SCHEMA, verified, findings.append)
    return dict(verified.counts), findings


@pytest.mark.parametrize(
    ("edit", "live", "expected"),
    [
        (Edit(NAME, "old", " Blue ", "Blue"), "Blue", "holds"),  # the API trims, and said so
        (Edit(NAME, "old", " Blue ", "Blue"), " Blue ", "holds"),
        (Edit(NAME, "old", " Blue ", "Blue"), "blue", "differs"),
        (Edit(NAME, "old", " Blue "), "Blue", "differs"),  # nobody told us that it trims: somebody has changed it
        (Edit(NAME, "old", "retail"), "Retail", "differs"),
        (Edit(NAME, UNREAD, " Blue ", "Blue"), "Blue", "holds"),
    ],
)
def test_a_record_holds_what_was_sent_or_what_the_api_said_it_stored(edit: Edit, live: str, expected: str) -> None:
    assert judged(edit, live)[0] == {expected: 1}


def test_what_differs_is_told_in_the_form_in_which_it_was_stored() -> None:
    _, (finding,) = judged(Edit(NAME, "old", " Blue ", "Blue"), "red")
    assert (finding.column, finding.written, finding.live) == ("name", "Blue", "red")


def test_an_element_of_a_set_that_is_gone_is_told_by_its_name() -> None:
    edits = (Edit(("attributes", "tags", "vip"), ABSENT, True), Edit(("attributes", "tags", "old"), True, ABSENT))
    record = WrittenRecord(1, "tickets", "x", tuple(trails([Written(1, edits)])))
    findings: list[Finding] = []
    found = Found({"x": Live("tickets", {"tags": {"old": True}}, fields=record.fields)})
    _judge(record, found, DESK, Verified(), findings.append)
    assert [(each.column, each.written, each.live) for each in findings] == [
        ("tags", "vip", ABSENT), ("tags", ABSENT, "old"),
    ]  # fmt: skip


EDITS = (Edit(("attributes", "reference"), "old", "new"),)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Found(missing=frozenset({"x"})), "gone"),  # proven
        (Found(failed={"x": "it answered 403"}), "not readable"),
    ],
)
def test_a_record_is_gone_only_where_that_is_proven(found: Found, why: str) -> None:
    kept = WrittenRecord(1, "orders", "x", tuple(trails([Written(1, EDITS, (), True)])))
    verified, told = Verified(), list[Finding]()
    _judge(kept, found, SCHEMA, verified, told.append)
    assert [finding.why for finding in told] == [why]
    assert verified.counts == {why: 1}


@pytest.mark.parametrize(
    ("rows", "live", "expected"),
    [
        ([(Edit(NAME, "old", "new"), False)], "old", "not taken"),  # the row may have been applied, and does not show
        ([(Edit(NAME, "old", "new"), False)], "new", "holds"),
        ([(Edit(NAME, "old", "new"), False)], "theirs", "differs"),
        ([(Edit(NAME, UNREAD, "new"), False)], "old", "not taken"),  # nobody knows what it was
        ([(Edit(NAME, "old", "a"), True), (Edit(NAME, "a", "b"), False)], "a", "not taken"),
        ([(Edit(NAME, "old", "a"), True), (Edit(NAME, "a", "b"), False)], "old", "differs"),
        ([(Edit(NAME, "old", "a"), False), (Edit(NAME, "a", "b"), True)], "b", "holds"),
        ([(Edit(NAME, "old", " a ", "a"), False)], "a", "holds"),
    ],
)
def test_an_update_in_doubt_that_does_not_show_is_not_held_nor_laid_to_somebody(
    rows: list[tuple[Edit, bool]], live: str, expected: str
) -> None:
    written = [Written(number, (edit,), (), certain) for number, (edit, certain) in enumerate(rows, 1)]
    record = WrittenRecord(1, "skus", "x", tuple(trails(written)))
    verified, findings = Verified(), list[Finding]()
    found = Found({"x": Live("skus", {"name": live}, fields=record.fields)})
    _judge(record, found, SCHEMA, verified, findings.append)
    assert verified.counts == {expected: 1}
    assert [finding.why for finding in findings] == ([] if expected == "holds" else [expected])
