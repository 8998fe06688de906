"""The sheet of a simulated run: what each row asks for, how that is written down, and by what the ledger knows it.

Most rows set a text of their own, the marker `row N`: as `reference`, or as `metadata.by`. A row without one, and one
that may be sent again without it, is the only such row of its id.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from jobs.model import ABSENT, JSON, Absent
from worker.sandbox import TAG_NAMES, seeded_id

REFERENCE: Final = "reference"
BY: Final = "metadata.by"

SAFE_TRIGGERS: Final = frozenset({"_refresh"})

TRIGGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "stripe_payments": ("_refresh",),
    "orders": ("_refresh", "_capture"),
    "authorizations": ("_capture",),
    "customers": ("_request_anonymization",),
    "transactions": (),
}
"""Types that sheets are about, and the triggers that their rows may fire. `transactions` are abstract."""

TAGGED: Final = frozenset({"orders", "customers"})
"""Those whose records have tags."""

_BROKEN_IDS: Final = ("two ids", "a,b", "..", "")
_CLEARED: Final = "<clear>"
_ODD_TEXTS: Final = (" a {} ", "cafe\u0301 {}", "A.{}@Example.COM")
"""Texts that a server may store in another form."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        sets: values by column, ABSENT where the cell clears.
        trigger: fired by the row, or empty.
        ends: the status that it must have because it cannot be sent, or empty.
        broken: the cell that makes it so, by column.
        named: it names its record by the reference.
    """

    number: int
    id: str
    sets: Mapping[str, JSON | Absent] = field(default_factory=dict)
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    trigger: str = ""
    ends: str = ""
    broken: tuple[str, str] | None = None
    named: bool = False

    @property
    def members(self) -> dict[str, JSON | Absent]:
        """What it sets in `metadata`, by key."""
        return {name.partition(".")[2]: value for name, value in self.sets.items() if name.startswith("metadata.")}

    @property
    def is_marked(self) -> bool:
        """Whether it sets a value that no other row sets."""
        return value_of(self.number) in self.sets.values()

    @property
    def is_special(self) -> bool:
        """Whether it may be sent without a marker."""
        return not self.ends and (not self.is_marked or bool(self.add or self.remove or self.trigger))

    @property
    def replay_safe(self) -> bool:
        return not (self.add or self.remove) and (not self.trigger or self.trigger in SAFE_TRIGGERS)

    def cells(self) -> dict[str, JSON]:
        """The row's values by column; None clears."""
        cells: dict[str, JSON] = {REFERENCE: name_of(self.id)} if self.named else {"id": self.id}
        cells.update((name, None if isinstance(value, Absent) else value) for name, value in self.sets.items())
        cells.update(
            (name, ",".join(tags)) for name, tags in (("tags.add", self.add), ("tags.remove", self.remove)) if tags
        )
        if self.trigger:
            cells[self.trigger] = True
        if self.broken:
            cells[self.broken[0]] = self.broken[1]
        return cells


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows, and the records that they are about.

    Attributes:
        type: of the rows.
        records: how many of them the server has; the last few are in no row.
        held: references that records hold at the beginning, by id.
    """

    type: str
    rows: Sequence[Row]
    records: int
    held: Mapping[str, str] = field(default_factory=dict)

    def text(self, form: str) -> str:
        """The sheet as a file."""
        return _ndjson(self.rows) if form == "ndjson" else _csv(self.rows)


def value_of(row: int) -> str:
    """The marker that only this row sets."""
    return f"row {row}"


def name_of(resource_id: str) -> str:
    """The reference by which rows name a record."""
    return f"the {resource_id}"


def _csv(rows: Sequence[Row]) -> str:
    listed = [row.cells() for row in rows]
    header = {"id": "id", REFERENCE: REFERENCE}
    header.update((name, f"{name}:int" if name == "metadata.n" else name) for cells in listed for name in cells)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header.values())
    writer.writerows([_cell(cells, name) for name in header] for cells in listed)
    return text.getvalue()


def _cell(cells: Mapping[str, JSON], name: str) -> str:
    if name not in cells:
        return ""
    value = cells[name]
    return _CLEARED if value is None else value if isinstance(value, str) else json.dumps(value)


def _ndjson(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row.cells()) + "\n" for row in rows)


@dataclass(slots=True)
class Maker:
    """Makes a sheet row by row.

    Attributes:
        seed: of the server's ids.
        repeats: probability that a row is about the record of an earlier one.
        csv: as opposed to NDJSON.
        members_refused: a blind run cannot merge, so that rows with members cannot be sent.
        held: references that records have to hold at the beginning, by id.
        names: chooses rows that name their record by its reference, which then no row changes; None for no such rows.
    """

    type: str
    seed: int
    dice: Random
    repeats: float
    csv: bool
    members_refused: bool = False
    rows: list[Row] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    names: Random | None = None
    _used: list[str] = field(default_factory=list)
    _special: set[str] = field(default_factory=set)
    _fresh: int = 0

    def sheet(self, rows: int) -> Sheet:
        """So many rows, and a few records more than they need."""
        kinds = [kind for kind in _KINDS if self.type in kind.types]
        for number in range(1, rows + 1):
            (kind,) = self.dice.choices(kinds, [each.weight for each in kinds])
            row = self._judged(self._named(kind.make(self, number)))
            if row.is_special:
                if row.id in self._special:
                    row = replace(row, id=self.fresh())
                self._special.add(row.id)
            self.rows.append(row)
        records = self._fresh + 3
        if self.names:
            ids = (seeded_id(self.type, index, self.seed) for index in range(records))
            self.held = {each: name_of(each) for each in ids}
        return Sheet(self.type, self.rows, records, self.held)

    def id(self) -> str:
        """An id of an earlier row, right before or far back, or a fresh one."""
        if self._used and self.dice.random() < self.repeats:
            return self._used[-1] if self.dice.random() < 0.5 else self.dice.choice(self._used)
        return self.fresh()

    def fresh(self) -> str:
        """The id of a record that no row is about yet."""
        self._fresh += 1
        self._used.append(seeded_id(self.type, self._fresh - 1, self.seed))
        return self._used[-1]

    def _named(self, row: Row) -> Row:
        """The row with its marker elsewhere than in the reference, and perhaps without an id."""
        if self.names is None:
            return row
        sets = {BY if name == REFERENCE else name: value for name, value in row.sets.items()}
        return replace(row, sets=sets, named=not row.ends and self.names.random() < 0.6)

    def _judged(self, row: Row) -> Row:
        return replace(row, ends="invalid") if self.members_refused and row.members and not row.ends else row


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of rows, and how often it comes."""

    weight: int
    make: Callable[[Maker, int], Row]
    types: frozenset[str] = frozenset(TRIGGERS)


