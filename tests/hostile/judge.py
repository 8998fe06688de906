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


KINDS: Final = (
    "false applied", "false rejected", "false failed", "false unchanged", "unknown without a reason", "no result",
    "not worked on", "trigger fired twice", "trigger sent again", "hidden send", "out of order", "as a whole",
)  # fmt: skip
"""What can be wrong."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One untruth, or one request too many. `kind` is a line of the hunt's table."""

    kind: str
    row: int
    detail: str


def judge(rows: Sequence[Row], told: Iterable[RowResult], truth: Truth) -> list[Violation]:
    """Everything that is wrong. Rows are numbered from 1; no two of them ask for the same value of one record."""
    results = {result.ref.row: result for result in told}
    sent: dict[str, list[Seen]] = {}
    for seen in truth.ledger:
        if seen.method == "PATCH":
            sent.setdefault(seen.id, []).append(seen)
    by_id: dict[str, list[int]] = {}
    for number, row in enumerate(rows, 1):
        by_id.setdefault(row.id, []).append(number)
    found = [violation for number, row in enumerate(rows, 1) for violation in _row(number, row, results, truth, sent)]
    for resource_id, numbers in by_id.items():
        own = [(number, rows[number - 1], results[number]) for number in numbers if number in results]
        found += _record(resource_id, own, truth.records[resource_id], sent.get(resource_id, ()))
    return found


def _row(
    number: int, row: Row, results: Mapping[int, RowResult], truth: Truth, sent: Mapping[str, Sequence[Seen]]
) -> Iterator[Violation]:
    """What is untrue of one row."""
    result, record, seen = results.get(number), truth.records[row.id], sent.get(row.id, ())
    if result is None:
        yield Violation("no result", number, row.id)
        return
    said = f"{row.id}: {result.status} {result.reason}; {[(each.evil, each.applied) for each in seen]}"
    applied = row.wanted in record.written
    match result.status:
        case Status.APPLIED if not applied and row.was != row.wanted:  # which nobody could tell from applied
            yield Violation("false applied", number, said)
        case Status.REJECTED | Status.FAILED | Status.CONFLICT if applied:
            yield Violation(f"false {result.status}", number, said)
        case Status.UNCHANGED if seen or record.reference != row.wanted:
            yield Violation("false unchanged", number, said)
        case Status.UNKNOWN if not any(each.evil for each in seen) and not truth.killed:
            yield Violation("unknown without a reason", number, said)
        case Status.INVALID | Status.SKIPPED:
            yield Violation("not worked on", number, said)
        case Status.PENDING if result.reason != "after_unknown":
            yield Violation("not worked on", number, said)
    if record.fired > 1:
        yield Violation("trigger fired twice", number, said)
    if not row.replay_safe and any(each.evil not in OPENLY_REFUSED for each in seen[:-1]):
        yield Violation("trigger sent again", number, said)


def _record(
    resource_id: str, own: Sequence[tuple[int, Row, RowResult]], record: Record, seen: Sequence[Seen]
) -> Iterator[Violation]:
    """What is wrong with the rows of one record together: hidden requests, and their order."""
    told = sum(result.attempts for _, _, result in own)
    if own and len(seen) > told:
        yield Violation("hidden send", own[0][0], f"{resource_id}: {len(seen)} arrived, {told} are told")
    place = {row.wanted: number for number, row, _ in own}
    order = [place[value] for value in record.written if value in place]
    if order != sorted(order):
        yield Violation("out of order", own[0][0], f"{resource_id}: rows {order} were carried out in this order")
    unknown = [number for number, _, result in own if result.status is Status.UNKNOWN]
    for number, _, result in own:
        if result.status is Status.PENDING and not any(earlier < number for earlier in unknown):
            yield Violation("not worked on", number, f"{resource_id}: held back, and no earlier row is unknown")
