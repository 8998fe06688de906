"""The input: copied into the run once and hashed, then streamed as often as needed.

The copy is what the run works from: a sheet that is edited or moved while a run is going on, or before it is resumed,
changes nothing that is not noticed.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.formats import (
    LOOKED_AT,
    InputRefused,
    Sheet,
    Workbook,
    WorkbookRow,
    WorkbookSheet,
    find_delimiter,
    first_lines,
    later_header,
    read_objects,
    read_sheet,
    read_workbook,
)
from jobs.model import SheetRow, Unsendable, UpdateJob
from jobs.texts import shortened
from worker.settings import ConfigError, Input

_CHUNK: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"

HARMLESS: Final = 4 << 30
"""Bytes of unpacked data that are read however well they were compressed."""

RATIO: Final = 200
"""Times its size to which larger compressed data may unpack; real sheets reach 5 to 30."""

FORMATS: Final = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".xlsx": "xlsx",
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson",
}  # fmt: skip
"""Format by file name, after a trailing `.gz` is taken off."""

HIDDEN: Final = "hidden"
"""Reason of a row that `is_left_out`."""

_FOREIGN: Final = {".xls", ".xlsm", ".xlsb", ".ods", ".numbers"}
"""Sheets of other formats."""

_CHOICE: Final = "--format csv, tsv, ndjson or xlsx"


def guess_format(source: str) -> str:
    """The format that the file's name says.

    Raises:
        ConfigError: it says none, or it is standard input.
    """
    if source == "-":
        raise ConfigError(f"Standard input has no name to tell its format: pass {_CHOICE}.")
    name = Path(source.removesuffix(".gz"))
    suffix = name.suffix.lower()
    if suffix in _FOREIGN:
        raise ConfigError(
            f"{suffix} is not read: open {source} in a spreadsheet program and save it as an Excel workbook (.xlsx)."
        )
    found = FORMATS.get(suffix)
    if found is None:
        raise ConfigError(f"Cannot tell the format of {source}: pass {_CHOICE}.")
    return found


@dataclass(frozen=True, slots=True)
class Spooled:
    """The input as the run holds it. `sha256` is over the bytes of the file as given, compressed or not."""

    path: Path
    sha256: str
    size: int


def spool(stream: BinaryIO, directory: Path, format_name: str) -> Spooled:
    """Copy the input into the run directory while hashing it, durably."""
    first = stream.read(_CHUNK)
    suffix = ".gz" if first.startswith(_GZIP_MAGIC) else ""
    path = directory / f"input.{format_name}{suffix}"
    draft = directory / "input.new"
    digest, size, chunk = hashlib.sha256(), 0, first
    with open(draft, "wb", opener=_private) as copy:  # only this one takes an opener
        while chunk:
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
            chunk = stream.read(_CHUNK)
        copy.flush()
        os.fsync(copy.fileno())
    draft.rename(path)
    return Spooled(path, digest.hexdigest(), size)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def spooled_in(directory: Path, format_name: str) -> Path:
    """Where `spool` put the input.

    Raises:
        InputRefused: it is no longer there.
    """
    for path in (directory / f"input.{format_name}", directory / f"input.{format_name}.gz"):
        if path.is_file():
            return path
    raise InputRefused(f"{directory} has lost its copy of the input (input.{format_name}); the run cannot go on.")


class _Unpacked(gzip.GzipFile):
    """Unpacked data that is read as a stream, but not without end."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(fileobj=raw)
        self._most = max(HARMLESS, RATIO * os.fstat(raw.fileno()).st_size)
        self._given = 0

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes.

        Raises:
            InputRefused: they have become too many.
        """
        data = super().read(size)
        self._given += len(data)
        if self._given > self._most:
            raise InputRefused(
                f"the gzip data unpacks to more than {RATIO} times its size: no sheet is like that. If it is one, "
                "unpack it and apply that."
            )
        return data


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The input's bytes, decompressed if need be.

    Raises:
        InputRefused: the compressed data is damaged, or grows as none does.
    """
    with path.open("rb") as raw:
        compressed = raw.peek(2).startswith(_GZIP_MAGIC)
        stream: BinaryIO = _Unpacked(raw) if compressed else raw  # type: ignore[assignment]  # reads alike
        try:
            yield stream
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputRefused(f"the gzip data is damaged or cut off ({error}); compress the file again.") from None


