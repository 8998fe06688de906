"""One row of a plan as text: what each edit does, its values in words, its lines in `plan.csv` and `plan.ndjson`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from rich.cells import cell_len
from rich.text import Text

from jobs.apis.schema import Schema
from jobs.changes.edits import column_of, in_columns
from jobs.model import JSON, Absent, Edit, RowRef, Status, Unread
from jobs.reasons import REASONS
from worker.journal import Planned
from worker.reports.keys import KeyNames
from worker.reports.outcome import own_text

HEADER: Final = ("row", "line", "type", "id", "column", "before", "after", "note")

Note = Literal["new", "change", "clear", "type changes"]

NOT_REACHED: Final = "not_reached"
"""Reason of a row that an incomplete plan says nothing of."""

_QUIET: Final = frozenset({Status.UNCHANGED, Status.SKIPPED})
_LEAD: Final = 2
"""Characters before the first difference that are kept of values whose common beginning is left out."""


def is_sent(planned: Planned) -> bool:
    """Return whether the row would be sent."""
    return planned.status is Status.PENDING and planned.reason != NOT_REACHED


def note_of(edit: Edit) -> Note:
    """Return what an edit does. It clears if nothing will stand where something stands, or may stand."""
    if isinstance(edit.after, Absent) or (_is_nothing(edit.after) and not _is_nothing(edit.before)):
        return "clear"
    if _is_nothing(edit.before):
        return "new"
    if isinstance(edit.before, Unread) or type_name(edit.before) == type_name(edit.after):
        return "change"
    return "type changes"


def type_name(value: JSON | Absent | Unread) -> str:
    """Name the JSON type of a value."""
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "list" if isinstance(value, Sequence) else "nothing"


def sides(edit: Edit) -> tuple[str, str]:
    """Render a value before and after, for people: text in quotes, so that 7 and "7" can be told apart.

    A tag, or an element of a set, has one side only: it is added to the others, or removed from them.
    """
    clears = note_of(edit) == "clear"
    if edit.path[0] == "elements":
        return "", edit.path[2]
    if edit.path[0] == "tags":
        return "", f"{'removes' if clears else 'adds'} {_quoted(edit.path[1])}"
    if clears:
        return _shown(edit, edit.before), "removed" if isinstance(edit.after, Absent) else "cleared"
    return _shown(edit, edit.before), "null" if edit.after is None else _shown(edit, edit.after)


def fitted(before: str, after: str, room: int) -> tuple[str, str]:
    """Shorten two texts to `room` terminal cells together; if they begin alike, keep their difference in sight."""
    needed = cell_len(before), cell_len(after)
    if sum(needed) <= room:
        return before, after
    half = room // 2
    left = min(needed[0], max(half, room - needed[1]))
    right = min(needed[1], room - left)
    alike = _alike(before, after)
    drop = alike - max(_LEAD, half - 1 - max(len(before), len(after)) + alike)
    if drop > 1 and alike + _LEAD > min(left, right):
        return fitted("…" + before[drop:], "…" + after[drop:], room)
    return cut(before, left), cut(after, right)


def cut(text: str, width: int) -> str:
    """Cut `text` to `width` terminal cells; an ellipsis at the end shows that something is missing."""
    if len(text) <= width and cell_len(text) <= width:
        return text
    short = Text(text[: 2 * width + 1])  # beyond that, nothing would be seen
    short.truncate(width, overflow="ellipsis")
    return short.plain


def table_lines(ref: RowRef, planned: Planned, names: KeyNames | None = None) -> Iterator[list[str]]:
    """Yield the row's lines of `plan.csv`: one a value, or why it cannot be sent; none if nothing changes.

    Args:
        ref: of the row.
        planned: what would become of it, as the columns of a sheet say it.
        names: of the parts of keys, each a cell at the end; None for an API whose records have an `id` alone.
    """
    end = list(map(own_text, names.cells(planned.type, planned.id))) if names else []
    for line in _lines(ref, planned):
        yield line + end


def _lines(ref: RowRef, planned: Planned) -> Iterator[list[str]]:
    start = [str(ref.row), str(ref.line), own_text(planned.type), own_text(planned.id)]
    if not is_sent(planned):
        if planned.status not in _QUIET:
            note = f"{planned.reason}: {said(planned)}"
            yield [*start, own_text(";".join(planned.fields)), "", "", own_text(note)]
        return
    for edit in planned.edits:
        values = own_text(_cell(edit, edit.before)), own_text(_cell(edit, edit.after))
        yield [*start, own_text(column_of(edit)), *values, note_of(edit)]
    for name in planned.unread:
        yield [*start, own_text(name), "", "", "always sent"]
    if planned.message:  # a night tells of fields that it leaves as they are, or sends over a change
        yield [*start, own_text(";".join(planned.fields)), "", "", own_text(planned.message)]


def members(ref: RowRef, planned: Planned, schema: Schema, names: KeyNames | None = None) -> dict[str, object]:
    """Return the row's line of `plan.ndjson`, with exact values; one that nobody has read is left out and marked.

    Args:
        ref: of the row.
        planned: what would become of it.
        schema: of the API.
        names: as for `table_lines`.
    """
    action = "update" if is_sent(planned) else "unchanged" if planned.status is Status.UNCHANGED else "none"
    return {
        "row": ref.row,
        "line": ref.line,
        "type": planned.type,
        "id": planned.id,
        "action": action,
        "reason": planned.reason,
        "message": said(planned),
        "edits": [_edit_members(edit, in_columns(edit, planned.type, schema)) for edit in planned.edits],
        "always_sent": planned.unread,
        **({"key": names.in_key(planned.type, planned.id).parts} if names else {}),
    }


def said(planned: Planned) -> str:
    """Return why the row is not sent: its message, or else what its reason means."""
    known = REASONS.get(planned.reason)
    return planned.message or (known.meaning if known else "")


def _alike(one: str, other: str) -> int:
    """Count the characters with which both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


def _is_nothing(value: JSON | Absent | Unread) -> bool:
    """Return whether a value is what a cleared field, relationship or object holds."""
    return value is None or isinstance(value, Absent) or (isinstance(value, Mapping | list | tuple) and not value)


def _shown(edit: Edit, value: JSON | Absent | Unread) -> str:
    if isinstance(value, Unread):
        return "(not read)"
    if value is None or isinstance(value, Absent):
        return "(none)"
    return (_links(value) or "(none)") if edit.path[0] == "relationships" else _quoted(value)


def _quoted(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, default=float)


def _cell(edit: Edit, value: JSON | Absent | Unread) -> str:
    if isinstance(value, Absent | Unread) or value is None:
        return ""
    if edit.path[0] in {"tags", "elements"}:
        return edit.path[-1]  # the value only says that it is there
    if edit.path[0] == "relationships":
        return _links(value)
    return value if isinstance(value, str) else _quoted(value)


def _links(linkage: JSON) -> str:
    """Format links as a sheet has them: `type/id`, several with commas."""
    if isinstance(linkage, Mapping):
        return f"{linkage.get('type')}/{linkage.get('id')}"
    return ",".join(map(_links, linkage)) if isinstance(linkage, list | tuple) else str(linkage)


def _edit_members(edit: Edit, written: Edit) -> dict[str, object]:
    exact = {"before": edit.before, "after": edit.after}
    known = {name: value for name, value in exact.items() if not isinstance(value, Absent | Unread)}
    not_read = {"before_not_read": True} if isinstance(edit.before, Unread) else {}
    return {"path": edit.path, "column": column_of(written), **known, **not_read}
