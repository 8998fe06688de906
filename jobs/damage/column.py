"""A column that is looked at: what it is for, and what has been seen of it. Memory does not grow with the rows."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from jobs.damage.characters import MARKS, Mark, marks_in
from jobs.damage.kinds import Kind, kind_of
from jobs.damage.traits import SPREADSHEET_DIGITS, Trait, trait_of
from jobs.formats.stored import Stored
from jobs.model import RowRef
from jobs.texts import shortened
from jobs.values import valueclass

K = TypeVar("K", Kind, Mark, Trait, int)

Role = Literal["id", "link", "text", "untyped", "date", "number", "other"]
"""What a column is for. `text`: an attribute that takes any text; `untyped`: a `metadata` key or a member without a
suffix, which stays text although nobody said so; `other`: what is checked anyway (booleans, lists of values, JSON,
tags)."""

StoredTest = Callable[[str, Stored], bool]
"""Whether a cell, given how it was stored, is damaged."""

EXAMPLES: Final = 3
"""Cells that are kept for each thing that was found."""

_MEASURED: Final[frozenset[Kind]] = frozenset({"padded", "digits", "long", "point", "date"})

_WIDEST: Final = 40
"""Digits above which numbers are counted together."""


@valueclass(frozen=True, slots=True)
class Column:
    """A column of a sheet, or a member of the objects of an NDJSON input.

    Attributes:
        label: the name as the user wrote it.
        position: of the cell in its row, from 0; -1 for a member of an object.
    """

    label: str
    role: Role
    position: int = -1


@valueclass(frozen=True, slots=True)
class Example:
    """One cell, shortened."""

    ref: RowRef
    cell: str


@dataclass(slots=True)
class Tally:
    """How many, and the first of them."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether another example is wanted."""
        return len(self.examples) < EXAMPLES

    def add(self, ref: RowRef, cell: str) -> None:
        """Count one more."""
        self.count += 1
        self.show(ref, cell)

    def show(self, ref: RowRef, cell: str) -> None:
        """Keep the cell as an example if it is one of the first; it has been counted."""
        if self.open:
            self.examples.append(Example(ref, shortened(cell)))


@valueclass(frozen=True, slots=True)
class Sign:
    """Damage in a column.

    Attributes:
        code: of `jobs.damage.registry`.
        count: cells that it is about; `examples` are the first of them.
        evidence: why it is taken for damage, with the figures.
        matches: whether a cell of the column is one of them, by its text.
        stored: the same, by how a workbook stored it; None where only the text counts.
        action: the way back, where it is another than the registry's.
    """

    code: str
    column: Column
    count: int
    examples: tuple[Example, ...]
    evidence: str
    matches: Callable[[str], bool]
    stored: StoredTest | None = None
    action: str = ""


@dataclass(slots=True)
class Seen:
    """What has been seen of a column's cells, empty ones left out.

    Attributes:
        kinds: by what the cells look like. `marks`: by the characters in them.
        widths: of whole numbers without a leading zero, by their digits; `padded`: of those with one.
        traits: by what shows in the digits of numbers and dates.
        zeros: how many zeros stand behind the 15th digit of rounded numbers, in all.
        letters: ids of ten letters that are all `lower`, all `upper`, or `both`.
        clear: text that clears the field: it is meant, and never damage; empty for none. `cleared`: such cells.
    """

    column: Column
    clear: str = ""
    cleared: int = 0
    total: int = 0
    kinds: dict[Kind, Tally] = field(default_factory=dict)
    marks: dict[Mark, Tally] = field(default_factory=dict)
    widths: dict[int, Tally] = field(default_factory=dict)
    padded: Counter[int] = field(default_factory=Counter)
    traits: dict[Trait, Tally] = field(default_factory=dict)
    zeros: int = 0
    letters: Counter[str] = field(default_factory=Counter)

    def see(self, refs: Sequence[RowRef], cells: Sequence[str]) -> Mapping[str, Kind]:
        """Take in the cells of some rows; the kind of each different text among them.

        Texts that repeat are looked at once, and characters are looked for in all cells at once: both are what makes
        this cheap.
        """
        times = Counter(cells)
        del times[""]
        if self.clear:
            self.cleared += times.pop(self.clear, 0)
        found = {cell: kind_of(cell) for cell in times}
        self.total += sum(times.values())
        for kind, count in _counted(found, times).items():
            self._count(kind, count, found, refs, cells)
            if kind in _MEASURED:
                self._measure(kind, found, times, refs, cells)
        if self.column.role == "id" and not self.letters["both"]:
            self._count_letters(found)
        for mark, cell in marks_in(found, MARKS[self.column.role]):
            self._take(_tally(self.marks, mark), cell, times[cell], refs, cells)
        return found

    def of(self, *kinds: Kind) -> int:
        """Count the cells of these kinds."""
        return sum(self.kinds[kind].count for kind in kinds if kind in self.kinds)

    def sign(self, code: str, tally: Tally, evidence: str, matches: Callable[[str], bool]) -> Sign:
        """Describe damage in this column."""
        return Sign(code, self.column, tally.count, tuple(tally.examples), evidence, matches)

    def _count(
        self, kind: Kind, count: int, found: Mapping[str, Kind], refs: Sequence[RowRef], cells: Sequence[str]
    ) -> None:
        tally = _tally(self.kinds, kind)
        tally.count += count
        if tally.open:
            for ref, cell in zip(refs, cells, strict=True):
                if found.get(cell) == kind:
                    tally.show(ref, cell)
                    if not tally.open:
                        return

    def _measure(
        self, kind: Kind, found: Mapping[str, Kind], times: Counter[str], refs: Sequence[RowRef], cells: Sequence[str]
    ) -> None:
        """Look at the digits of numbers and dates."""
        for cell in [cell for cell, each in found.items() if each == kind]:
            if kind == "padded":
                self.padded[min(len(cell), _WIDEST)] += times[cell]
            elif kind == "digits":
                if cell[0] != "-":
                    self._take(_tally(self.widths, len(cell)), cell, times[cell], refs, cells)
            elif trait := trait_of(cell, kind):
                self._take(_tally(self.traits, trait), cell, times[cell], refs, cells)
                if trait == "rounded":
                    self.zeros += (len(cell.removeprefix("-")) - SPREADSHEET_DIGITS) * times[cell]

    @staticmethod
    def _take(tally: Tally, cell: str, times: int, refs: Sequence[RowRef], cells: Sequence[str]) -> None:
        tally.count += times
        if tally.open:  # to find the row takes time
            tally.show(refs[cells.index(cell)], cell)

    def _count_letters(self, found: Mapping[str, Kind]) -> None:
        for cell, kind in found.items():
            if kind == "ten":
                self.letters["lower" if cell.islower() else "upper" if cell.isupper() else "both"] += 1


def _tally(tallies: dict[K, Tally], key: K) -> Tally:
    found = tallies.get(key)
    if found is None:
        found = tallies[key] = Tally()
    return found


def _counted(found: Mapping[str, Kind], times: Counter[str]) -> Counter[Kind]:
    """Count the cells by kind."""
    if len(found) == times.total():  # all different, as ids are
        return Counter(found.values())
    counted: Counter[Kind] = Counter()
    for cell, kind in found.items():
        counted[kind] += times[cell]
    return counted


def joined(tallies: Sequence[Tally]) -> Tally:
    """Join several tallies into one, with the examples in the order of the rows."""
    examples = sorted((each for tally in tallies for each in tally.examples), key=lambda each: each.ref.row)
    return Tally(sum(tally.count for tally in tallies), examples[:EXAMPLES])
