"""NDJSON: one JSON object per line. A broken line is the row's problem alone: the next one begins at the next LF."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO

from jobs.model import ObjectRow, RowRef, Unsendable
from jobs.reading.lines import MAX_RECORD, physical_lines
from jobs.strict_json import NotStrictJSON, parse
from jobs.texts import shortened

_BLANK = " \t\r\n"


def read_objects(stream: BinaryIO, *, encoding: str = "") -> Iterator[ObjectRow | Unsendable]:
    """Yield the records of an NDJSON stream, in constant memory. Blank lines are no records.

    What an object means, and in which of the three shapes it is, is up to `jobs.columns.ObjectColumns`.

    Args:
        stream: is neither closed nor sought.
        encoding: name of a codec; empty for the one the byte order mark names, else UTF-8.

    Yields:
        `Unsendable` for a line that is not strict JSON (`bad_json`, `number_not_exact`), not an object (`bad_shape`) or
        over 16 MiB (`record_too_long`; such a line is identified by its beginning).

    Raises:
        InputRefused: unknown encoding, or bytes that are not text in it.
    """
    for row, (line, text) in enumerate(_records(stream, encoding), 1):
        digest = blake2b(text.encode(), digest_size=8).digest()
        yield _read(RowRef(row, line, digest), text)


def _records(stream: BinaryIO, encoding: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(physical_lines(stream, encoding, "\n"), 1):
        if line.strip(_BLANK):
            yield number, line.removesuffix("\n").removesuffix("\r")


def _read(ref: RowRef, text: str) -> ObjectRow | Unsendable:
    if len(text) > MAX_RECORD:
        return _broken(ref, "record_too_long", "the line is longer than 16 MiB", text)
    try:
        value = parse(text)
    except NotStrictJSON as error:
        return _broken(ref, error.reason, error.message, text)
    if not isinstance(value, dict):
        return _broken(ref, "bad_shape", "the line is JSON, but not an object: an update looks like {…}", text)
    return ObjectRow(ref, value)


def _broken(ref: RowRef, reason: str, message: str, text: str) -> Unsendable:
    return Unsendable(ref, reason, f"line {ref.line}, {message}", cell=shortened(text))
