"""CSV and TSV (RFC 4180, read strictly): binary stream to records.

Strict, because a lenient reader swallows rows at an unbalanced quote. Such a fault refuses the whole input: where the
next record begins would be a guess.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import BinaryIO, Final

from jobs.formats.addresses import letters, text_address
from jobs.formats.delimiters import DELIMITERS, decided, declared
from jobs.formats.errors import InputRefused
from jobs.formats.format import Opened, Options, SheetFormat
from jobs.formats.headings import COMMON_KEYS, LOOKED_AT, Keys, checked_names, key_of, refuse_other_format, unnamed
from jobs.formats.lines import MAX_RECORD, physical_lines
from jobs.formats.stored import DamagedRow
from jobs.formats.strays import Layout, cut, rest_of, spaced_quote, swallowed, torn
from jobs.model import RowRef, SheetRow

_FAULTS: Final = {
    "unexpected end of data": "a quoted cell never ends: its closing quote is missing",
    " expected after ": "text follows a closing quote",
}
_NO_DELIMITERS: Final = '"\r\n\0'

_MAX_HEADER: Final = 1 << 20
"""Longest header, in characters: a million names would cost far more memory than their text."""

_FOLD: Final = 4096
"""Lines of one record that become one piece of text: as lines of their own they cost 25 times as much memory."""


class Sheet:
    """A sheet whose header has been read and whose rows have not.

    Iterate it once: it reads on from the stream, in constant memory. A record may have more or fewer cells than the
    header: that is for the columns to judge. Iterating raises `InputRefused` where the sheet breaks.

    Attributes:
        header: names of the columns as written, all of them different, none empty.
        line: on which the header begins.
    """

    def __init__(self, stream: BinaryIO, *, encoding: str, delimiter: str, header_row: int, keys: Keys) -> None:
        self._records = _Records(stream, encoding, delimiter, header_row)
        self.header, self._has_spare = _checked(self._records, delimiter)
        self.line = self._records.line
        self._line_end = line_end(self._records.raw())
        self._layout = Layout(len(self.header), key_of(self.header, keys), delimiter)

    def __iter__(self) -> Iterator[SheetRow]:
        """Read on. A row is handed out once the one after it shows that it does not go on there."""
        records, end = self._records, self._line_end
        width = len(self.header) if self._has_spare else MAX_RECORD
        held: SheetRow | None = None
        odd = False
        try:
            for row, cells in enumerate(records, 1):
                while len(cells) > width and not cells[-1]:
                    cells.pop()
                raw = records.raw()
                made = SheetRow(RowRef(row, records.line, _digest(raw)), cells)
                if records.has_lines or ' "' in raw or len(cells) > width:
                    made = self._looked_at(made, raw)
                if held is not None:
                    if odd or len(cells) == 1:
                        held, made = self._apart(held, made, odd=odd, alone=raw.endswith(end))
                    yield held
                held, odd = made, not raw.endswith(end)
        except InputRefused:
            if held is not None:
                yield held
            raise
        if held is not None:
            yield held

    def _looked_at(self, row: SheetRow, raw: str) -> SheetRow:
        """Return the row, with what seems to be wrong with its quotes, or stands in a column without a name."""
        cells, layout = row.cells, self._layout
        fault = swallowed(cells, row.ref.line, layout) or spaced_quote(cells, raw, layout.delimiter)
        if not fault and self._has_spare and len(cells) > layout.columns:
            fault = unnamed(cells, text_address(len(cells) - 1, row.ref.line, letters(len(cells) - 1)))
        return DamagedRow(row.ref, cells, (fault,)) if fault else row

    def _apart(self, first: SheetRow, second: SheetRow, *, odd: bool, alone: bool) -> tuple[SheetRow, SheetRow]:
        """Return two records, marked if a line end within a value seems to have cut the first from the second."""
        whole = len(first.cells) == self._layout.columns or isinstance(first, DamagedRow)
        if not whole or not torn(first.cells, second.cells, self._layout, odd=odd, alone=alone):
            return first, second
        return (
            DamagedRow(first.ref, first.cells, (cut(first.cells, second.ref.line),)),
            DamagedRow(second.ref, second.cells, (rest_of(first.ref.line, self._layout.columns - 1),)),
        )


def read_sheet(
    stream: BinaryIO, *, encoding: str = "", delimiter: str = ",", header_row: int = 0, keys: Keys = COMMON_KEYS
) -> Sheet:
    r"""Read the header of a sheet, and get ready to iterate its rows.

    Args:
        stream: is neither closed nor sought.
        encoding: name of a codec; empty for the one the byte order mark names, else UTF-8.
        delimiter: the one character between cells; a tab for TSV, whose quoting is the same.
        header_row: 1-based physical line on which the header begins; 0 for the first that is not blank, nor `sep=;`.
        keys: columns that say what a row is about.

    Raises:
        InputRefused: no header, an empty or repeated column name, a delimiter that is not this one, and everything
            that iterating may raise: bytes that are not text, an unbalanced quote, a NUL, a record over 16 MiB.
    """
    return Sheet(stream, encoding=encoding, delimiter=delimiter, header_row=header_row, keys=keys)


def find_delimiter(opened: Opened, *, encoding: str = "", header_row: int = 0, keys: Keys = COMMON_KEYS) -> str:
    """Return the delimiter of a sheet whose user did not say it, by its header: see `jobs.formats.delimiters`.

    Args:
        opened: opens the sheet anew each time.
        encoding: see `read_sheet`.
        header_row: see `read_sheet`.
        keys: see `read_sheet`.

    Raises:
        InputRefused: several could be meant, or it cannot be read at all.
    """
    with opened() as stream:
        said = declared(next(physical_lines(stream, encoding, ""), ""))
    headers: dict[str, list[str]] = {}
    for delimiter in dict.fromkeys((*DELIMITERS, *said)):
        with opened() as stream:
            names = _header_by(stream, encoding, delimiter, header_row or (len(said) and 2))
        if names is not None:
            headers[delimiter] = names
    return decided(headers, keys.names, said)


def first_lines(stream: BinaryIO, *, encoding: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield the first physical lines, with their numbers, as each delimiter parts them, without regard to quotes."""
    for line, text in enumerate(islice(physical_lines(stream, encoding, ""), LOOKED_AT), 1):
        for delimiter in DELIMITERS:
            yield line, [cell.strip('"') for cell in text.rstrip("\r\n").split(delimiter)]