def understood(path: Path, how: Input) -> Input:
    """The settings with what the input itself says: which delimiter, which sheet. They are what the journal keeps.

    Raises:
        InputRefused: it could be meant in more than one way, or cannot be read at all.
    """
    if how.format == "csv" and not how.delimiter:
        try:
            found = find_delimiter(lambda: opened(path), encoding=how.encoding, header_row=how.header_row or 0)
        except InputRefused:
            refuse_lines_above(path, how)
            raise
        return how.model_copy(update={"delimiter": found})
    if how.format == "xlsx":
        with path.open("rb") as stream:  # as it is: one that is compressed once more could not be read back and forth
            return how.model_copy(update={"sheet": Workbook(stream, _scratch).chosen(how.sheet).name})
    return how


def refuse_lines_above(path: Path, how: Input) -> None:
    """Say where the header of an input is that is refused, if it is not where it was looked for.

    Raises:
        InputRefused: a later row looks like the header.
    """
    if how.header_row or how.format == "ndjson":
        return
    found = None
    with suppress(InputRefused), opened(path) as stream:
        found = _later_header(stream, how)
    if found:
        line, names = found
        word = "row" if how.format == "xlsx" else "line"
        raise InputRefused(
            f"this is no header, but {word} {line} looks like it ({shortened(', '.join(names))}): say"
            f" --header-row {line}, or delete what stands above it"
        )


def _later_header(stream: BinaryIO, how: Input) -> tuple[int, list[str]] | None:
    if how.format != "xlsx":
        return later_header(first_lines(stream, encoding=how.encoding))
    workbook = Workbook(stream, _scratch)
    with workbook.lines(workbook.chosen(how.sheet)) as (_, lines):
        return later_header((line.number, line.cells) for line in islice(lines, LOOKED_AT))


def _scratch() -> BinaryIO:
    """A file without a name, for texts of a workbook that do not fit into memory."""
    return TemporaryFile()


def sheet_of(stream: BinaryIO, how: Input) -> Sheet | WorkbookSheet:
    """The sheet of an input that is one, its header read: CSV, TSV or XLSX.

    Raises:
        InputRefused: it cannot be read.
    """
    if how.format == "xlsx":
        row, visible = how.header_row or 0, how.visible_only
        return read_workbook(stream, sheet=how.sheet, scratch=_scratch, header_row=row, visible_only=visible)
    return read_sheet(stream, encoding=how.encoding, delimiter=delimiter(how), header_row=how.header_row or 0)


def is_left_out(row: SheetRow, how: Input) -> bool:
    """Return whether the spreadsheet hides the row, and only visible ones are wanted."""
    return how.visible_only and isinstance(row, WorkbookRow) and row.hidden


def delimiter(how: Input) -> str:
    """What separates cells."""
    return how.delimiter or ("\t" if how.format == "tsv" else ",")


def rules(how: Input, type_name: str) -> Rules:
    """The settings that say what cells mean."""
    return Rules(
        type=type_name,
        clear_token=how.clear_token,
        refuse_members=how.blind and how.metadata == "merge",
        allow_triggers=frozenset(how.allow_triggers),
        resend_unknown=how.resend_unknown,
    )


def header(path: Path, how: Input) -> list[str]:
    """Names of the columns; none for NDJSON."""
    if how.format == "ndjson":
        return []
    with opened(path) as stream:
        return sheet_of(stream, how).header


def check_columns(names: list[str], how: Input, type_name: str) -> None:
    """Refuse a header that cannot be understood, before anything is sent.

    Raises:
        InputRefused: naming the column and what to do.
    """
    if how.format == "ndjson":
        ObjectColumns(rules(how, type_name))
    else:
        SheetColumns(names, rules(how, type_name))


def jobs(
    stream: BinaryIO, how: Input, type_name: str, wanted: Callable[[int], bool]
) -> Iterator[UpdateJob | Unsendable]:
    """The wanted rows of the input, in order, as what each asks for or why it cannot be sent; in constant memory.

    Args:
        stream: the input's bytes, decompressed.
        how: how it is read.
        type_name: resource type of rows that do not name one.
        wanted: whether the row of that number is to be looked at; the others are only counted.
    """
    if how.format == "ndjson":
        objects = ObjectColumns(rules(how, type_name))
        for record in read_objects(stream, encoding=how.encoding):
            if wanted(record.ref.row):
                yield record if isinstance(record, Unsendable) else objects.read(record)
        return
    sheet = sheet_of(stream, how)
    columns = SheetColumns(sheet.header, rules(how, type_name))
    for row in sheet:
        if wanted(row.ref.row):
            yield Unsendable(row.ref, HIDDEN) if is_left_out(row, how) else columns.read(row)
