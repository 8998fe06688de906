"""A judge that finds nothing proves nothing: each promise is broken here once."""

from dataclasses import replace
from random import Random

import pytest

from tests.system.crash.judge import Evidence, Kind, judge
from tests.system.crash.sheet import Sheet, Style, Variant, make, row_of, value_of

SHEET = Sheet({1: "A", 2: "B", 3: "", 4: "A"}, records=2)


def result(row: int, status: str = "applied", reason: str = "", attempts: int = 1) -> dict[str, str]:
    cells = {"__status": status, "__reason": reason, "__row": str(row), "__attempts": str(attempts)}
    return {**cells, "id": SHEET.ids[row], "reference": value_of(row)}


BROKEN_ROW = result(3, "invalid", "id_missing", 0)


def summary(patches: int, applied: int = 3) -> dict[str, object]:
    counts = {"applied": applied, "invalid": 1, "failed": 0}
    return {"state": "finished", "exit_status": 1, "counts": counts, "requests": {"patch": patches}}


CLEAN = Evidence(
    exit_status=1,
    results=[result(1), result(2), BROKEN_ROW, result(4)],
    summary=summary(3),
    sent=["row 1", "row 2", "row 4"],
    refused=0,
    stored={"A": "row 4", "B": "row 2"},
)
RESENT = replace(
    CLEAN,
    results=[result(1), result(2, reason="resent", attempts=2), BROKEN_ROW, result(4)],
    summary=summary(4),
    sent=["row 1", "row 2", "row 2", "row 4"],
    opened=[frozenset({2})],
)


def kinds(evidence: Evidence, concurrency: int = 2) -> list[Kind]:
    return [violation.kind for violation in judge(SHEET, evidence, concurrency)]


@pytest.mark.parametrize(
    "evidence",
    [
        CLEAN,
        RESENT,
        replace(RESENT, sent=CLEAN.sent),  # the kill came between the intent and the request: it left once after all
        replace(RESENT, opened=[], spoiled=["row 2"], unheard=["row 2"]),  # its first reply was lost
        replace(RESENT, opened=[], sent=CLEAN.sent, spoiled=["row 2"], others=1),  # its first request met a 500
    ],
)
def test_a_run_that_kept_its_promises_has_no_violations(evidence: Evidence) -> None:
    assert kinds(evidence) == []


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (replace(CLEAN, results=CLEAN.results[:3], summary=summary(2, 2)), Kind.LOST),  # no result
        (replace(CLEAN, results=[*CLEAN.results, result(4)], summary=summary(4, 4)), Kind.DOUBLED),  # two results
        (replace(CLEAN, results=[*CLEAN.results[1:], result(1)]), Kind.UNTRUE),  # another order
        (replace(CLEAN, results=[result(1), result(2), BROKEN_ROW, result(4) | {"id": "B"}]), Kind.UNTRUE),  # shifted
        (replace(CLEAN, sent=["row 1", "row 4"]), Kind.LOST),  # told as applied, never arrived
        (replace(RESENT, opened=[frozenset({1})]), Kind.DOUBLED),  # sent twice, and no kill explains it
        (replace(CLEAN, sent=[*CLEAN.sent, "row 3"], summary=summary(4)), Kind.UNTRUE),  # a broken row was sent
        (replace(CLEAN, refused=1), Kind.UNTRUE),
        (replace(RESENT, results=[result(1), result(2, attempts=2), *RESENT.results[2:]]), Kind.UNMARKED),
        (replace(RESENT, opened=[]), Kind.UNTRUE),  # marked without a cause
        (replace(RESENT, opened=[], spoiled=["row 2"]), Kind.DOUBLED),  # the fault struck before it was applied
        (
            replace(CLEAN, results=[result(1, reason="read_back"), *CLEAN.results[1:]]),
            Kind.UNTRUE,
        ),  # what was in doubt?
        (replace(CLEAN, others=1), Kind.UNTRUE),  # a PATCH arrived that nobody tells of
        (replace(CLEAN, wiped=1), Kind.WIPED),
        (replace(CLEAN, opened=[frozenset({1, 2, 4})]), Kind.OPEN),
        (replace(CLEAN, stored={"A": "row 1", "B": "row 2"}), Kind.WRONG_STATE),  # the first row of an id won
        (replace(CLEAN, summary=summary(3, 2)), Kind.UNTRUE),  # counts
        (replace(CLEAN, exit_status=0), Kind.UNTRUE),
        (replace(CLEAN, summary=summary(4)), Kind.UNTRUE),  # a PATCH too many is told
        (replace(CLEAN, summary=summary(2)), Kind.UNTRUE),  # one too few
    ],
)
def test_a_broken_promise_is_found(evidence: Evidence, kind: Kind) -> None:
    assert kind in kinds(evidence)


