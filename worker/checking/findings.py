"""What a check found, as values."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from jobs.damage import WARNINGS, Sign
from jobs.formats import InputRefused
from jobs.formats.stored import Merged
from jobs.model import RowRef, Unsendable
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.checking.duplicates import Duplicates
from worker.exit_statuses import DONE, REFUSED

Severity = Literal["error", "warning"]

SPOTS: Final = 3
"""Places that are kept of each group."""

INPUT_REFUSED: Final = "input_refused"
"""Code of a finding that is about the input as a whole: nothing of it would be sent."""


@valueclass(frozen=True, slots=True)
class Spot:
    """One place in the input.

    Attributes:
        position: of the cell in its row, from 0; -1 when the row as a whole is meant, or the input has no columns.
        cell: its text, shortened.
        message: what is wrong with it beyond what its group says.
    """

    ref: RowRef
    position: int
    cell: str
    message: str = ""


def concealed(spot: Spot) -> Spot:
    """Return a place without what stands there."""
    return replace(spot, cell="", message="")


@dataclass(slots=True)
class Group:
    """All findings with one code about one column.

    Attributes:
        column: its name as the user wrote it; empty when rows as a whole are meant.
        evidence: why a warning is given, with the figures.
        way_back: what to do about it, where it is not what the code says.
        grave: said before a run as well, and not by a check alone; what the registry calls grave always is.
    """

    severity: Severity
    code: str
    column: str
    evidence: str = ""
    count: int = 0
    spots: list[Spot] = field(default_factory=list)
    grave: bool = False
    way_back: str = ""

    def __post_init__(self) -> None:
        """Take what the registry says of such warnings."""
        self.grave = self.grave or (self.severity == "warning" and WARNINGS[self.code].grave)

    @property
    def action(self) -> str:
        """What to do about it."""
        return self.way_back or explained(self.code)[1]

    def conceal(self) -> None:
        """Forget what stands in the cells, and all words that may quote it."""
        self.evidence = ""
        self.spots = list(map(concealed, self.spots))

    def add(self, spot: Spot) -> None:
        """Count one more finding."""
        self.count += 1
        if len(self.spots) < SPOTS:
            self.spots.append(spot)


@valueclass(frozen=True, slots=True)
class Finding:
    """One finding of one group."""

    group: Group
    spot: Spot


@dataclass(slots=True)
class Checked:
    """The result of a check. Its size does not grow with the input.

    Attributes:
        sheet: name of the workbook's sheet; empty where places are lines.
        header: names of the columns; empty for objects. `line`: on which they stand.
        rows: read, comments and empty ones included.
        cleared: fields that the sendable rows clear. `clearing`: such rows.
        sendable: rows that ask for something. `refused`: rows that would not be sent. `skipped`: the others, by reason.
        refusals: why nothing of the input would be sent; the first is what `apply` would say.
        errors: by reason and column. `signs`: damage. `header`: names that look odd.
        shifted: numbers of the first rows that look shifted.
        merged: ranges of merged cells, from top to bottom.
    """

    sheet: str = ""
    header: list[str] = field(default_factory=list)
    line: int = 1
    rows: int = 0
    cleared: int = 0
    clearing: int = 0
    sendable: int = 0
    refused: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refusals: list[InputRefused] = field(default_factory=list)
    errors: dict[tuple[str, str], Group] = field(default_factory=dict)
    signs: list[Sign] = field(default_factory=list)
    warnings: list[Group] = field(default_factory=list)
    shifted: set[int] = field(default_factory=set)
    merged: Sequence[Merged] = ()
    duplicates: Duplicates = field(default_factory=Duplicates)

    @property
    def exit_status(self) -> int:
        """0, or 2 when something would be refused."""
        return REFUSED if self.refusals or self.refused else DONE

    def groups(self) -> Iterator[Group]:
        """Yield refusals, errors and warnings; of each, the most frequent first."""
        for refusal in self.refusals:
            yield self.refusal(refusal)
        yield from sorted(self.errors.values(), key=lambda group: -group.count)
        yield from sorted(self.warnings, key=lambda group: -group.count)

    def refusal(self, refused: InputRefused) -> Group:
        """Make a group of the reason why the input is refused."""
        position = self.header.index(refused.column) if refused.column in self.header else -1
        ref = RowRef(0, refused.line or self.line, b"")
        spot = Spot(ref, position, refused.column, refused.message)
        return Group("error", INPUT_REFUSED, refused.column, count=1, spots=[spot])


def fault_at(fault: Unsendable, position: int) -> Spot:
    """Return where a row is refused, and why; the name of the column is left to the group."""
    return Spot(fault.ref, position, fault.cell, fault.message.removeprefix(f"`{fault.column}`: "))


def explained(code: str) -> tuple[str, str]:
    """Return what a code means, and what to do about it."""
    if code == INPUT_REFUSED:
        return "Nothing of the input would be sent.", "Correct it, and check again."
    if known := REASONS.get(code):
        return known.meaning, known.action
    return WARNINGS[code].meaning, WARNINGS[code].action
