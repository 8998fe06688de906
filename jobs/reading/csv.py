"""CSV and TSV (RFC 4180, read strictly): binary stream to records.

Strict, because a lenient reader swallows rows at an unbalanced quote. Such a fault refuses the whole input: where the
next record begins would be a guess.
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import BinaryIO, Final

from jobs.model import RowRef, SheetRow
from jobs.reading.delimiters import DELIMITERS, decided, declared
from jobs.reading.errors import InputRefused
from jobs.reading.lines import MAX_RECORD, physical_lines

_FAULTS: Final = {
    "unexpected end of data": "a quoted cell never ends: its closing quote is missing",
    " expected after ": "text follows a closing quote",
}
_NO_DELIMITERS: Final = '"\r\n\0'


MAX_COLUMNS: Final = 16_384
"""Most columns a sheet has: those of the largest spreadsheets (A to XFD)."""

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

    def __init__(self, stream: BinaryIO, *, encoding: str, delimiter: str) -> None:
        self._records = _Records(stream, encoding, delimiter)
        self.header, self._has_spare = _checked(self._records, delimiter)
        self.line = self._records.line

    def __iter__(self) -> Iterator[SheetRow]:
        records = self._records
        width = len(self.header) if self._has_spare else MAX_RECORD
        for row, cells in enumerate(records, 1):
            while len(cells) > width and not cells[-1]:
                cells.pop()
            yield SheetRow(RowRef(row, records.line, _digest(records.raw())), cells)


def read_sheet(stream: BinaryIO, *, encoding: str = "", delimiter: str = ",") -> Sheet:
    r"""Read the header of a sheet, and get ready to iterate its rows.

    Args:
        stream: is neither closed nor sought.
        encoding: name of a codec; empty for the one the byte order mark names, else UTF-8.
        delimiter: the one character between cells; a tab for TSV, whose quoting is the same.

    Raises:
        InputRefused: no header, an empty or repeated column name, a delimiter that is not this one, and everything
            that iterating may raise: bytes that are not text, an unbalanced quote, a NUL, a record over 16 MiB.
    """
    return Sheet(stream, encoding=encoding, delimiter=delimiter)


def find_delimiter(opened: Callable[[], AbstractContextManager[BinaryIO]], *, encoding: str = "") -> str:
    """The delimiter of a sheet whose user did not say it, by its header: see `jobs.reading.delimiters`.

    Args:
        opened: opens the sheet anew each time.
        encoding: see `read_sheet`.

    Raises:
        InputRefused: several could be meant, or it cannot be read at all.
    """
    with opened() as stream:
        if said := declared(next(physical_lines(stream, encoding, ""), "")):
            return said
    headers: dict[str, list[str]] = {}
    for delimiter in DELIMITERS:
        with opened() as stream:
            names = _header_by(stream, encoding, delimiter)
        if names is not None:
            headers[delimiter] = names
    return decided(headers)


def _header_by(stream: BinaryIO, encoding: str, delimiter: str) -> list[str] | None:
    """The names in the header as one delimiter parts them; None where it cannot be the one."""
    try:
        return next(iter(_Records(stream, encoding, delimiter)), [])
    except InputRefused as error:
        if isinstance(error.__cause__, csv.Error):
            return None
        raise


class _Records:
    """The records of a sheet, blank lines left out, each with the physical lines it was made of.

    Attributes:
        longest: characters of a record at most.
        line: 1-based physical line on which the current record began.
    """

    def __init__(self, stream: BinaryIO, encoding: str, delimiter: str) -> None:
        if len(delimiter) != 1 or delimiter in _NO_DELIMITERS:  # what Python refuses of these varies with its version
            raise InputRefused(f"--delimiter {delimiter!r} cannot be one: it is one character, no quote or line end")
        # Process-wide, and only ever raised: a record is bounded by `_taken`, which the csv module cannot do.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
        self._lines = physical_lines(stream, encoding, "")
        self._record: list[str] = []
        self._folds = 0
        self.longest = _MAX_HEADER
        self.line = 0
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

    def raw(self) -> str:
        """Text of the current record, its final line end included."""
        return self._record[0] if len(self._record) == 1 else "".join(self._record)

    def _taken(self) -> Iterator[str]:
        record = self._record
        length = 0
        for number, line in enumerate(self._lines, 1):
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
    """The names of the columns, and whether columns without a name, which spreadsheets leave behind, follow them."""
    header = next(iter(records), [])
    if said := declared(records.raw()):  # a line for Excel alone
        if said != delimiter:
            raise InputRefused(
                f"the first line says `sep={said}`, --delimiter says {delimiter!r}: leave one out", line=1
            )
        header = next(iter(records), [])
    records.longest = MAX_RECORD
    if not header:
        raise InputRefused("the input is empty: its first line must name the columns")
    if len(header) == 1:
        _refuse_other_delimiter(header[0], delimiter, records.line)
    named = max((index for index, name in enumerate(header, 1) if name), default=len(header))
    return checked_names(header[:named], records.line, lambda index: str(index + 1)), named < len(header)


def checked_names(header: list[str], line: int, label: Callable[[int], str]) -> list[str]:
    """The names of columns, if each has one of its own.

    Args:
        header: the names.
        line: on which they stand.
        label: what a column without a name is called, by its 0-based position.

    Raises:
        InputRefused: there are too many, or one is empty or there twice.
    """
    if len(header) > MAX_COLUMNS:
        raise InputRefused(f"the header has {len(header):,} columns; a sheet has {MAX_COLUMNS:,} at most", line=line)
    seen: dict[str, int] = {}
    for index, name in enumerate(header):
        if not name:
            raise InputRefused(f"column {label(index)} has no name: name it, or delete it", line=line)
        if name in seen:
            both = f"columns {label(seen[name])} and {label(index)} are both `{name}`"
            raise InputRefused(both, line=line, column=name)
        seen[name] = index
    return header


def _refuse_other_delimiter(name: str, delimiter: str, line: int) -> None:
    flags = [flag for other, flag in DELIMITERS.items() if other != delimiter and other in name]
    if flags:
        raise InputRefused(f"the header is one column, `{name}`. If it is several, say {' or '.join(flags)}", line=line)


def _digest(raw: str) -> bytes:
    return blake2b(raw.rstrip("\r\n").encode(), digest_size=8).digest()


def _in_plain_words(error: csv.Error) -> str:
    said = str(error)
    plain = next((words for fault, words in _FAULTS.items() if fault in said), said)
    return f"{plain}. Inside a quoted cell, a quote is written twice"
