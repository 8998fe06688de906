"""The sheet of a crash run: every row sets a value of its own, so that the server's ledger tells rows apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from worker.sandbox import seeded_id

TYPE: Final = "stripe_payments"

REPEATED: Final = 0.15
"""Share of rows whose id an earlier row has already."""

BROKEN: Final = 0.02
"""Share of rows that cannot be sent."""

_BROKEN_IDS: Final = ("", "two ids", "a,b", "..")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows by their number, which begins with 1.

    Attributes:
        ids: the cell under `id`; that of a broken row is no id.
        records: how many records the server needs.
    """

    ids: Mapping[int, str]
    records: int

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The cells of every row, in order."""
        return [(key, value_of(row)) for row, key in self.ids.items()]

    def sendable(self, row: int) -> bool:
        """Whether the row is to be sent."""
        return self.ids[row] not in _BROKEN_IDS

    @property
    def final(self) -> dict[str, str]:
        """What the server must hold at the end, by id: the last row of an id wins."""
        return {key: value_of(row) for row, key in self.ids.items() if self.sendable(row)}


def value_of(row: int) -> str:
    """The value that only this row sets."""
    return f"row {row}"


def row_of(value: str) -> int:
    """The row that sets `value`."""
    return int(value.removeprefix("row "))


def make(rows: int, dice: Random) -> Sheet:
    """A sheet with fresh ids, ids of earlier rows (right before and far back), and broken rows."""
    ids: dict[int, str] = {}
    used: list[str] = []
    for row in range(1, rows + 1):
        if dice.random() < BROKEN:
            ids[row] = dice.choice(_BROKEN_IDS)
        elif used and dice.random() < REPEATED:
            ids[row] = used[-1] if dice.random() < 0.5 else dice.choice(used)
        else:
            used.append(seeded_id(TYPE, len(used)))
            ids[row] = used[-1]
    return Sheet(ids, len(used))
