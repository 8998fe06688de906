"""What changed, column by column, with a few old and new values."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from jobs.apis.schema import Schema
from jobs.changes.edits import column_of, in_columns
from jobs.model import Edit
from jobs.recipe.fields import Private
from jobs.values import valueclass
from worker.journal import Image
from worker.reports.plan_files import fitted, sides

MAX_COLUMNS: Final = 200
"""Columns that are told apart; the others are counted together."""

SAMPLES: Final = 3
"""Old and new values that are shown of a column."""

LOOKED_AT: Final = 400
"""Rows whose values are looked at."""

ROOM: Final = 120
"""Terminal cells of an old and a new value together."""

OTHERS: Final = "(other columns)"


@valueclass(frozen=True, slots=True)
class ColumnChanges:
    """What changed in one column.

    Attributes:
        rows: that changed something in it.
        samples: of old and new values.
    """

    name: str
    rows: int
    samples: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Changes:
    """Counts what changed; its size does not grow with the number of rows.

    Attributes:
        schema: says how a sheet would write an edit. `hidden`: fields of which no value is shown.
        first: rows whose values are worth a look, since each is the first of its kind.
    """

    schema: Schema
    hidden: Private
    first: list[int] = field(default_factory=list)
    _rows: dict[str, int] = field(default_factory=dict)
    _samples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def count(self, shapes: Iterable[tuple[Image, int]]) -> None:
        """Count rows by the shape of their edits, of each of which there is the first image."""
        for image, rows in shapes:
            if len(self.first) < LOOKED_AT // 2:
                self.first.append(image.row)
            for name in {self._told_apart(column_of(edit)) for edit in self._edits(image)}:
                self._rows[name] = self._rows.get(name, 0) + rows
            self.look((image,))

    def look(self, images: Iterable[Image]) -> None:
        """Keep samples of the values of some rows."""
        for image in images:
            for edit in self._edits(image):
                kept = self._samples.setdefault(self._told_apart(column_of(edit)), [])
                if len(kept) < SAMPLES and (shown := _sample(edit)) not in kept:
                    kept.append(shown)

    def columns(self) -> tuple[ColumnChanges, ...]:
        """Return the columns, the most changed first."""
        found = [ColumnChanges(name, rows, tuple(self._samples.get(name, ()))) for name, rows in self._rows.items()]
        return tuple(sorted(found, key=lambda each: -each.rows))

    def _edits(self, image: Image) -> Iterable[Edit]:
        edits = map(self.hidden.concealed, image.edits) if self.hidden else image.edits
        return islice((in_columns(edit, image.type, self.schema) for edit in edits), MAX_COLUMNS)

    def _told_apart(self, name: str) -> str:
        return name if name in self._rows or len(self._rows) < MAX_COLUMNS else OTHERS


def spread(rows: int) -> range:
    """Return the numbers of rows whose values are looked at, evenly over the input."""
    return range(1, rows + 1, max(1, rows // (LOOKED_AT // 2)))


def _sample(edit: Edit) -> tuple[str, str]:
    return fitted(*sides(edit), ROOM)
