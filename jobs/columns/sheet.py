"""Rows of a sheet: text cells under a header."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from jobs.columns.cells import FROM_TEXT, as_shown
from jobs.columns.finish import check_id, finish, refuse_settled, refuse_unmended
from jobs.columns.grammar import Heading, parse_heading, refuse_overlaps
from jobs.columns.problems import NotAColumn, RowRefused
from jobs.columns.resolve import known_type, refuse_unless_of_some_type, resolve
from jobs.columns.rules import Rules
from jobs.columns.slots import Draft, ForeignSlot, Slot
from jobs.model import JSON, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.quoting import unquoted
from jobs.reading.errors import InputRefused
from jobs.reading.stored import Fault, WorkbookRow

_STATUS: Final = "__status"
_REASON: Final = "__reason"


class _Column(NamedTuple):
    """One column, for one resource type."""

    position: int
    slot: Slot
    convert: Callable[[str], JSON]


class SheetColumns:
    """The columns of one sheet: what each cell of its rows asks for.

    Construction judges the header, so that a wrong one is refused before anything is sent.
    """

    def __init__(self, header: Sequence[str], rules: Rules) -> None:
        """Understand the header.

        Raises:
            InputRefused: a column without a meaning, two with the same, no `id`, or no way to know the resource type.
        """
        self._rules = rules
        self._refed = _STATUS in header
        self._headings = [_parsed(unquoted(name) if self._refed else name) for name in header]
        positions = {heading.name: index for index, heading in enumerate(self._headings) if heading.key == ""}
        self._id, self._type = positions.get("id", -1), positions.get("type", -1)
        self._status, self._reason = positions.get(_STATUS, -1), positions.get(_REASON, -1)
        self._mine = [index for index, heading in enumerate(self._headings) if heading.form != "reserved"]
        self._of_type: dict[str, list[_Column]] = {}
        self._judge()

    def read(self, row: SheetRow) -> UpdateJob | Unsendable:
        """What the row asks for, or why it is not sent."""
        cells = list(map(unquoted, row.cells)) if self._refed else row.cells
        try:
            return self._job(row.ref, cells, row.faults if isinstance(row, WorkbookRow) else ())
        except RowRefused as error:
            return error.as_value(row.ref)

    def _job(self, ref: RowRef, cells: list[str], faults: Sequence[Fault]) -> UpdateJob:
        if len(cells) != len(self._headings):
            self._refuse_uneven(cells)
        id_ = cells[self._id]
        if not id_ and not any(cells[index] for index in self._mine):
            raise RowRefused("empty_row", "every cell is empty")
        status = ""
        if self._refed:
            status, reason = cells[self._status], cells[self._reason] if self._reason >= 0 else ""
            refuse_settled(status, reason)
            refuse_unmended(reason, (cells[index] for index in self._mine))
        if faults:
            self._refuse_faulty(cells, faults)
        if id_ == self._rules.clear_token:
            raise RowRefused("clear_not_allowed", "an id cannot be cleared").at("id", id_)
        check_id(id_)
        type_ = (self._type >= 0 and cells[self._type]) or self._rules.type
        draft = self._draft(cells, self._of_type.get(type_) or self._compiled(type_))
        return finish((ref, type_, id_), draft, self._rules, status)

    def _refuse_faulty(self, cells: list[str], faults: Sequence[Fault]) -> None:
        """Refuse a row with cells that cannot be read, unless it is a comment or they are of no interest."""
        if cells[self._id].startswith("#") and all(fault.column != self._id for fault in faults):
            check_id(cells[self._id])
        for fault in faults:
            if fault.column in self._mine:
                label = self._headings[fault.column].label
                raise RowRefused(fault.reason, fault.message).at(label, as_shown(cells[fault.column]))

    def _refuse_uneven(self, cells: list[str]) -> None:
        if len(cells) > self._id and cells[self._id].startswith("#"):
            check_id(cells[self._id])  # a comment: a line of prose needs no delimiters
        raise RowRefused("cell_count", f"the row has {len(cells)} cells, the header has {len(self._headings)}")

    def _draft(self, cells: list[str], columns: list[_Column]) -> Draft:
        draft = Draft()
        clear = self._rules.clear_token
        for index, slot, convert in columns:
            text = cells[index]
            if not text:
                continue
            try:
                if text == clear:
                    slot.clear(draft)
                else:
                    slot.put(draft, convert(text))
            except RowRefused as error:
                raise error.at(self._headings[index].label, as_shown(text)) from None
        return draft

    def _compiled(self, type_: str) -> list[_Column]:
        """The columns for a type that no row had so far."""
        if not type_:
            raise RowRefused(
                "type_missing", "the row does not say its resource type; fill it in or pass --type", "type"
            )
        if type_ == self._rules.clear_token:
            raise RowRefused("clear_not_allowed", "a type cannot be cleared").at("type", type_)
        try:
            known_type(type_)
        except NotAColumn as error:
            raise RowRefused(error.reason, error.message).at("type", as_shown(type_)) from None
        columns = [self._column(index, heading, type_) for index, heading in self._filled()]
        self._of_type[type_] = columns
        return columns

    def _column(self, index: int, heading: Heading, type_: str) -> _Column:
        try:
            slot = resolve(heading, known_type(type_), self._rules)
        except NotAColumn as error:
            slot = ForeignSlot(error.message)
        return _Column(index, slot, FROM_TEXT[slot.wanted])

    def _filled(self) -> list[tuple[int, Heading]]:
        """The columns whose cells go into the update."""
        return [(i, h) for i, h in enumerate(self._headings) if h.form not in {"id", "type", "reserved"}]

    def _judge(self) -> None:
        default = self._rules.type
        try:
            if default:
                known_type(default)
            for _, heading in self._filled():
                self._refuse_unknown(heading)
            refuse_overlaps(self._headings)
        except NotAColumn as error:
            raise InputRefused(error.message) from None
        if self._id < 0:
            raise InputRefused("there is no column `id`: each row must say which record it updates")
        if self._type < 0 and not default:
            raise InputRefused("the resource type is not known: pass --type TYPE, or add a column `type`")

    def _refuse_unknown(self, heading: Heading) -> None:
        try:
            if self._type < 0 and self._rules.type:
                resolve(heading, known_type(self._rules.type), self._rules)
            else:
                refuse_unless_of_some_type(heading, self._rules)
        except NotAColumn as error:
            raise InputRefused(error.message, column=heading.label) from None


def _parsed(label: str) -> Heading:
    try:
        return parse_heading(label)
    except NotAColumn as error:
        raise InputRefused(error.message, column=label) from None
