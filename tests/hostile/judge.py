"""Judges results by the server's truth. Pure: what a row may be told to be, given what happened to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.model import RowResult, Status
from tests.hostile import patterns as P  # noqa: N812
from tests.hostile.evils import EVILS
from tests.hostile.stage import Row
from tests.hostile.truth import Record, Seen, Truth

OPENLY_REFUSED: Final = {evil.name for evil in EVILS if evil.pattern is P.THROTTLED}
"""Evils after which even a trigger may be sent again: the server said that it did nothing."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One untruth, or one request too many. `kind` is a line of the hunt's table."""

    kind: str
    row: int
    detail: str


def judge(rows: Sequence[Row], told: Iterable[RowResult], truth: Truth) -> list[Violation]:
    """Everything that is wrong. Rows are numbered from 1.

    Args:
        rows: of the sheet.
        told: the results.
        truth: what the server did.
    """
    results = {result.ref.row: result for result in told}
    sent: dict[str, list[Seen]] = {}
    for seen in truth.ledger:
        if seen.method == "PATCH":
            sent.setdefault(seen.id, []).append(seen)
    found = [violation for number, row in enumerate(rows, 1) for violation in _row(number, row, results, truth, sent)]
    return found + list(_attempts(rows, results, sent))


def _row(
    number: int, row: Row, results: Mapping[int, RowResult], truth: Truth, sent: Mapping[str, Sequence[Seen]]
) -> Iterator[Violation]:
    result, record, seen = results.get(number), truth.records[row.id], sent.get(row.id, ())
    if result is None:
        yield Violation("no result", number, row.id)
        return
    told = f"{row.id}: {result.status} {result.reason}; {[(each.evil, each.applied) for each in seen]}"
    applied = _is_applied(row, record)
    match result.status:
        case Status.APPLIED if not applied:
            yield Violation("false applied", number, told)
        case Status.REJECTED | Status.FAILED if applied:
            yield Violation(f"false {result.status}", number, told)
        case Status.UNCHANGED if seen or record.reference != row.wanted:
            yield Violation("false unchanged", number, told)
        case Status.UNKNOWN if not any(each.evil for each in seen) and not truth.killed:
            yield Violation("unknown without a reason", number, told)
        case Status.PENDING | Status.CONFLICT | Status.INVALID | Status.SKIPPED:
            yield Violation("not worked on", number, told)
    if record.fired > 1:
        yield Violation("trigger fired twice", number, told)
    if not row.replay_safe and any(each.evil not in OPENLY_REFUSED for each in seen[:-1]):
        yield Violation("trigger sent again", number, told)


def _is_applied(row: Row, record: Record) -> bool:
    """Whether the server carried the row out: its value was written by a PATCH."""
    return row.wanted in record.written


def _attempts(
    rows: Sequence[Row], results: Mapping[int, RowResult], sent: Mapping[str, Sequence[Seen]]
) -> Iterator[Violation]:
    """No PATCH that the journal does not know; rows of one id are counted together."""
    counted: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        counted[row.id] = counted.get(row.id, 0) + (results[number].attempts if number in results else 0)
    for number, row in enumerate(rows, 1):
        arrived = len(sent.get(row.id, ()))
        if arrived > counted[row.id]:
            yield Violation("hidden send", number, f"{row.id}: {arrived} arrived, {counted[row.id]} are told")
