"""A results file that comes back, beside what it held when its run wrote it: the run's own input."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from jobs.columns import is_results_file
from jobs.damage import Column
from jobs.damage.turned import turned
from jobs.formats import InputRefused, Keys, ObjectFormat, Table
from jobs.formats.quoting import unquoted
from jobs.model import RowRef
from jobs.texts import shortened
from worker.checking.findings import Group, Spot
from worker.files import source
from worker.files.run_directory import JOURNAL
from worker.journal import History, JournalError
from worker.settings import Input, Settings

_LOOKED_AT: Final = frozenset({"id", "link", "text", "untyped", "date"})
"""Roles of columns in which `7` is another value than `007`."""

_KEPT: Final = 16 << 20
"""Characters of the run's rows that are kept, in case the returned ones were sorted."""

_CELL: Final = 64
"""Characters that a cell counts for besides its own."""


class Origin:
    """The input of the run that made a results file, read beside it in bounded memory."""

    def __init__(self, directory: Path, sheet: Table, header: Sequence[str], columns: Sequence[Column]) -> None:
        """Get ready to compare.

        Args:
            directory: of the run.
            sheet: its copy of the input.
            header: names of the returned file.
            columns: those of its columns that are its own.
        """
        self.groups: dict[str, Group] = {}
        self._directory = directory
        self._number = header.index("__row")
        refed = is_results_file(sheet.header)
        self._meant: Callable[[str], str] = unquoted if refed else str
        at = {self._meant(name): index for index, name in enumerate(sheet.header)}
        self._columns = [
            (column, at[column.label]) for column in columns if column.role in _LOOKED_AT and column.label in at
        ]
        self._rows = _cells_of(sheet)
        self._read = self._size = 0
        self._kept: dict[int, Sequence[str]] = {}

    def changed(self, ref: RowRef, cells: Sequence[str]) -> Iterator[tuple[str, Spot]]:
        """Return the cells of a returned row that a spreadsheet has changed, each with the name of its column.

        Args:
            ref: of the row.
            cells: as they are meant.
        """
        was = self._row_of(cells[self._number]) if cells else ()
        for column, at in self._columns:
            old = self._meant(was[at]) if at < len(was) else ""
            new = cells[column.position] if cells else ""
            if turned(old, new):
                yield column.label, Spot(ref, column.position, shortened(new), f"was {shortened(old)}")

    def see(self, ref: RowRef, cells: Sequence[str]) -> None:
        """Count them."""
        for label, spot in self.changed(ref, cells):
            group = self.groups.setdefault(label, Group("warning", "changed_by_spreadsheet", label))
            group.add(spot)
            group.evidence = f"the run in {self._directory} has other texts there"

    def _row_of(self, number: str) -> Sequence[str]:
        """Return the cells of a row of the run; none if it is too far behind in a file that was sorted."""
        row = int(number) if number.isdecimal() and len(number) < 10 else 0  # digits of a row
        while self._read < row and (cells := next(self._rows, None)) is not None:
            self._read += 1
            if self._size > _KEPT:
                self._kept.clear()
                self._size = 0
            self._kept[self._read] = cells
            self._size += len("".join(cells)) + _CELL * len(cells)
        return self._kept.get(row, ())


def _cells_of(sheet: Table) -> Iterator[Sequence[str]]:
    """Yield the cells of each row; what cannot be read ends the comparison, and not the check."""
    with suppress(InputRefused):
        for row in sheet:
            yield row.cells


@contextmanager
def origin_of(how: Input, header: Sequence[str], columns: Sequence[Column], keys: Keys) -> Iterator[Origin | None]:
    """Find the run beside which a results file lies, and read its input; None where there is none to compare with.

    Args:
        how: the returned file is read.
        header: its names.
        columns: its own.
        keys: those of them that say what a row is about.
    """
    directory = Path(how.source).parent
    with ExitStack() as stack:
        origin = None
        if how.source != "-" and "__row" in header and (directory / JOURNAL).is_file():
            with suppress(JournalError, InputRefused, ValidationError, KeyError):  # then nothing certain is known of it
                then = _settings_of(directory)
                form = source.format_of(then)
                if not isinstance(form, ObjectFormat):
                    stream = stack.enter_context(source.opened(source.spooled_in(directory, then.format)))
                    origin = Origin(directory, form.read(stream, source.options_of(then, keys)), header, columns)
        yield origin


def _settings_of(directory: Path) -> Input:
    with closing(History(directory / JOURNAL)) as history:
        return Settings.model_validate_json(history.facts["settings"]).input
