"""One input as a check reads it: records, what each asks for, and its cells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from jobs.apis.schema import Schema
from jobs.changes.diff import CompareRules
from jobs.changes.overtaking import left_of
from jobs.columns import keys_of
from jobs.damage import Column
from jobs.formats import InputRefused, ObjectFormat, WorkbookSheet
from jobs.formats.strays import NO_UPDATE
from jobs.model import ObjectRow, SheetRow, Status, Unsendable, UpdateJob
from jobs.reasons import REASONS
from jobs.recipe.columns import Objects, Sheets, ViewedObjects, all_faults, object_columns, sheet_columns
from jobs.values import valueclass
from worker.checking.origin import Origin, origin_of
from worker.checking.unseen import Unseen
from worker.files import refeed, source
from worker.settings import Input


class HeaderRefused(InputRefused):
    """Everything that is wrong with a header, of which the exception itself says the first."""

    def __init__(self, header: list[str], line: int, faults: list[InputRefused]) -> None:
        super().__init__(faults[0].message, column=faults[0].column, outline=faults[0].outline)
        self.header = header
        self.header_line = line
        self.faults = faults


Record = SheetRow | ObjectRow | Unsendable


Judged = UpdateJob | str | list[Unsendable]
"""What becomes of a row: what it asks for; or why it is skipped; or every reason why it is refused."""


def _nowhere() -> tuple[int, int]:
    return 0, 0


@valueclass(frozen=True, slots=True)
class Records:
    """An input whose header is understood.

    Attributes:
        header: names of the columns; empty for objects. `columns`: those of the user.
        line: on which the header stands.
        texts_at: positions of the columns that hold texts and ids, by their names.
        overtaken: what was taken from rows of a results file by later rows of the same record that are done.
        unseen: what looks at a workbook for what it hides; None for text.
        how: the input is read. `terms`: how its rows are compared with their records.
        origin: of a results file that lies beside its run, what it held when it was written.
        position: returns how many bytes are read, and of how many; 0 of 0 in a workbook, which holds other things too.
    """

    header: list[str]
    columns: list[Column]
    rows: Iterator[Record]
    meaning: Sheets | Objects
    line: int
    texts_at: Mapping[str, int]
    overtaken: refeed.Taken
    unseen: Unseen | None
    how: Input
    terms: CompareRules
    origin: Origin | None = None
    position: Callable[[], tuple[int, int]] = _nowhere

    @property
    def clear(self) -> str:
        """Text of a cell that clears the field; empty for objects."""
        return self.how.clear_token if self.header else ""

    @property
    def named_by(self) -> str:
        """Name of the column that says which record is meant, the first of several; `id` for objects."""
        return self.header[self.meaning.target] if isinstance(self.meaning, Sheets) else "id"

    def judged(self, record: Record) -> Judged:
        """Return what `apply` would make of the record, by the same code."""
        if isinstance(record, Unsendable):
            return [self.meaning.view.own(record) if isinstance(self.meaning, ViewedObjects) else record]
        if isinstance(record, SheetRow) and source.is_left_out(record, self.how):
            return source.HIDDEN
        found = self.meaning.read(record)  # type: ignore[arg-type]  # a sheet has rows, or all are objects
        if isinstance(found, UpdateJob):
            lost = self.overtaken.get(found.ref.row)
            found = left_of(found, lost, self.terms) if lost else found
        if isinstance(found, UpdateJob):
            return found
        if REASONS[found.reason].status is Status.CONFLICT:
            return [found]
        if REASONS[found.reason].status is Status.SKIPPED:
            return found.reason
        return self.meaning.faults(record)  # type: ignore[arg-type]  # see above

    def left_out(self, rows: Sequence[SheetRow]) -> list[int]:
        """Return the positions of hidden rows if only visible ones are wanted."""
        if not self.how.visible_only:
            return []
        return [index for index, row in enumerate(rows) if source.is_left_out(row, self.how)]

    def cells(self, record: Record, judged: Judged) -> list[str]:
        """Return the cells of a sheet's row, as meant; none of an object, or of a skipped, misread or long row.

        A text that refuses its row is left out: what else is odd about it is of no interest. A refused number stays,
        for rows that are shifted show by such cells.
        """
        if isinstance(judged, str) or not (isinstance(record, SheetRow) and isinstance(self.meaning, Sheets)):
            return []
        cells = self.meaning.plain(record)
        if isinstance(judged, UpdateJob):
            return cells
        if len(cells) != len(self.header) or judged[0].reason in NO_UPDATE:
            return []
        blamed = {self.texts_at.get(fault.column) for fault in judged}
        return ["" if index in blamed else cell for index, cell in enumerate(cells)]

    def texts(self, record: Record) -> Mapping[str, str]:
        """Return the members of an object that are text, by name; none of a sheet's row."""
        if isinstance(record, ObjectRow) and isinstance(self.meaning, Objects):
            return self.meaning.texts(record)
        return {}


@contextmanager
def opened(path: Path, how: Input, type_name: str, schema: Schema) -> Iterator[Records]:
    """Read an input up to its header, and get ready to iterate its rows.

    Args:
        path: of the input, compressed or not.
        how: it is read.
        type_name: resource type of rows that do not name one.
        schema: of the API that the rows are for.

    Raises:
        HeaderRefused: the header has no meaning.
        InputRefused: the input cannot be read; also while its rows are iterated.
    """
    form, rules, terms = source.format_of(how), source.rules(how, type_name, schema), source.terms(how, schema)
    options = source.options_of(how, keys_of(type_name, schema))
    late = refeed.overtaken(path, how, type_name, schema)
    with source.opened(path) as stream:
        if isinstance(form, ObjectFormat):
            objects = form.read(stream, options)
            meaning, at = object_columns(rules, how.view), partial(source.read_of, stream)
            yield Records([], [], objects, meaning, 0, {}, late, None, how, terms, position=at)
            return
        sheet = form.read(stream, options)
        if faults := list(all_faults(sheet.header, rules, how.view)):
            raise HeaderRefused(sheet.header, sheet.line, faults)
        columns = sheet_columns(sheet.header, rules, how.view)
        described = columns.described()
        texts = {column.label: column.position for column in described if column.role not in {"number", "other"}}
        visible = how.visible_only
        unseen = Unseen(sheet, described, visible_only=visible) if isinstance(sheet, WorkbookSheet) else None
        with origin_of(how, sheet.header, described, options.keys) as origin:
            rows = iter(sheet)
            where = _nowhere if unseen is not None else partial(source.read_of, stream)
            yield Records(
                sheet.header, described, rows, columns, sheet.line, texts, late, unseen, how, terms, origin, where
            )
