"""Replace what differs from one run of a command to the next, and nothing else.

A value of the sheet keeps its bytes. A stamp counts as the program's own where a line of the log begins with it, and
where it has a fraction of a second, which no sheet of a golden story has.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TIME: Final = "<time>"
SECONDS: Final = "<seconds>"
REQUEST: Final = "<request>"
FOLDER: Final = "<folder>"
URL: Final = "<url>"
WHO: Final = "<who>"
VERSION: Final = "<version>"

_STAMP: Final = re.compile(
    r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?= [a-z_]+ )", re.MULTILINE
)
_DURATION: Final = re.compile(r'("(?:elapsed_s|longest_gap_s)":\s?)\d+(?:\.\d+)?(?:e-?\d+)?')
_REQUEST_ID: Final = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{32}(?![0-9a-zA-Z])")

_OF_COLUMNS: Final[Mapping[tuple[str, str], str]] = {
    ("attempt", "at"): TIME,
    ("pace", "at"): TIME,
    ("process", "last_at"): TIME,
    ("process", "started_at"): TIME,
    ("result", "at"): TIME,
    ("result", "request_id"): REQUEST,
}
"""Columns of the journal that differ. One that is zero or empty stays so: that is a value too."""

_OF_FACTS: Final[Mapping[str, str]] = {"longest_gap": SECONDS, "who": WHO, "version": VERSION}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a command ran.

    Attributes:
        folder: absolute path of its working directory.
        url: origin of its server.
    """

    folder: str
    url: str

    def normal(self, text: str) -> str:
        """Replace the folder, the origin, stamps, durations and request ids."""
        text = text.replace(self.folder, FOLDER).replace(self.url, URL)
        text = _STAMP.sub(TIME, text)
        text = _DURATION.sub(rf"\1{SECONDS}", text)
        return _REQUEST_ID.sub(REQUEST, text)

    def normal_row(self, table: str, columns: Sequence[str], row: Sequence[object]) -> list[object]:
        """Return one row of a journal's table as JSON values; bytes become hexadecimal digits.

        Args:
            table: its name.
            columns: names of its columns.
            row: the values, one a column.
        """
        fact = _OF_FACTS.get(str(row[0])) if table == "fact" else None
        return [
            fact if fact and column == "value" else self._normal_value((table, column), value)
            for column, value in zip(columns, row, strict=True)
        ]

    def _normal_value(self, place: tuple[str, str], value: object) -> object:
        if value and place in _OF_COLUMNS:
            return _OF_COLUMNS[place]
        if isinstance(value, bytes):
            return value.hex()
        return self.normal(value) if isinstance(value, str) else value