def _referring(maker: Maker, number: int) -> Row:
    return Row(number, maker.id(), {REFERENCE: value_of(number)})


def _annotated(maker: Maker, number: int) -> Row:
    return Row(number, maker.id(), {BY: value_of(number), **_details(maker.dice, number)})


def _both(maker: Maker, number: int) -> Row:
    return Row(number, maker.id(), {REFERENCE: value_of(number), "metadata.a": _detail(maker.dice, number)})


def _details(dice: Random, number: int) -> dict[str, JSON | Absent]:
    details: dict[str, JSON | Absent] = {}
    if dice.random() < 0.4:
        details["metadata.a"] = _detail(dice, number)
    if dice.random() < 0.3:
        details["metadata.n"] = number
    return details


def _detail(dice: Random, number: int) -> JSON | Absent:
    if dice.random() < 0.3:
        return ABSENT
    return dice.choice((*("a {}",) * 5, *_ODD_TEXTS)).format(number)


def _as_it_is(maker: Maker, number: int) -> Row:
    row = Row(number, maker.fresh(), {REFERENCE: value_of(number)})
    maker.held[row.id] = value_of(number)
    return row


def _clearing(maker: Maker, number: int) -> Row:
    return Row(number, maker.id(), {REFERENCE: ABSENT})


def _firing(maker: Maker, number: int) -> Row:
    trigger = maker.dice.choice(TRIGGERS[maker.type])
    marker = {REFERENCE: value_of(number)} if maker.dice.random() < 0.5 else {}
    return Row(number, maker.id(), marker, trigger=trigger)


def _tagging(maker: Maker, number: int) -> Row:
    first, second = maker.dice.sample(TAG_NAMES[:6], 2)
    marker = {REFERENCE: value_of(number)} if maker.dice.random() < 0.3 else {}
    if maker.dice.random() < 0.1:
        first = "nobody-knows"
    return Row(number, maker.id(), marker, add=(first,), remove=(second,) if maker.dice.random() < 0.4 else ())


def _missing(maker: Maker, number: int) -> Row:
    return Row(number, f"Missing{number}", {REFERENCE: value_of(number)})


def _invalid(maker: Maker, number: int) -> Row:
    sets: dict[str, JSON | Absent] = {REFERENCE: value_of(number)}
    kind = maker.dice.randrange(4)
    if kind == 0:
        return Row(number, maker.id(), sets, ends="invalid", broken=("metadata.n", "many") if maker.csv else ("id", ""))
    if kind == 1 and TRIGGERS[maker.type]:
        return Row(number, maker.id(), sets, ends="invalid", broken=(TRIGGERS[maker.type][0], "false"))
    if kind == 2 and maker.type in TAGGED:
        return Row(number, maker.id(), sets, ends="invalid", broken=("tags.add", "no tag!"))
    return Row(number, maker.dice.choice(_BROKEN_IDS), sets, ends="invalid")


def _comment(maker: Maker, number: int) -> Row:
    return Row(number, f"# row {number} is a comment", {REFERENCE: value_of(number)}, ends="skipped")


def _idle(maker: Maker, number: int) -> Row:
    empty = maker.csv and maker.dice.random() < 0.4
    return Row(number, "" if empty else maker.id(), ends="skipped")


_KINDS: Final = (
    _Kind(40, _referring),
    _Kind(18, _annotated),
    _Kind(8, _both),
    _Kind(6, _as_it_is),
    _Kind(4, _clearing),
    _Kind(12, _firing, frozenset(name for name, triggers in TRIGGERS.items() if triggers)),
    _Kind(10, _tagging, TAGGED),
    _Kind(3, _missing),
    _Kind(5, _invalid),
    _Kind(2, _comment),
    _Kind(2, _idle),
)
