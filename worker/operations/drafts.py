"""Drafts of recipes: a sheet's encoding, delimiter and header, as far as they can be seen."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from jobs.apis.schema import Schema
from jobs.formats import COMMON_KEYS, InputRefused, ObjectFormat
from jobs.model import ObjectRow
from jobs.recipe.draft import Seen, draft
from jobs.values import valueclass
from worker.files import source
from worker.settings import ConfigError, Input

_ROWS: Final = 1000
"""Rows that are looked at."""

_TOP: Final = 10
"""Lines among which the header is looked for."""

_DELIMITERS: Final = (",", ";", "\t", "|")


@valueclass(frozen=True, slots=True)
class _Read:
    """A sheet as it was read in one way."""

    how: Input
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def evenness(self) -> tuple[float, int]:
        """Return which way of reading is the likelier: rows as long as the header, and many columns."""
        even = sum(len(row) == len(self.header) for row in self.rows)
        return even / max(len(self.rows), 1), len(self.header)


def drafted(path: Path, name: str, how: Input, type_name: str, api: str, schema: Schema) -> str:
    """Return the draft of a recipe for a sheet. Blocks.

    Args:
        path: of the sheet.
        name: of the sheet, as the recipe calls it.
        how: what the user said of it.
        type_name: of its records; may be empty.
        api: as the user named it; may be empty.
        schema: of that API.

    Raises:
        ConfigError: the sheet cannot be read.
    """
    try:
        found = _best(path, how)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from None
    reading = {
        name: value
        for name in ("format", "encoding", "delimiter", "sheet", "header_row")
        if (value := getattr(found.how, name)) and not (name == "format" and source.format_named(str(path)) == value)
    }
    settings = {name: value for name, value in (("api", api), ("type", type_name)) if value}
    kind = schema.resource_type(type_name)
    known = {"id", "type", *(schema.keys(type_name) if kind else ()), *(kind.attributes if kind else ())}

    def field_of(name: str) -> str:
        base = name.partition(":")[0]
        return name if base in known or base == "reference" or base.startswith("metadata.") else ""

    return draft(Seen(name, found.header, found.rows, settings, reading), field_of)


def _best(path: Path, how: Input) -> _Read:
    form = source.format_of(how)
    if isinstance(form, ObjectFormat):
        with source.opened(path) as stream:
            options = source.options_of(how, COMMON_KEYS)
            rows = [row.members for row in islice(form.read(stream, options), _ROWS) if isinstance(row, ObjectRow)]
        header = list(dict.fromkeys(name for row in rows for name in row))
        return _Read(how, header, [[str(row.get(name, "")) for name in header] for row in rows])
    read: list[_Read] = []
    refused = ""
    for each in _ways(how):
        try:
            read.append(_sheet(path, each))
        except InputRefused as error:
            refused = refused or str(error)
    if not read:
        raise ConfigError(f"{path} cannot be read: {refused}")
    return max(read, key=lambda one: one.evenness)  # the first of equals


def _ways(how: Input) -> Iterator[Input]:
    takes = source.format_of(how).takes
    for encoding in ("", "cp1252") if "encoding" in takes and not how.encoding else (how.encoding,):
        for delimiter in _DELIMITERS if "delimiter" in takes and not how.delimiter else (how.delimiter,):
            for line in range(1, _TOP + 1) if how.header_row is None else (how.header_row,):
                row = line if line > 1 or how.header_row else None
                yield how.model_copy(update={"encoding": encoding, "delimiter": delimiter, "header_row": row})


def _sheet(path: Path, how: Input) -> _Read:
    form = source.format_of(how)
    assert not isinstance(form, ObjectFormat)  # noqa: S101  # the caller has looked
    how = source.resolve_options(path, how, COMMON_KEYS)
    with path.open("rb") if form.seeks else source.opened(path) as stream:
        table = form.read(stream, source.options_of(how, COMMON_KEYS))
        return _Read(how, table.header, [row.cells for row in islice(table, _ROWS)])
