"""The end of a night: the word, the line, the object."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from jobs.model import Status
from tests.worker.notices.nights import GOOD, REFUSED_ROWS, TRIPPED, night
from worker.exit_statuses import BUSY
from worker.notices.report import SEEN, Cause, NightReport, timestamp

RUN = " runs/prices-2026-12-01"
WHERE = f"See{RUN} Next: rowpatch "


@pytest.mark.parametrize(
    ("state", "exit_status", "outcome"),
    [
        ("finished", 0, "ok"),
        ("finished", 1, "partial"),
        ("finished", 3, "stopped"),  # its reports could not be written
        ("planned", 0, "ok"),
        ("planned", 1, "partial"),
        ("tripped", 3, "guard"),
        ("stopped", 3, "stopped"),
        ("interrupted", 143, "interrupted"),
        ("refused", 2, "refused"),
        ("busy", 75, "busy"),
    ],
)
def test_a_night_has_one_outcome(state: str, exit_status: int, outcome: str) -> None:
    assert night(state, exit_status).outcome == outcome


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (GOOD, "prices: ok: 200 rows: 3 applied, 197 unchanged. See runs/prices-2026-12-01"),
        (
            replace(GOOD, drifted=2, recovered=1),
            "prices: ok: 200 rows: 3 applied, 197 unchanged, 2 drifted, 1 recovered. See runs/prices-2026-12-01",
        ),
        (
            REFUSED_ROWS,
            "prices: partial: 200 rows: 3 applied, 195 unchanged, 2 rejected. 2 x validation_error. "
            + WHERE
            + "retry"
            + RUN,
        ),
        (
            TRIPPED,
            "prices: guard: 70 of 200 rows would change; the guard is 30 %. " + WHERE + "apply --plan" + RUN,
        ),
        (
            NightReport("prices", "busy", BUSY, cause="Process 7 is working on the job prices; nothing was sent."),
            "prices: busy: Process 7 is working on the job prices; nothing was sent.",
        ),
        (NightReport("prices", "finished", 0), "prices: ok: 0 rows: nothing to do."),
        (
            NightReport("a\x1b[2J", "refused", 2, Path("a b"), cause="no\nfile"),
            "a\\x1b[2J: refused: no file. See 'a b'",
        ),
    ],
)
def test_a_line_says_the_outcome_the_counts_the_cause_and_where_to_look(report: NightReport, line: str) -> None:
    assert report.line() == line


def test_the_object_has_every_number_of_the_night_and_the_keys_of_the_summary() -> None:
    document = json.loads(json.dumps(replace(REFUSED_ROWS, drifted=4, refused=5, longest_gap=1.234).document()))
    assert document == {
        "schema": 1, "job": "prices", "outcome": "partial", "state": "finished", "exit_status": 1,
        "run": "runs/prices-2026-12-01", "rows": 200,
        "counts": {**dict.fromkeys(map(str, Status), 0), "applied": 3, "unchanged": 195, "rejected": 2},
        "changed": 3, "drifted": 4, "kept": 0, "overwritten": 0, "fought": 0,
        "conflicts": 0, "quarantined": 0, "recovered": 0,
        "gone": 0, "to_clear": 0, "fields_to_clear": 0, "cleared": 0, "stored_otherwise": 0, "refused_429": 5,
        "longest_gap_s": 1.234, "quota_share": 0.25, "started_at": "2025-12-01T02:30:04Z",
        "elapsed_s": 12.346, "cause": "",
        "causes": [{"status": "rejected", "reason": "validation_error", "fields": ["PREIS"], "rows": 2}],
        "next": "rowpatch retry runs/prices-2026-12-01",
    }  # fmt: skip
    assert SEEN.keys() <= document.keys() & {each.name for each in fields(NightReport)}


def test_what_is_not_known_is_null() -> None:
    document = NightReport("prices", "refused", 2).document()
    assert [document[name] for name in ("run", "longest_gap_s", "quota_share", "started_at")] == [None] * 4
    assert timestamp(0) is None


def test_rows_that_need_somebody_are_the_bad_ones_and_those_set_aside() -> None:
    assert replace(REFUSED_ROWS, quarantined=5).troubled == 7


def test_a_cause_speaks_in_our_own_words() -> None:
    said = Cause(Status.REJECTED, "not_found", ("id",), 1200).words()
    assert said.startswith("1,200 x not_found [id]: ")
    assert Cause(Status.FAILED, "of_a_later_version").words() == "1 x of_a_later_version"
