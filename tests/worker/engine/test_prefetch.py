"""What the look-ahead decides about rows whose records are read again."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.changes.diff import Change
from jobs.model import Fields, Live, RowRef, UpdateJob
from worker.clock import Clock, Moment
from worker.engine.effort import Effort
from worker.engine.intake import Intake
from worker.engine.prefetch import LookAhead
from worker.journal import Journal, create
from worker.lane.reads import Found
from worker.policy.lifecycle import State
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop


@dataclass
class Records:
    """A lookup that finds what the test says."""

    records: dict[str, Live]
    failed: dict[str, str]
    missing: frozenset[str] = frozenset()

    async def live(self, _type: str, ids: Sequence[str], _fields: Fields, *, patient: bool = True) -> Found:
        found = {each: self.records[each] for each in ids if each in self.records}
        failed = {each: why for each, why in self.failed.items() if each in ids}
        return Found(found, dict.fromkeys(found, Moment(5.0, 5.0)), self.missing, failed)


class Nowhere:
    """A sink that takes nothing."""

    is_full = False

    def queued(self) -> int:
        return 0

    def rate(self) -> float:
        return 1.0

    def reading(self, rows: Iterable[int]) -> None:
        raise AssertionError(rows)

    def change(self, effort: Effort) -> None:
        raise AssertionError(effort)

    def settle(self, effort: Effort, settle: Settle) -> None:
        raise AssertionError(effort)

    def doubt(self, effort: Effort, question: ReadBack) -> None:
        raise AssertionError(effort)

    def exhausted(self) -> None:
        raise AssertionError


def effort(key: str, state: State = State.QUEUED) -> Effort:
    made = Effort(UpdateJob(RowRef(1, 2, b""), "orders", key, {"reference": "new"}), "orders", state=state)
    made.take(Change({"reference": "new"}))
    return made


def refreshed(place: Path, lookup: Any, *efforts: Effort) -> None:
    create(place / "journal.sqlite3", {"sha256": "ab", "rows": "9"})
    with closing(Journal(place / "journal.sqlite3")) as journal:
        stop = Stop()
        ahead = LookAhead(Intake(iter(()), None, journal, Clock()), lookup, journal, stop, Nowhere())
        asyncio.run(ahead.refresh(list(efforts)))


def test_a_row_that_has_left_meanwhile_keeps_what_was_sent(tmp_path: Path) -> None:
    """Its intent is on disk with these values: another change would be sent without one."""
    first, left = effort("a"), effort("b", State.INTENDED)
    lookup = Records({"a": Live("orders", {"reference": "x"}), "b": Live("orders", {"reference": "new"})}, {})
    refreshed(tmp_path, lookup, first, left)
    assert left.change == Change({"reference": "new"})
    assert left.verdict is None
    assert first.change.edits[0].before == "x"


@pytest.mark.parametrize("verdict", [Settle("as_wanted"), Settle("lookup_failed", "it answered 500")])
def test_a_verdict_of_an_earlier_reading_does_not_outlive_a_later_one(tmp_path: Path, verdict: Settle) -> None:
    row = effort("a")
    row.verdict = verdict
    refreshed(tmp_path, Records({"a": Live("orders", {"reference": "x"})}, {}), row)
    assert row.verdict is None


def test_a_row_whose_record_cannot_be_read_again_is_not_sent(tmp_path: Path) -> None:
    row = effort("a")
    refreshed(tmp_path, Records({}, {"a": "it answered 500"}), row)
    assert row.verdict == Settle("lookup_failed", "it answered 500")


def test_a_record_that_is_missing_after_a_doubt_may_have_been_changed_before_it_went(tmp_path: Path) -> None:
    row = effort("a")
    row.doubt = "server_error"
    lookup = Records({}, {})
    lookup.missing = frozenset({"a"})
    refreshed(tmp_path, lookup, row)
    assert row.verdict == Settle("server_error", "no orders with this id")
