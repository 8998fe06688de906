"""The input: copied into the run once and hashed, then streamed as often as needed.

The copy is what the run works from: a sheet that is edited or moved while a run is going on, or before it is resumed,
changes nothing that is not noticed.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

from jobs.apis.schema import Schema
from jobs.changes.diff import CompareRules
from jobs.changes.overtaking import touched
from jobs.columns import Rules, keys_of
from jobs.formats import (
    COMMON_KEYS,
    FORMATS,
    Format,
    InputRefused,
    Keys,
    ObjectFormat,
    Options,
    SheetFormat,
    WorkbookRow,
    later_header,
)
from jobs.model import SheetRow, Unsendable, UpdateJob
from jobs.recipe.columns import Objects, ViewedColumns, ViewedObjects, object_columns, sheet_columns
from jobs.recipe.fields import NOTHING_PRIVATE, Private, private_of
from jobs.recipe.view import own_keys
from jobs.texts import either, shortened
from jobs.values import valueclass
from worker.settings import ConfigError, Input, Settings

_CHUNK: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"

HARMLESS: Final = 4 << 30
"""Bytes of unpacked data that are read however well they were compressed."""

RATIO: Final = 200
"""Times its size to which larger compressed data may unpack; real sheets reach 5 to 30."""

HIDDEN: Final = "hidden"
"""Reason of a row that `is_left_out`."""

_FOREIGN: Final = {".xls", ".xlsm", ".xlsb", ".ods", ".numbers"}
"""Sheets of other formats."""


def format_named(source: str) -> str:
    """Return the format that a file's name says, after a trailing `.gz` is taken off; empty if it says none."""
    suffix = Path(source.removesuffix(".gz")).suffix.lower()
    return next((name for name, form in FORMATS.items() if suffix in form.suffixes), "")


def guess_format(source: str) -> str:
    """Return the format that a file's name says.

    Raises:
        ConfigError: it says none, or it is standard input.
    """
    choice = f"--format {either(FORMATS)}"
    if source == "-":
        raise ConfigError(f"Standard input has no name to tell its format: pass {choice}.")
    if found := format_named(source):
        return found
    suffix = Path(source.removesuffix(".gz")).suffix.lower()
    if suffix in _FOREIGN:
        raise ConfigError(
            f"{suffix} is not read: open {source} in a spreadsheet program and save it as an Excel workbook (.xlsx)."
        )
    raise ConfigError(f"Cannot tell the format of {source}: pass {choice}.")


