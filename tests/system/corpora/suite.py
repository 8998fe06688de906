"""JSONTestSuite: texts that a JSON parser must take (y), must refuse (n), or may treat as it likes (i)."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from jobs.columns import ObjectColumns, Rules
from jobs.formats import InputRefused, read_objects
from jobs.model import ObjectRow, Unsendable
from jobs.strict_json import NotStrictJSON, parse
from tests.schemas import SCHEMA
from tests.system.corpora.finding import Finding

CORPUS = "JSONTestSuite"


def findings(folder: Path) -> Iterator[Finding]:
    """One for each text. What may go either way deviates only by a crash, or by a value that is not what it says."""
    published = (folder / "data" / "parsing.js").read_text(encoding="utf-8")
    cases = json.loads(published[published.index("[") : published.rindex("]") + 1])
    for case in cases:
        name, text = case["name"].removesuffix(".json"), case["input"]
        try:
            yield Finding(CORPUS, name, _judged(name[0], text) or _as_a_line(name[0], text))
        except Exception as error:  # noqa: BLE001  # whatever comes out is what we look for
            yield Finding(CORPUS, name, repr(error), crashed=True)


def _judged(kind: str, text: str) -> str:
    """The parser that reads JSON cells and lines."""
    try:
        value = parse(text)
    except NotStrictJSON as error:
        return f"refused: {error.reason}: {error.message}" if kind == "y" else ""
    if kind == "n":
        return "taken"
    return "" if repr(value) == repr(json.loads(text)) else f"read as {value!r}"


def _as_a_line(kind: str, text: str) -> str:
    """The reader of JSON records, and what columns make of it: rows of their own, refusals of rows, or of the input."""
    columns = ObjectColumns(Rules(SCHEMA, "orders"))
    is_line = not set("\r\n") & set(text.strip("\r\n"))
    try:
        records = list(read_objects(BytesIO(text.encode("utf-8", "surrogatepass"))))
    except InputRefused:
        return "the input is refused" if kind == "y" and is_line else ""
    for record in records:
        if isinstance(record, ObjectRow):
            columns.read(record)
    refused = [record for record in records if isinstance(record, Unsendable)]
    right = bool(refused) if text.lstrip().startswith("[") else len(refused) == len(records) == 1
    if kind == "n" and text.strip() and is_line and not right:
        return f"as a line: {records}"
    return ""
