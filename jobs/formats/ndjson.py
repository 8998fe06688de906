"""JSON records: one object a line (NDJSON), or the elements of one array.

A broken line, or element, is the row's problem alone. What is no such input as a whole is refused once, and not line by
line: objects that are spread over lines, or stand side by side on one, and files of another format.
"""

import json
import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO, Final

from jobs.formats.arrays import elements
from jobs.formats.errors import InputRefused
from jobs.formats.format import ObjectFormat, Options
from jobs.formats.headings import COMMON_KEYS, Keys, is_header, refuse_other_format
from jobs.formats.lines import MAX_RECORD, Decoded, lines_of
from jobs.model import ObjectRow, RowRef, Unsendable
from jobs.strict_json import NotStrictJSON, parse
from jobs.texts import shortened

_BLANK: Final = " \t\r\n"
_DELIMITERS: Final = re.compile(r"[,;\t|]")
_ONE_A_LINE: Final = "needs one object a line, or one array of them"


def read_objects(stream: BinaryIO, *, encoding: str = "", keys: Keys = COMMON_KEYS) -> Iterator[ObjectRow | Unsendable]:
    """Yield the records of an NDJSON stream, or of one JSON array, in constant memory. Blank lines are no records.

    What an object means, and in which of the three shapes it is, is up to `jobs.columns.ObjectColumns`.

    Args:
        stream: is neither closed nor sought.
        encoding: name of a codec; empty for the one the byte order mark names, else UTF-8.
        keys: columns that sheets have, which this is none of.

    Yields:
        `Unsendable` for a line or an element that is not strict JSON (`bad_json`, `number_not_exact`), not an object
        (`bad_shape`) or over 16 MiB (`record_too_long`; such a line is identified by its beginning).

    Raises:
        InputRefused: unknown encoding, or bytes that are not text in it; neither lines of objects nor one array.
    """
    text = Decoded(stream, encoding)
    start = text.start()
    is_array = start.lstrip(_BLANK).startswith("[")
    if not is_array:
        _refuse_other_forms(start, keys)
    for row, (line, record) in enumerate(elements(text) if is_array else _records(text), 1):
        digest = blake2b(record.encode(), digest_size=8).digest()
        yield _read(RowRef(row, line, digest), record)


def _records(text: Decoded) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines_of(text, "\n"), 1):
        if line.strip(_BLANK):
            yield number, line.removesuffix("\n").removesuffix("\r")


def _refuse_other_forms(start: str, keys: Keys) -> None:
    """Check that an input begins as one of lines does.

    Args:
        start: of the text, as far as it is there.
        keys: columns that sheets have.

    Raises:
        InputRefused: it is of another form, which is named with the way out.
    """
    body = start.strip(_BLANK)
    first = body.partition("\n")[0].strip(_BLANK)
    line = start[: start.find(body)].count("\n") + 1
    if first.startswith("<"):
        refuse_other_format(first, line)
    if is_header([name.strip('"') for name in _DELIMITERS.split(first)], keys):
        raise InputRefused(
            f"this is no JSON, but looks like CSV ({shortened(first)}): say --format csv", line=line,
            outline="this is no JSON, but looks like CSV: say --format csv",
        )  # fmt: skip
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    if "\n" in body[:end]:
        listed = " Or send the list in it: jq -c '.data[]'" if isinstance(value.get("data"), list) else ""
        raise InputRefused(
            f"an object is spread over several lines; NDJSON {_ONE_A_LINE}. To rewrite it: jq -c . FILE.{listed}",
            line=line,
        )
    if first[end:].lstrip().startswith("{"):
        raise InputRefused(f"objects stand side by side; NDJSON {_ONE_A_LINE}. To rewrite it: jq -c . FILE", line=line)


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


def _records_of(stream: BinaryIO, options: Options) -> Iterator[ObjectRow | Unsendable]:
    return read_objects(stream, encoding=options.encoding, keys=options.keys)


NDJSON: Final = ObjectFormat(
    name="ndjson",
    suffixes=(".ndjson", ".jsonl", ".json"),
    takes=frozenset({"encoding", "delimiter"}),  # a delimiter changes nothing, and has never been refused
    read=_records_of,
)
"""Objects, one a line or in one array."""
