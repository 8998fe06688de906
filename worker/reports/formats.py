"""The two formats that reports are written in."""

import json
import re
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring
from typing import Final

encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=float).encode
"""A value as strict JSON on one line."""


encode_text: Final = encode_basestring
"""The same of what is known to be text, which most values are."""


_QUOTED: Final = re.compile(r'[",;\t\r\n]')
"""What a cell is quoted for: semicolons and tabs as well, which a spreadsheet may take for separators beside commas."""


def csv_line(cells: Sequence[str]) -> str:
    """Return a row by RFC 4180: commas, CRLF, quotes where needed.

    To look into each cell takes a fifth of a report's time: that is done only where one may need quotes.
    """
    line = ",".join(cells)
    odd = '"' in line or ";" in line or "\r" in line or "\n" in line or "\t" in line
    if line and not odd and line.count(",") < len(cells):
        return line + "\r\n"
    if len(cells) == 1 and not line:
        return '""\r\n'  # an empty line is no row
    return ",".join([_in_quotes(cell) if _QUOTED.search(cell) else cell for cell in cells]) + "\r\n"


def _in_quotes(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Render rows as lines of CSV."""
    return "".join(map(csv_line, rows))


def csv_head(header: Sequence[str]) -> str:
    """Render the header line after a byte order mark, without which spreadsheets misread UTF-8."""
    return "\ufeff" + csv_line(header)


def json_lines(objects: Iterable[object]) -> str:
    """Render one JSON text a line."""
    return "".join([encode(each) + "\n" for each in objects])
