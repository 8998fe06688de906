"""The two formats that reports are written in."""

import csv
import json
from collections.abc import Iterable
from io import StringIO
from typing import Final

encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""A value as strict JSON on one line."""


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """RFC 4180: commas, CRLF, quotes where needed."""
    buffer = StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def csv_head(header: Iterable[str]) -> str:
    """Byte-order mark, without which spreadsheets misread UTF-8, and header line."""
    return "\ufeff" + csv_text([header])


def json_lines(objects: Iterable[object]) -> str:
    """One JSON text a line."""
    return "".join([encode(each) + "\n" for each in objects])
