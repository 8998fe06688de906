"""What became of each row: the input's rows in order, beside what the journal holds of them."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

from jobs.model import ObjectRow, RowRef, SheetRow, Status, Unsendable
from worker.journal import OpenAttempt, RowOutcome, Settled
from worker.journal.schema import JournalDamaged

Record: TypeAlias = SheetRow | ObjectRow | Unsendable
"""A record of the input, as the readers yield it."""

R = TypeVar("R", bound=Record)

Row: TypeAlias = tuple[R, RowOutcome, str, float]
"""A record, what became of it, the id of its last request, and when it was settled."""

_BEYOND_LIMIT: Final = RowOutcome(Status.SKIPPED, "beyond_limit")
_NOT_REACHED: Final = RowOutcome(Status.PENDING, "not_reached")


def merge(
    records: Iterable[R], results: Iterable[Settled], doubts: Iterable[OpenAttempt], limit: int | None
) -> Iterator[Row[R]]:
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
        if result is not None and result[0] == ref.row:
            _, digest, request_id, at, fate = result
            if digest != ref.digest:
                raise _another(ref)
            result = next(waiting_results, None)
        else:
            request_id, at, fate = "", 0.0, _untouched(ref, limit)
        if doubt is not None and doubt.row == ref.row:
            request_id, at, fate = "", doubt.at, _doubtful(doubt.reason, doubt.attempts)
            doubt = next(waiting_doubts, None)
        yield record, fate, request_id, at
    if result is not None:
        raise _stray(result[0])
    if doubt is not None:
        raise _stray(doubt.row)


@lru_cache(maxsize=64)  # so that many rows share one
def _doubtful(reason: str, attempts: int) -> RowOutcome:
    return RowOutcome(Status.UNKNOWN, reason, attempts=attempts)


def _untouched(ref: RowRef, limit: int | None) -> RowOutcome:
    return _BEYOND_LIMIT if limit is not None and ref.row > limit else _NOT_REACHED


def _another(ref: RowRef) -> JournalDamaged:
    return JournalDamaged(f"row {ref.row} (line {ref.line}) is not the row that the journal has a result for.")


def _stray(row: int) -> JournalDamaged:
    return JournalDamaged(f"the journal has a row {row} that the copy of the input does not have.")
