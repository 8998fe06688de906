"""Rows that need somebody, spread over the causes: a thousand at most, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Final

from jobs.formats import Keys
from jobs.model import Status
from jobs.texts import shortened
from jobs.values import valueclass
from worker.reports.merge import Record, Row
from worker.reports.outcome import message
from worker.reports.summary import CauseKey
from worker.reports.views import View

MOST: Final = 1000
"""Rows that are kept."""

CELL: Final = 80
"""Characters that are kept of a cell, a name or an id."""

SAID: Final = 200
"""Characters that are kept of a message."""


@valueclass(frozen=True, slots=True)
class Problem:
    """A row that needs somebody.

    Attributes:
        cause: which of the causes it has.
        record: which record the row names.
        place: of the row, or of the cell that is wrong.
        field: the column that is meant; empty for the row as a whole. `cell`: what stands there.
        said: what happened, in words.
    """

    cause: CauseKey
    row: int
    record: str
    place: str
    status: Status
    field: str
    cell: str
    said: str


@dataclass(slots=True)
class Problems:
    """Keeps the first rows of each cause, as many of one as of another as far as there are.

    Attributes:
        view: of the input. `keys`: columns that say which record a row is about.
        total: rows that need somebody.
    """

    view: View
    keys: Keys
    most: int = MOST
    total: int = 0
    _kept: dict[CauseKey, list[Problem]] = field(default_factory=dict)
    _full: set[CauseKey] = field(default_factory=set)
    _count: int = 0

    def wants(self, cause: CauseKey) -> bool:
        """Count a row of a cause; return whether it may be kept. Once it is not, no later one of the cause is."""
        self.total += 1
        return cause not in self._full

    def add(self, cause: CauseKey, row: Row[Record]) -> None:
        """Keep a row, if there is room for one more of its cause."""
        kept = self._kept.setdefault(cause, [])
        if self._count >= self.most:
            longest = max(self._kept.values(), key=len)
            if len(longest) <= len(kept) + 1:
                self._full.add(cause)
                return
            longest.pop()
            self._count -= 1
        kept.append(self._problem(cause, row))
        self._count += 1

    def rows(self) -> Sequence[Problem]:
        """Return what was kept, one of each cause in turn: whoever stops early has seen all causes."""
        turns = zip_longest(*self._kept.values())
        return [each for each in chain.from_iterable(turns) if each is not None]

    def _problem(self, cause: CauseKey, row: Row[Record]) -> Problem:
        record, fate, _, _ = row
        named = next(iter(fate.fields), "")
        return Problem(
            cause, record.ref.row, self._named(record), self.view.place(record.ref, named), fate.status,
            shortened(named, CELL), shortened(self.view.cell(record, named), CELL), shortened(message(fate), SAID),
        )  # fmt: skip

    def _named(self, record: Record) -> str:
        for names in (self.keys.parts, self.keys.finders):
            parts = [cell for name in names if (cell := self.view.cell(record, name))]
            if parts:
                return shortened(" / ".join(shortened(part, CELL) for part in parts), CELL)
        return self.view.targets.get(record.ref.row, "")
