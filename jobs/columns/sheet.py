"""Rows of a sheet: text cells under a header."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from jobs.apis.schema import ResourceType
from jobs.columns.cells import FROM_TEXT, as_shown
from jobs.columns.dialects import DIALECTS, header_faults
from jobs.columns.finish import cells_decide, finish, refuse_settled, refuse_unmended
from jobs.columns.grammar import NO_VALUES, Heading, is_results_file
from jobs.columns.header import names_of
from jobs.columns.misread import Misread
from jobs.columns.problems import NotAColumn, RowRefused
from jobs.columns.resolve import known_type
from jobs.columns.rules import Rules
from jobs.columns.slots import Draft, ForeignSlot, Slot, takes_any_text
from jobs.columns.targets import Check
from jobs.damage import Column, cause_of
from jobs.formats.quoting import unquoted
from jobs.formats.stored import DamagedRow, Fault, WorkbookRow
from jobs.formats.strays import NO_UPDATE
from jobs.model import JSON, RowRef, SheetRow, Status, Unsendable, UpdateJob
from jobs.reasons import REASONS

_STATUS: Final = "__status"
_REASON: Final = "__reason"

_SPECIAL: Final = frozenset({"type", "reserved"})
"""Forms of columns that say something of the row as a whole."""

_NONE: Final = frozenset[tuple[str, ...]]()

_MARKED: Final = (WorkbookRow, DamagedRow)
"""Rows that may have faults which were found as they were read."""

_EXPLAINED: Final = frozenset({"wrong_type", "not_allowed", "bad_json", "tag_invalid", "relationship_malformed"})
"""Reasons about a cell of which a spreadsheet may be the cause."""

_DATES: Final = frozenset({"date", "datetime"})
"""What columns want in whose cells dates belong, so that one of another form explains nothing."""


class _Column(NamedTuple):
    """One column, for one resource type."""

    position: int
    slot: Slot
    convert: Callable[[str], JSON]


class Meaning(NamedTuple):
    """What all columns mean for one resource type: where their cells go, and what `UpdateJob` says of all rows."""

    columns: list[_Column]
    labels: dict[tuple[str, ...], str]
    untyped: frozenset[tuple[str, ...]]


class SheetColumns:
    """The columns of one sheet: what each cell of its rows asks for.

    Construction judges the header, so that a wrong one is refused before anything is sent.
    """

    def __init__(self, header: Sequence[str], rules: Rules) -> None:
        """Understand the header.

        Raises:
            InputRefused: a column without a meaning, two with the same, no way to tell the record, or its type.
        """
        for fault in header_faults(header, rules):
            raise fault
        self._rules = rules
        self._refed = is_results_file(header)
        self._dialect = DIALECTS[rules.schema.grammar]
        self._headings = self._dialect.headings(names_of(header), rules)
        self._target = self._dialect.target(self._headings, rules)
        self._id = self._target.position
        special = {heading.name: index for index, heading in enumerate(self._headings) if heading.form in _SPECIAL}
        self._type = special.get("type", -1)
        self._status, self._reason = special.get(_STATUS, -1), special.get(_REASON, -1)
        self._misread = Misread([heading.label for heading in self._headings], self._target)
        self._mine = [index for index, heading in enumerate(self._headings) if heading.form != "reserved"]
        paths = {heading.path for heading in self._headings if heading.form != "reserved"}
        self._cells_decide = not self._refed and cells_decide(rules, paths)
        self._of_type: dict[str, Meaning] = {}

    @property
    def target(self) -> int:
        """Position of the first column that says which record is meant."""
        return self._id

    def records(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Return, of the plain cells of each row, a text that is equal for two rows of one record."""
        return [self._target.record(cells, self._type_of(cells)) for cells in rows]

    def named(self, cells: Sequence[str]) -> tuple[str, str, str] | None:
        """Return type, key and reference of the record of a row, whatever else is wrong with it; None if it has none.

        Args:
            cells: of the row, plain.
        """
        type_ = self._type_of(cells)
        try:
            return type_, *self._target.named(cells, type_)
        except RowRefused:
            return None

    def read(self, row: SheetRow) -> UpdateJob | Unsendable:
        """Return what the row asks for, or why it is not sent."""
        try:
            return self._job(row.ref, self.plain(row), row.faults if isinstance(row, _MARKED) else ())
        except RowRefused as error:
            return error.as_value(row.ref)

    def plain(self, row: SheetRow) -> list[str]:
        """Return the cells as the user meant them, without the apostrophes that a results file puts before some."""
        return list(map(unquoted, row.cells)) if self._refed else row.cells

    def faults(self, row: SheetRow) -> list[Unsendable]:
        """Return every reason why a row is not sent, the one of `read` first; none for a row that is sent."""
        first = self.read(row)
        if isinstance(first, UpdateJob):
            return []
        cells = self.plain(row)
        misread = first.reason in NO_UPDATE or len(cells) != len(self._headings)
        if misread or REASONS[first.reason].status is not Status.INVALID:
            return [first]
        found = {first.column: first}
        for test in self._tests(row, cells):
            try:
                test()
            except RowRefused as error:
                found.setdefault(error.column, error.as_value(row.ref))
        return list(found.values())

    def _tests(self, row: SheetRow, cells: list[str]) -> Iterator[Callable[[], object]]:
        """Yield a test for whatever can be wrong with each cell; an unreadable cell has no text to test."""
        unreadable = row.faults if isinstance(row, _MARKED) else ()
        for fault in unreadable:
            yield partial(self._refuse_faulty, cells, [fault])
        type_ = self._type_of(cells)
        without_text = {fault.column for fault in unreadable}
        for position, check in self._target.checks(type_):
            if position not in without_text:
                yield partial(check, cells[position])
        if type_ not in self._of_type:
            yield partial(self._compiled, type_)
        meaning = self._of_type.get(type_)
        for column in meaning.columns if meaning else ():
            if column.position not in without_text:
                yield partial(self._draft, cells, [column])

    def doubtful(self, rows: Sequence[SheetRow]) -> Collection[int]:
        """Return the positions, in order, of the rows that `read` may refuse; it accepts all others.

        The same as to read them all, and many times cheaper: cells are tried by column, and each text once.
        """
        width = len(self._headings)
        tried = [index for index, row in enumerate(rows) if len(row.cells) == width and not _has_faults(row)]
        cells = list(zip(*(rows[index].cells for index in tried), strict=True))
        type_, columns = self._columns_of_all(cells) if cells and self._cells_decide else ("", [])
        if not columns:
            return range(len(rows))
        found = set(range(len(rows))).difference(tried)
        no_keys = [(at, self._no_keys(at, cells[at], check)) for at, check in self._target.checks(type_)]
        for position, refused in [*no_keys, *self._refused(columns, cells)]:
            if refused:
                found.update(index for index, text in zip(tried, cells[position], strict=True) if text in refused)
        if all("" in cells[column.position] for column in columns):
            said = zip(*(cells[column.position] for column in columns), strict=True)
            found.update(index for index, texts in zip(tried, said, strict=True) if not any(texts))
        return sorted(found)

    def described(self) -> list[Column]:
        """Describe what each of the user's own columns is for."""
        return [
            Column(heading.label, self._dialect.role_of(heading, self._rules), index)
            for index, heading in enumerate(self._headings)
            if heading.form != "reserved"
        ]

    def _columns_of_all(self, cells: Sequence[Sequence[str]]) -> tuple[str, list[_Column]]:
        """Return the type of these rows, and the columns that go into their updates; none if their types differ."""
        types = set(cells[self._type]) if self._type >= 0 else {""}
        type_ = types.pop() or self._rules.type
        try:
            return type_, [] if types else (self._of_type.get(type_) or self._compiled(type_)).columns
        except RowRefused:
            return type_, []

    def _no_keys(self, position: int, texts: Sequence[str], check: Check) -> set[str]:
        """Return those of the texts of a column that do not say which record is meant."""
        found = {self._rules.clear_token, *(self._misread.no_keys if position == self._id else ())}
        for text in texts:
            try:
                check(text)
            except RowRefused:
                found.add(text)
        return found

    def _refused(self, columns: Sequence[_Column], cells: Sequence[Sequence[str]]) -> Iterator[tuple[int, set[str]]]:
        """Yield the position of each column with the texts in it that are refused."""
        for position, slot, convert in columns:
            found = set()
            for text in () if takes_any_text(slot) else set(cells[position]) - {""}:
                draft = Draft()
                try:
                    slot.clear(draft) if text == self._rules.clear_token else slot.put(draft, convert(text))
                except RowRefused:
                    found.add(text)
            yield position, found

    def _job(self, ref: RowRef, cells: list[str], faults: Sequence[Fault]) -> UpdateJob:
        self._misread.refuse(cells, faults, ref.line)
        if not cells[self._id] and not any(cells[index] for index in self._mine):
            raise RowRefused("empty_row", "every cell is empty")
        status = ""
        if self._status >= 0:
            status, reason = cells[self._status], cells[self._reason] if self._reason >= 0 else ""
            refuse_settled(status, reason)
            refuse_unmended(reason, (cells[index] for index in self._mine))
        if faults:
            self._refuse_faulty(cells, faults)
        type_ = (self._type >= 0 and cells[self._type]) or self._rules.type
        id_, reference = self._target.named(cells, type_)
        columns, labels, untyped = self._of_type.get(type_) or self._compiled(type_)
        draft = self._draft(cells, columns, untyped)
        job = finish((ref, type_, id_), draft, self._rules, status, labels)
        return replace(job, reference=reference) if reference else job

    def _type_of(self, cells: Sequence[str]) -> str:
        return (self._type >= 0 and cells[self._type]) or self._rules.type

    def _refuse_faulty(self, cells: list[str], faults: Sequence[Fault]) -> None:
        """Refuse a row with cells that cannot be read, unless it is a comment or they are of no interest."""
        comment = self._target.by_id and cells[self._id].startswith("#")
        if comment and all(fault.column != self._id for fault in faults):
            self._target.check(cells[self._id])
        for fault in faults:
            if fault.column in self._mine:
                label = self._headings[fault.column].label
                raise RowRefused(fault.reason, fault.message).at(label, as_shown(cells[fault.column]))

    def _draft(self, cells: list[str], columns: list[_Column], untyped: frozenset[tuple[str, ...]] = _NONE) -> Draft:
        draft = Draft(untyped=untyped)
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
                cause = cause_of(text) if error.reason in _EXPLAINED and slot.wanted not in _DATES else ""
                raise error.at(self._headings[index].label, as_shown(text)).because(cause) from None
        return draft

    def _compiled(self, type_: str) -> Meaning:
        """Resolve the columns for a type that no row had so far."""
        if not type_:
            raise RowRefused(
                "type_missing", "the row does not say its resource type; fill it in or pass --type", "type"
            )
        if type_ == self._rules.clear_token:
            raise RowRefused("clear_not_allowed", "a type cannot be cleared").at("type", type_)
        try:
            kind = known_type(type_, self._rules.schema)
            mine = [heading for heading in self._headings if heading.form != "reserved"]
            self._dialect.refuse_overlaps(mine, kind, self._rules)
        except NotAColumn as error:
            raise RowRefused(error.reason, error.message).at("type", as_shown(type_)) from None
        meaning = self._of_type[type_] = Meaning(
            [self._column(index, heading, kind) for index, heading in self._filled(kind)],
            {self._dialect.path_of(heading, kind): heading.label for heading in mine},
            frozenset(self._dialect.path_of(each, kind) for each in mine if self._dialect.has_no_type(each, kind)),
        )
        return meaning

    def _column(self, index: int, heading: Heading, kind: ResourceType) -> _Column:
        try:
            slot = self._dialect.resolve(heading, kind, self._rules)
        except NotAColumn as error:
            slot = ForeignSlot(error.message)
        return _Column(index, slot, FROM_TEXT[slot.wanted])

    def _filled(self, kind: ResourceType) -> list[tuple[int, Heading]]:
        """Return the columns whose cells go into the update, or must be empty in rows of this type."""
        besides, keys = self._target.besides(kind.name), self._rules.schema.keys(kind.name)
        return [
            (index, heading)
            for index, heading in enumerate(self._headings)
            if (heading.form not in NO_VALUES and index not in besides)
            or (heading.form == "key" and heading.name not in keys)
        ]


def _has_faults(row: SheetRow) -> bool:
    return isinstance(row, _MARKED) and bool(row.faults)
