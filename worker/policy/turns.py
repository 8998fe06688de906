"""In which turn the rows of a night are sent: the records that earlier nights had to leave go first.

A night that ends early, at its deadline for example, leaves rows. The next sheet may name the same records in another
order, so that what counts is the record: the longer ago a night dealt with it, the sooner its rows are sent. Rows of
one record have one turn, and so keep their order.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

LAST: Final = 255
"""The last turn there may be: a row takes one byte."""


def turns_of(rows: int, dealt: Iterable[tuple[int, int]], nights: Sequence[int]) -> bytearray:
    """Return the turn of each row, from 0, in file order.

    Args:
        rows: of the input.
        dealt: rows to be sent, by number, each with the serial number of the latest run that dealt with its record; 0
            for none. Rows that nothing is sent for have the first turn.
        nights: serial numbers of the nights that ended early since the last one that did not, ascending.
    """
    latest, turns = nights[-LAST:], bytearray(rows)
    for row, serial in dealt:
        turns[row - 1] = bisect_right(latest, serial)
    return turns


def in_turns(turns: bytes | bytearray, wanted: Callable[[int], bool]) -> Iterator[Callable[[int], bool]]:
    """Yield, turn after turn, whether the row of a number is wanted and has this turn; without `turns` there is one."""
    if not turns:
        yield wanted
    for turn in sorted(set(turns)):
        yield partial(_is_due, turns, turn, wanted)


def _is_due(turns: bytes | bytearray, turn: int, wanted: Callable[[int], bool], row: int) -> bool:
    return turns[row - 1] == turn and wanted(row)