@valueclass(frozen=True, slots=True)
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
    """Find the copy of the input that `spool` made.

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
        """Return the next bytes.

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
    """Open the input's bytes, decompressed if need be.

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


def read_of(stream: BinaryIO) -> tuple[int, int]:
    """Return how many bytes of the file under an `opened` stream are read, and how many it has."""
    raw: Any = stream.fileobj if isinstance(stream, _Unpacked) else stream
    return raw.tell(), os.fstat(raw.fileno()).st_size


def format_of(how: Input) -> Format:
    """Return the format of an input."""
    return FORMATS[how.format]


def options_of(how: Input, keys: Keys) -> Options:
    """Return the settings that a format reads by; `keys` are the columns that say what a row is about."""
    keys = _own(how, keys)
    return Options(how.encoding, how.delimiter, how.sheet, how.header_row or 0, how.visible_only, keys, _scratch)


def _own(how: Input, keys: Keys) -> Keys:
    """Return what the input itself calls the columns that say what a row is about."""
    return keys if how.view is None else own_keys(how.view, keys)


def sheet_name(how: Input) -> str:
    """Return the name of the sheet by which cells are addressed; empty where they are addressed by their lines."""
    form = format_of(how)
    return how.sheet if isinstance(form, SheetFormat) and form.in_workbook else ""


def resolve_options(path: Path, how: Input, keys: Keys = COMMON_KEYS) -> Input:
    """Return the settings with what the input itself says: which delimiter, which sheet. The journal keeps them.

    Raises:
        InputRefused: it could be meant in more than one way, or cannot be read at all.
    """
    form = format_of(how)
    if isinstance(form, ObjectFormat):
        return how
    try:
        found = form.resolve(lambda: _opened_for(form, path), options_of(how, keys))
    except InputRefused:
        refuse_lines_above(path, how, keys)
        raise
    return how.model_copy(update=dict(found))


def refuse_lines_above(path: Path, how: Input, keys: Keys) -> None:
    """Say where the header of an input is that is refused, if it is not where it was looked for.

    Raises:
        InputRefused: a later row looks like the header.
    """
    form = format_of(how)
    if how.header_row or isinstance(form, ObjectFormat):
        return
    found = None
    with suppress(InputRefused), _opened_for(form, path) as stream:
        found = later_header(form.first_rows(stream, options_of(how, keys)), _own(how, keys))
    if found:
        line, names = found
        word = "row" if form.in_workbook else "line"
        looks = f"this is no header, but {word} {line} looks like it"
        way_out = f"say --header-row {line}, or delete what stands above it"
        raise InputRefused(f"{looks} ({shortened(', '.join(names))}): {way_out}", outline=f"{looks}: {way_out}")


def _opened_for(form: SheetFormat, path: Path) -> AbstractContextManager[BinaryIO]:
    """Open the input: as it is for a format that reads back and forth, which unpacked data cannot be."""
    return path.open("rb") if form.seeks else opened(path)


def _scratch() -> BinaryIO:
    """Make a file without a name, for texts of a workbook that do not fit into memory."""
    return TemporaryFile()


def is_left_out(row: SheetRow, how: Input) -> bool:
    """Return whether the spreadsheet hides the row, and only visible ones are wanted."""
    return how.visible_only and isinstance(row, WorkbookRow) and row.hidden


def rules(how: Input, type_name: str, schema: Schema) -> Rules:
    """Return what says what cells mean."""
    return Rules(
        schema,
        type=type_name,
        clear_token=how.clear_token,
        refuse_members=how.blind and how.metadata == "merge",
        allow_triggers=frozenset(how.allow_triggers),
        resend_unknown=how.resend_unknown,
        replace=how.metadata == "replace",
        blind=how.blind,
    )


def private(how: Input, type_name: str, schema: Schema) -> Private:
    """Return the fields of which nobody is shown a value: what shows values, or keeps words about them, asks here.

    Raises:
        ConfigError: the type of the records is not known, so that nobody knows what the names of fields mean.
    """
    if how.view is None:
        return Private(paths=frozenset(how.private)) if how.private else NOTHING_PRIVATE
    if how.view.private and not type_name:
        raise ConfigError("Columns with `private` need to know of which type the records are: add `type`.")
    return private_of(how.view, rules(how, type_name, schema))


def made(label: str, settings: Settings, schema: Schema) -> Input:
    """Return how rows are read that a run makes of what another one knows; they are as private as those of that one.

    Args:
        label: what to call the input.
        settings: of the other run.
        schema: of the API.
    """
    hidden = private(settings.input, settings.target.type, schema)
    return Input(source=label, format="ndjson", encoding="utf-8", private=tuple(sorted(hidden.paths)))


def terms(how: Input, schema: Schema) -> CompareRules:
    """Return how rows are compared with their records."""
    return CompareRules(schema, how.metadata == "replace")


def header(path: Path, how: Input, keys: Keys) -> list[str]:
    """Return the names of the columns; none of objects."""
    form = format_of(how)
    if isinstance(form, ObjectFormat):
        return []
    with opened(path) as stream:
        return form.read(stream, options_of(how, keys)).header


def view_names(path: Path, how: Input, type_name: str, schema: Schema) -> list[str]:
    """Return the names that a recipe gives the columns of a sheet; none of objects."""
    names = header(path, how, keys_of(type_name, schema))
    if how.view is None or not names:
        return []
    return ViewedColumns(how.view, names, rules(how, type_name, schema)).view.header


def check_columns(names: list[str], how: Input, type_name: str, schema: Schema) -> None:
    """Refuse a header that cannot be understood, before anything is sent.

    Raises:
        InputRefused: naming the column and what to do.
    """
    if isinstance(format_of(how), ObjectFormat):
        object_columns(rules(how, type_name, schema), how.view)
    else:
        sheet_columns(names, rules(how, type_name, schema), how.view)


def jobs(
    stream: BinaryIO,
    how: Input,
    type_name: str,
    schema: Schema,
    wanted: Callable[[int], bool],
    *,
    clearing: bool = False,
) -> Iterator[UpdateJob | Unsendable]:
    """Yield the wanted rows in order, as what each asks for or why it cannot be sent; in constant memory.

    Args:
        stream: the input's bytes, decompressed.
        how: how it is read.
        type_name: resource type of rows that do not name one.
        schema: of the API that the rows are for.
        wanted: whether the row of that number is to be looked at; the others are only counted.
        clearing: empty cells clear where the recipe says so; what only they clear is `emptied` in the job.
    """
    form, options = format_of(how), options_of(how, keys_of(type_name, schema))
    if isinstance(form, ObjectFormat):
        objects = object_columns(rules(how, type_name, schema), how.view)
        for record in form.read(stream, options):
            if wanted(record.ref.row):
                yield _owned(record, objects) if isinstance(record, Unsendable) else objects.read(record)
        return
    sheet = form.read(stream, options)
    columns = sheet_columns(sheet.header, rules(how, type_name, schema), how.view)
    read = columns.read
    if clearing and isinstance(columns, ViewedColumns):
        read = partial(_read_clearing, columns, terms(how, schema))
    for row in sheet:
        if wanted(row.ref.row):
            yield Unsendable(row.ref, HIDDEN) if is_left_out(row, how) else read(row)


def _owned(refused: Unsendable, objects: Objects) -> Unsendable:
    """Return a line that is no object as the recipe lets it be shown."""
    return objects.view.own(refused) if isinstance(objects, ViewedObjects) else refused


def _read_clearing(columns: ViewedColumns, by: CompareRules, row: SheetRow) -> UpdateJob | Unsendable:
    """Return what a row asks for whose empty cells clear; what only they clear is told apart."""
    found = columns.read_clearing(row)
    if isinstance(found, Unsendable) or not found.emptied:
        return found if isinstance(found, Unsendable) else found.job
    said = columns.read(row)
    own = touched(said, by) if isinstance(said, UpdateJob) else frozenset()
    return replace(found.job, emptied=touched(found.job, by) - own)


@valueclass(frozen=True, slots=True)
class Surveyed:
    """A row of an input that a recipe shows, as far as it counts before anything is read.

    Attributes:
        record: type, key and reference of its record; None for a row that may be about any record.
        found: what it asks for, or why it is not sent.
        filled: names of the columns in which it says something.
    """

    record: tuple[str, str, str] | None
    found: UpdateJob | Unsendable
    filled: Sequence[str]

    @property
    def is_row(self) -> bool:
        """Whether it is a row at all."""
        return isinstance(self.found, UpdateJob) or self.found.reason not in NO_ROW


NO_ROW: Final = frozenset({"comment", "empty_row", "repeated_header", HIDDEN})
"""Reasons of what is no row of the job."""


def surveyed(stream: BinaryIO, how: Input, type_name: str, schema: Schema) -> Iterator[Surveyed]:
    """Yield every row of an input that a recipe shows; in constant memory.

    Args:
        stream: the input's bytes, decompressed.
        how: how it is read; it has a view.
        type_name: resource type of rows that do not name one.
        schema: of the API that the rows are for.
    """
    form, options = format_of(how), options_of(how, keys_of(type_name, schema))
    assert how.view is not None  # noqa: S101  # a recipe always has one
    if isinstance(form, ObjectFormat):
        objects = ViewedObjects(how.view, rules(how, type_name, schema))
        for record in form.read(stream, options):
            if isinstance(record, Unsendable):
                yield Surveyed(None, _owned(record, objects), ())
            else:
                yield Surveyed(objects.named(record), objects.read(record), objects.filled(record))
        return
    sheet = form.read(stream, options)
    columns = ViewedColumns(how.view, sheet.header, rules(how, type_name, schema))
    for row in sheet:
        found = Unsendable(row.ref, HIDDEN) if is_left_out(row, how) else columns.read(row)
        yield Surveyed(columns.named(row), found, columns.filled(row))
