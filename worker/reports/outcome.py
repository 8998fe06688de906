"""A row's result in the reports' words: the ten reserved columns, and the members of `results.ndjson`."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from jobs.columns import RESERVED
from jobs.formats.quoting import quoted
from jobs.model import SETTLED_WELL, RowRef
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.journal import JournalDamaged, RowOutcome
from worker.reports.formats import encode_text

_ERROR: Final = '{"title":%s,"detail":%s,"code":%s,"pointer":%s,"field":%s,"cell":%s}'
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


Place = Callable[[RowRef, str], str]
"""Where the cell of a field is, in words."""


def line_of(ref: RowRef, field: str = "") -> str:  # noqa: ARG001  # where a field is, is not known everywhere
    """Name the line on which a row begins in its input."""
    return f"line {ref.line:,}"


def needs_action(fate: RowOutcome) -> bool:
    """Return whether somebody must do something about the row: such rows make up `failed.*`."""
    return fate.status not in SETTLED_WELL


def timestamp(at: float) -> str:
    """Format seconds since the epoch as RFC 3339, UTC with milliseconds; 0 means never and gives an empty text."""
    if not at:
        return ""
    try:
        milliseconds = round(at * 1000)
        return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"
    except (OverflowError, OSError, ValueError, TypeError):
        raise JournalDamaged(f"the journal holds a time that no clock shows: {at}.") from None


def message(fate: RowOutcome) -> str:
    """Return the row's message, or else the meaning of its reason."""
    if fate.message or not fate.reason:
        return fate.message
    known = REASONS.get(fate.reason)
    return known.meaning if known else ""


def render(ref: RowRef, fate: RowOutcome, request_id: str, at: float) -> tuple[list[str], str]:
    """Return the cells of `RESERVED`, quoted against spreadsheets, and the beginning of a line of `results.ndjson`.

    The latter are members of a JSON object, without its braces and without `errors`, which comes last.
    """
    words = _words(fate)
    row, line, when = str(ref.row), str(ref.line), timestamp(at)
    cells = [*words.cells, row, line, *words.reply_cells, own_text(request_id), when]
    members = (
        f'{words.members},"row":{row},"line":{line},{words.reply_members},"request_id":{encode_text(request_id)}'
        f',"at":{encode_text(when) if when else "null"}'
    )
    return cells, members


def reserved_members(ref: RowRef, fate: RowOutcome, request_id: str, at: float) -> dict[str, object]:
    """Return the values of `render` as exact JSON members of `failed.ndjson`; null for unknown ones."""
    values = (
        fate.status, fate.reason, message(fate), ";".join(fate.fields), ref.row, ref.line,
        fate.http or None, fate.attempts, request_id, timestamp(at) or None,
    )  # fmt: skip
    return dict(zip(RESERVED, values, strict=True))


def errors(ref: RowRef, fate: RowOutcome, place: Place = line_of) -> str:
    """Render the API's errors as a JSON list of objects; `place` says where the cell of a field is."""
    said = (
        (each.title, each.detail, each.code, each.pointer, each.field, place(ref, each.field) if each.field else "")
        for each in fate.errors
    )
    return f"[{','.join([_ERROR % tuple(map(encode_text, each)) for each in said])}]"


def own_text(text: str) -> str:
    """Quote a cell that is none of the user's, and replace NUL, which would keep the file from being read again."""
    return quoted(text.replace("\0", _REPLACEMENT)) if text else text


@valueclass(frozen=True, slots=True)
class _Words:
    """An outcome rendered once: the cells and members before the row number, and those about the reply after it."""

    cells: list[str]
    members: str
    reply_cells: list[str]
    reply_members: str


@lru_cache(maxsize=256)
def _words(fate: RowOutcome) -> _Words:
    said, fields = message(fate), ",".join(map(encode_text, fate.fields))
    return _Words(
        [fate.status, fate.reason, own_text(said), own_text(";".join(fate.fields))],
        f'"status":{encode_text(fate.status)},"reason":{encode_text(fate.reason)},"message":{encode_text(said)}'
        f',"fields":[{fields}]',
        [str(fate.http or ""), str(fate.attempts)],
        f'"http":{fate.http or "null"},"attempts":{fate.attempts}',
    )


@lru_cache(maxsize=64)  # neighbours are settled in the same second: a fifth of a report's time otherwise
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