STRANGE = Sheet({**SHEET.ids}, records=2, variant=Variant(strange=True))
DOUBTED = replace(
    CLEAN,
    results=[result(1), result(2, "unknown", "reply_mismatch"), BROKEN_ROW, result(4)],
    summary=summary(3, 2) | {"counts": {"applied": 2, "unknown": 1, "invalid": 1}},
    spoiled=["row 2"],
)


@pytest.mark.parametrize("sent", [["row 1", "row 2", "row 4"], ["row 1", "row 4"]])
def test_what_a_strange_server_never_confirmed_may_be_unknown_whether_it_is_on_the_server_or_not(
    sent: list[str],
) -> None:
    unheard = ["row 2"] if "row 2" in sent else []
    evidence = replace(DOUBTED, sent=sent, unheard=unheard, others=3 - len(sent), stored={"A": "row 4", "B": "?"})
    assert [violation.kind for violation in judge(STRANGE, evidence, 2)] == []
    assert Kind.UNTRUE in [violation.kind for violation in judge(SHEET, evidence, 2)]  # its server is a plain one
    assert Kind.UNTRUE in [violation.kind for violation in judge(STRANGE, replace(evidence, spoiled=[]), 2)]


def test_a_row_behind_an_unknown_one_of_its_record_may_be_held_back_and_no_other() -> None:
    held = replace(
        CLEAN,
        results=[result(1, "unknown", "timed_out"), result(2), BROKEN_ROW, result(4, "pending", "after_unknown", 0)],
        summary=summary(2, 1) | {"counts": {"applied": 1, "unknown": 1, "invalid": 1, "pending": 1}},
        sent=["row 2"],
        spoiled=["row 1"],
        others=1,
        stored={"A": "old", "B": "row 2"},
    )
    assert [violation.kind for violation in judge(STRANGE, held, 2)] == []
    sent = replace(held, sent=["row 2", "row 4"], others=0)
    assert Kind.UNTRUE in [violation.kind for violation in judge(STRANGE, sent, 2)]
    alone = replace(held, results=[result(1), *held.results[1:]])  # nothing of its record is unknown
    assert Kind.UNTRUE in [violation.kind for violation in judge(STRANGE, alone, 2)]
    assert Kind.LOST in [violation.kind for violation in judge(STRANGE, alone, 2)]


@pytest.mark.parametrize("status", ["failed", "rejected", "conflict", "unchanged", "skipped"])
def test_what_is_on_the_server_in_the_end_was_not_refused(status: str) -> None:
    told = replace(DOUBTED, results=[result(1), result(2, status), BROKEN_ROW, result(4)], unheard=["row 2"])
    assert Kind.REFUSED in [violation.kind for violation in judge(STRANGE, told, 2)]


def test_merged_metadata_must_hold_what_was_there_and_the_last_row_of_each_key() -> None:
    sheet = Sheet({**SHEET.ids}, records=2, variant=Variant(Style.MERGE))
    held = {"A": {"origin": "seed", "key1": "row 4"}, "B": {"origin": "seed", "key2": "row 2"}}
    evidence = replace(CLEAN, stored={"A": "row 4", "B": "row 2"}, metadata=held)
    assert Kind.WRONG_STATE not in [violation.kind for violation in judge(sheet, evidence, 2)]
    for broken in ({"key1": "row 4"}, {"origin": "seed", "key1": "row 1"}):
        wrong = replace(evidence, metadata={**held, "A": broken})
        assert Kind.WRONG_STATE in [violation.kind for violation in judge(sheet, wrong, 2)]


def test_sheets_repeat_by_their_seed_and_have_what_a_crash_could_confuse() -> None:
    sheet = make(2000, Random(1))
    assert sheet == make(2000, Random(1))
    assert len(sheet.rows) == 2000
    assert len(sheet.final) == sheet.records < sum(map(sheet.sendable, sheet.ids)) < 2000
    assert [row_of(value) for _, value in sheet.rows] == list(sheet.ids)
