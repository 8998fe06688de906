"""What became of each row: the input's rows in order, beside what the journal holds of them."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias, TypeVar

from jobs.model import ObjectRow, RowRef, RowResult, SheetRow, Status, Unsendable
from worker.journal import Doubt
from worker.journal.file import JournalDamaged

Record: TypeAlias = SheetRow | ObjectRow | Unsendable
"""A record of the input, as the readers yield it."""

R = TypeVar("R", bound=Record)


def merge(
    records: Iterable[R], results: Iterable[RowResult], doubts: Iterable[Doubt], limit: int | None
) -> Iterator[tuple[R, RowResult]]:
    """Pair every record with its one result, in constant memory.

    Args:
        records: the whole input, in order.
        results: of the journal, in row order.
        doubts: of the journal, in row order. A doubt is younger than the row's result and overrules it.
        limit: rows from the top that were to be worked on, None for all.

    Raises:
        JournalDamaged: a result is about a row that the input does not have, or has otherwise.
    """
    waiting_results, waiting_doubts = iter(results), iter(doubts)
    result, doubt = next(waiting_results, None), next(waiting_doubts, None)
    for record in records:
        ref = record.ref
        last = doubted = None
        if result is not None and result.ref.row == ref.row:
            last, result = result, next(waiting_results, None)
        if doubt is not None and doubt.row == ref.row:
            doubted, doubt = doubt, next(waiting_doubts, None)
        yield record, outcome(ref, last, doubted, limit)
    if result is not None:
        raise _stray(result.ref.row)
    if doubt is not None:
        raise _stray(doubt.row)


def outcome(ref: RowRef, last: RowResult | None, doubt: Doubt | None, limit: int | None) -> RowResult:
    """The result to show for one row, given its last result and a later attempt that may have been applied.

    Raises:
        JournalDamaged: the result is about another content of the row.
    """
    if last is not None and last.ref.digest != ref.digest:
        raise JournalDamaged(f"row {ref.row} (line {ref.line}) is not the row that the journal has a result for.")
    if doubt is not None:
        return RowResult(ref, Status.UNKNOWN, doubt.reason, attempts=doubt.attempts, at=doubt.at)
    if last is not None:
        return _with_line(last, ref)
    if limit is not None and ref.row > limit:
        return RowResult(ref, Status.SKIPPED, "beyond_limit")
    return RowResult(ref, Status.PENDING, "not_reached")


def _with_line(last: RowResult, ref: RowRef) -> RowResult:
    return RowResult(  # in full: `dataclasses.replace` costs three times as much, once per row
        ref, last.status, last.reason, last.message, last.fields, last.http, last.attempts, last.request_id, last.at,
        last.errors,
    )  # fmt: skip


def _stray(row: int) -> JournalDamaged:
    return JournalDamaged(f"the journal has a row {row} that the copy of the input does not have.")
