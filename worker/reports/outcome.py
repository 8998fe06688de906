"""A row's result in the reports' words: the ten reserved columns, and the members of `results.ndjson`."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from jobs.columns import RESERVED
from jobs.model import SETTLED_WELL, RowRef, RowResult
from jobs.quoting import quoted
from jobs.reasons import REASONS
from worker.journal import JournalDamaged

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


Place = Callable[[RowRef, str], str]
"""Where the cell of a field is, in words."""


def line_of(ref: RowRef, field: str = "") -> str:  # noqa: ARG001  # where a field is, is not known everywhere
    """Where a row begins in its input."""
    return f"line {ref.line:,}"


def needs_action(result: RowResult) -> bool:
    """Whether somebody must do something about the row: these rows make up `failed.*`."""
    return result.status not in SETTLED_WELL


def timestamp(at: float) -> str:
    """Seconds since the epoch as RFC 3339 UTC with milliseconds; empty for 0, which means never."""
    if not at:
        return ""
    try:
        seconds, milliseconds = divmod(round(at * 1000), 1000)
        return f"{_second(seconds)}.{milliseconds:03d}Z"
    except (OverflowError, OSError, ValueError):
        raise JournalDamaged(f"the journal holds a time that no clock shows: {at}.") from None


def message(result: RowResult) -> str:
    """What was said about the row; where nothing was, what its reason means."""
    if result.message or not result.reason:
        return result.message
    known = REASONS.get(result.reason)
    return known.meaning if known else ""


def reserved_cells(result: RowResult) -> list[str]:
    """The cells of `RESERVED`, in order, quoted against spreadsheets."""
    return [
        result.status,
        result.reason,
        own_text(message(result)),
        own_text(";".join(result.fields)),
        str(result.ref.row),
        str(result.ref.line),
        str(result.http or ""),
        str(result.attempts),
        own_text(result.request_id),
        timestamp(result.at),
    ]


def reserved_members(result: RowResult) -> dict[str, object]:
    """The same as JSON members of a line of `failed.ndjson`: exact, null where there is nothing to say."""
    values = (
        result.status, result.reason, message(result), ";".join(result.fields), result.ref.row, result.ref.line,
        result.http or None, result.attempts, result.request_id, timestamp(result.at) or None,
    )  # fmt: skip
    return dict(zip(RESERVED, values, strict=True))


def result_members(result: RowResult) -> dict[str, object]:
    """What a line of `results.ndjson` begins with; `errors`, which ends it, is apart."""
    return {
        "status": result.status,
        "reason": result.reason,
        "message": message(result),
        "fields": result.fields,
        "row": result.ref.row,
        "line": result.ref.line,
        "http": result.http or None,
        "attempts": result.attempts,
        "request_id": result.request_id,
        "at": timestamp(result.at) or None,
    }


def error_members(result: RowResult, place: Place = line_of) -> list[dict[str, str]]:
    """What the API said was wrong, one object an error; `place` says where a field's cell is."""
    return [
        {"title": each.title, "detail": each.detail, "code": each.code, "pointer": each.pointer, "field": each.field,
         "cell": place(result.ref, each.field) if each.field else ""}
        for each in result.errors
    ]  # fmt: skip


def own_text(text: str) -> str:
    """A cell of CSV that is no cell of the user's: without NUL, which would keep the file from being read again."""
    return quoted(text.replace("\0", _REPLACEMENT)) if text else text


@lru_cache(maxsize=64)  # neighbours are settled in the same second: a fifth of a report's time otherwise
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
