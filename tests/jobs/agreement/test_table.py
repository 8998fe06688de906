"""What a night decides about one field, line by line."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.model import Agreed, Drift, Sealed, unknown_seal
from jobs.agreement.table import Comparison, Decision, FieldState, decide
from jobs.model import ABSENT, UNREAD, Unread

RULES: tuple[Drift, ...] = ("report", "overwrite", "keep")


def same(known: Any, value: Any) -> bool:
    """As an API that trims: nothing is nothing, however it is said."""
    return (known in (None, ABSENT) and value in (None, ABSENT)) or known == value


def seal(value: Any) -> Sealed:
    return Sealed(f"digest of {value!r}")


PLAIN = Comparison(same)
SEALED = Comparison(same, seal, is_sealed=True)
A = Agreed("a", "a")
"""Both agreed on `a`."""
LEARNED = Agreed("a ", "a")
"""The API has stored `a ` as `a`."""
BLIND = Agreed(sheet=seal("a"))
"""No read shows the field."""
UNDONE = Agreed("b", "a", is_undone=True)
"""An undo has put `a` back in place of `b`."""
DOUBT = Agreed("a", "a", doubt="b", before="a")
"""Nobody knows whether `b` took the place of `a`."""
FIRST_DOUBT = Agreed(doubt="b", before="old")


def text(decision: Decision) -> str:
    return f"{decision.step} {decision.kind}" if decision.kind else decision.step


@pytest.mark.parametrize(
    ("sheet", "live", "agreed", "report", "overwrite", "keep"),
    [
        # the record is as the sheet says, whoever made it so
        ("a", "a", Agreed(), "stand", "stand", "stand"),
        ("a", "a", A, "stand", "stand", "stand"),
        ("b", "b", A, "stand", "stand", "stand"),
        # first contact
        ("a", "x", Agreed(), "send", "send", "leave kept"),
        ("a", None, Agreed(), "send", "send", "send"),
        ("a", "", Agreed(), "send", "send", "send"),
        ("a", [], Agreed(), "send", "send", "send"),
        (1, 0, Agreed(), "send", "send", "leave kept"),
        (True, False, Agreed(), "send", "send", "leave kept"),
        # nobody else has changed it
        ("a ", "a", LEARNED, "leave differs", "leave differs", "leave differs"),
        ("b", "a", UNDONE, "leave undone", "leave undone", "leave undone"),
        ("c", "a", UNDONE, "send", "send", "send"),
        ("b", "x", UNDONE, "leave drifted", "send overwritten", "leave kept"),
        ("b", "a", replace(UNDONE, doubt="c", before="a"), "leave undone", "leave undone", "leave undone"),
        ("b", "a", A, "send", "send", "send"),
        ("b", "a", LEARNED, "send", "send", "send"),
        (None, "a", A, "send", "send", "send"),
        # somebody else has
        ("a", "x", A, "leave drifted", "send overwritten", "leave kept"),
        ("b", "x", A, "leave both_changed", "send overwritten", "leave kept"),
        ("a", None, A, "leave drifted", "send overwritten", "leave kept"),
        # nobody knows what was stored
        ("a", "x", Agreed("a"), "leave drifted", "send overwritten", "leave kept"),
        ("b", "x", Agreed("a"), "leave both_changed", "send overwritten", "leave kept"),
        # in doubt: it was applied, it was not, it shows neither
        ("c", "b", DOUBT, "send", "send", "send"),
        ("b", "a", DOUBT, "send", "send", "send"),
        ("a", "b", DOUBT, "send", "send", "send"),
        ("b", "x", DOUBT, "leave both_changed", "send overwritten", "leave kept"),
        ("a", "x", DOUBT, "leave drifted", "send overwritten", "leave kept"),
        ("B", "b", Agreed(doubt="B", before="old"), "leave differs", "leave differs", "leave differs"),
        ("c", "b", Agreed(doubt="B", before="old"), "send", "send", "send"),
        ("B", "b", Agreed(doubt="B", before="b"), "send", "send", "leave kept"),  # it was there before
        ("c", "b", FIRST_DOUBT, "send", "send", "send"),
        ("c", "old", FIRST_DOUBT, "send", "send", "leave kept"),
        ("c", "x", FIRST_DOUBT, "leave both_changed", "send overwritten", "leave kept"),
        ("c", "x", Agreed(doubt="b"), "leave both_changed", "send overwritten", "leave kept"),
        # drift was sent over, and that is in doubt: what was there before is still drift
        ("a", "y", Agreed("a", "a", doubt="a", before="y"), "leave drifted", "send overwritten", "leave kept"),
    ],
)
def test_a_field_is_decided_by_three_values_and_its_rule(
    sheet: Any, live: Any, agreed: Agreed, report: str, overwrite: str, keep: str
) -> None:
    for drift, expected in zip(RULES, (report, overwrite, keep), strict=True):
        assert text(decide(FieldState(sheet, live, agreed, drift), PLAIN)) == expected


@pytest.mark.parametrize(
    ("agreed", "sheet", "expected"),
    [
        (Agreed(), "a", "send"),
        (BLIND, "a", "leave"),
        (BLIND, "b", "send"),
        (Agreed(sheet=seal("a"), doubt=seal("a")), "a", "send"),
    ],
)
@pytest.mark.parametrize("drift", RULES)
def test_what_no_read_shows_is_sent_when_the_sheet_changes_or_a_doubt_is_left(
    agreed: Agreed, sheet: str, expected: str, drift: Drift
) -> None:
    assert decide(FieldState(sheet, UNREAD, agreed, drift), SEALED) == Decision(expected, None, agreed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clearing", "agreed", "live", "report", "overwrite", "keep"),
    [
        # the memory holds something to be cleared
        ("empty", A, "a", "send", "send", "send"),
        ("gone", A, "a", "send", "send", "send"),
        ("empty", A, "x", "leave both_changed", "send overwritten", "leave kept"),
        ("gone", A, "x", "leave gone", "send overwritten", "leave gone"),
        ("empty", A, None, "stand", "stand", "stand"),
        ("gone", A, None, "stand", "stand", "stand"),
        # it does not: nobody clears what this job never set
        ("empty", Agreed(), "x", "leave not_ours", "leave not_ours", "leave not_ours"),
        ("gone", Agreed(), "x", "leave gone", "leave gone", "leave gone"),
        ("empty", FIRST_DOUBT, "b", "leave not_ours", "leave not_ours", "leave not_ours"),
        ("empty", Agreed(), None, "leave blank", "leave blank", "leave blank"),
        ("empty", Agreed(), UNREAD, "leave not_ours", "leave not_ours", "leave not_ours"),
        # cleared is a value: once it is cleared, the row is gone for good; an empty cell still says so
        ("gone", Agreed(None, None), "x", "leave gone", "leave gone", "leave gone"),
        ("empty", Agreed(None, None), "x", "leave drifted", "send overwritten", "leave kept"),
    ],
)
def test_a_rule_clears_only_what_the_memory_holds(
    clearing: Any, agreed: Agreed, live: Any, report: str, overwrite: str, keep: str
) -> None:
    for drift, expected in zip(RULES, (report, overwrite, keep), strict=True):
        assert text(decide(FieldState(None, live, agreed, drift, clearing), PLAIN)) == expected


@pytest.mark.parametrize(
    ("sheet", "live", "agreed", "memory"),
    [
        ("a", "a", Agreed(), A),  # an agreement, although nothing was sent
        ("b", "b", DOUBT, Agreed("b", "b")),
        ("a", "x", A, A),
        ("c", "b", DOUBT, Agreed("b", "b")),  # it was applied
        ("c", "a", DOUBT, A),  # it was not
        ("c", "x", DOUBT, DOUBT),  # nobody knows
    ],
)
def test_the_memory_is_the_last_agreement(sheet: str, live: str, agreed: Agreed, memory: Agreed) -> None:
    assert decide(FieldState(sheet, live, agreed), PLAIN).memory == memory


def test_a_sealed_memory_is_compared_by_digests_and_stays_sealed() -> None:
    agreed = Agreed(seal("a"), seal("a"))
    assert text(decide(FieldState("b", "a", agreed), SEALED)) == "send"
    assert text(decide(FieldState("a", "x", agreed), SEALED)) == "leave drifted"
    assert decide(FieldState("b", "b", agreed), SEALED).memory == Agreed(seal("b"), seal("b"))
    doubted = Agreed(seal("a"), seal("a"), seal("b"), seal("a"))
    assert decide(FieldState("c", "b", doubted), SEALED).memory == Agreed(seal("b"), seal("b"))


def test_without_the_key_of_a_memory_nothing_is_what_was_agreed() -> None:
    agreed = Agreed(seal("a"), seal("a"))
    assert text(decide(FieldState("b", "a", agreed), Comparison(same, unknown_seal, is_sealed=True))) == (
        "leave both_changed"
    )


VALUES = st.sampled_from(["a", "b", "c", "x", None])
KNOWN = st.one_of(VALUES, st.just(UNREAD))
FIELDS = st.builds(
    FieldState, VALUES, KNOWN, st.builds(Agreed, KNOWN, KNOWN, KNOWN, KNOWN), st.sampled_from(RULES),
    st.sampled_from([None, "empty", "gone"]),
)  # fmt: skip


@given(FIELDS)
def test_only_the_rule_that_says_so_sends_over_what_somebody_else_has_set(field: FieldState) -> None:
    decision, agreed = decide(field, PLAIN), field.agreed
    known = [agreed.stored, agreed.doubt, agreed.before]
    first = isinstance(agreed.sheet, Unread) and isinstance(agreed.doubt, Unread)
    theirs = not first and not isinstance(field.live, Unread) and field.live not in known
    if decision.step == "send" and theirs:
        assert field.drift == "overwrite"
        assert decision.kind == "overwritten"


@given(FIELDS)
def test_a_field_that_was_decided_and_not_sent_is_decided_alike_the_next_night(field: FieldState) -> None:
    decision = decide(field, PLAIN)
    again = FieldState(field.sheet, field.live, decision.memory, field.drift, field.clearing)
    if decision.step == "leave" or (decision.step == "stand" and field.clearing is None):
        assert decide(again, PLAIN) == decision


@given(FIELDS)
def test_after_an_update_was_applied_nothing_is_sent_the_next_night(field: FieldState) -> None:
    decision = decide(field, PLAIN)
    if decision.step == "send" and not isinstance(field.live, Unread):
        memory = Agreed(field.sheet, field.sheet)
        after = FieldState(field.sheet, field.sheet, memory, field.drift, field.clearing)
        assert decide(after, PLAIN).step != "send"