def _header_by(stream: BinaryIO, encoding: str, delimiter: str, header_row: int) -> list[str] | None:
    """Return the names that one delimiter finds in the header; None if it cannot be the delimiter."""
    try:
        return next(iter(_Records(stream, encoding, delimiter, header_row)), [])
    except InputRefused as error:
        if isinstance(error.__cause__, csv.Error):
            return None
        raise


class _Records:
    """The records of a sheet, blank lines left out, each with the physical lines it was made of.

    Attributes:
        longest: characters of a record at most.
        line: 1-based physical line on which the current record began.
        skipped: physical lines before the first record.
    """

    def __init__(self, stream: BinaryIO, encoding: str, delimiter: str, header_row: int) -> None:
        if len(delimiter) != 1 or delimiter in _NO_DELIMITERS:  # what Python refuses of these varies with its version
            raise InputRefused(f"--delimiter {delimiter!r} cannot be one: it is one character, no quote or line end")
        # Process-wide, and only ever raised: a record is bounded by `_taken`, which the csv module cannot do.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
        self._lines = physical_lines(stream, encoding, "")
        self._record: list[str] = []
        self._folds = 0
        self.longest = _MAX_HEADER
        self.line = 0
        self.skipped = max(0, header_row - 1)
        self._reader = csv.reader(self._taken(), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        record = self._record
        record.clear()
        self._folds = 0
        try:
            for cells in self._reader:
                if cells:
                    yield cells
                record.clear()
                self._folds = 0
        except csv.Error as error:
            raise InputRefused(_in_plain_words(error), line=self.line) from error

    @property
    def has_lines(self) -> bool:
        """Whether the current record has more than one physical line."""
        return len(self._record) > 1 or self._folds > 0

    def raw(self) -> str:
        """Return the text of the current record, its final line end included."""
        return self._record[0] if len(self._record) == 1 else "".join(self._record)

    def _taken(self) -> Iterator[str]:
        record = self._record
        length = 0
        for number, line in enumerate(islice(self._lines, self.skipped, None), self.skipped + 1):
            if not record:
                length, self.line = 0, number
            length += len(line)
            record.append(line)
            if length > self.longest:
                raise InputRefused(
                    f"the record that begins here is longer than {self.longest >> 20} MiB: "
                    "look for a missing closing quote or line end",
                    line=self.line,
                )
            if len(record) - self._folds == _FOLD:
                record[-_FOLD:] = ["".join(record[-_FOLD:])]
                self._folds += 1
            if "\0" in line:
                raise InputRefused(
                    "a NUL character: this is no text file, or UTF-16 without its mark (then say --encoding utf-16-le)",
                    line=number,
                )
            yield line


def _checked(records: _Records, delimiter: str) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether columns without a name, left by a spreadsheet, follow."""
    try:
        header = next(iter(records), [])
    finally:  # whether it can be read as a sheet or not
        refuse_other_format(records.raw())
    if not records.skipped and declared(records.raw()):  # a line for Excel alone
        header = next(iter(records), [])
    records.longest = MAX_RECORD
    if not header and records.skipped:
        raise InputRefused(f"the input has no line {records.skipped + 1}, which --header-row says")
    if not header:
        raise InputRefused("the input is empty: its first line must name the columns")
    if len(header) == 1:
        _refuse_other_delimiter(header[0], delimiter, records.line)
    named = max((index for index, name in enumerate(header, 1) if name), default=len(header))
    return checked_names(header[:named], records.line, lambda index: str(index + 1)), named < len(header)


def _refuse_other_delimiter(name: str, delimiter: str, line: int) -> None:
    flags = [flag for other, flag in DELIMITERS.items() if other != delimiter and other in name]
    if flags:
        meant = f"If it is several, say {' or '.join(flags)}"
        one = "the header is one column"
        raise InputRefused(f"{one}, `{name}`. {meant}", line=line, outline=f"{one}. {meant}")


def line_end(raw: str) -> str:
    """Return what ends a line, or nothing."""
    return raw[len(raw.rstrip("\r\n")) :]


def _digest(raw: str) -> bytes:
    return blake2b(raw.rstrip("\r\n").encode(), digest_size=8).digest()


def _in_plain_words(error: csv.Error) -> str:
    said = str(error)
    plain = next((words for fault, words in _FAULTS.items() if fault in said), said)
    return f"{plain}. Inside a quoted cell, a quote is written twice"


def _read(delimiter: str, stream: BinaryIO, options: Options) -> Sheet:
    return read_sheet(
        stream,
        encoding=options.encoding,
        delimiter=options.delimiter or delimiter,
        header_row=options.header_row,
        keys=options.keys,
    )


def _first_rows(stream: BinaryIO, options: Options) -> Iterator[tuple[int, list[str]]]:
    return first_lines(stream, encoding=options.encoding)


def _delimiter_of(opened: Opened, options: Options) -> Mapping[str, str]:
    if options.delimiter:
        return {}
    found = find_delimiter(opened, encoding=options.encoding, header_row=options.header_row, keys=options.keys)
    return {"delimiter": found}


_TAKES: Final = frozenset({"encoding", "delimiter", "header_row"})

CSV: Final = SheetFormat(
    name="csv",
    suffixes=(".csv",),
    takes=_TAKES,
    read=partial(_read, ","),
    first_rows=_first_rows,
    resolve=_delimiter_of,
)
"""Text with a delimiter that the header shows."""

TSV: Final = SheetFormat(
    name="tsv", suffixes=(".tsv", ".tab"), takes=_TAKES, read=partial(_read, "\t"), first_rows=_first_rows
)
"""The same with a tab, which nobody has to find out."""
