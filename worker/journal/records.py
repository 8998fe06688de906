"""What rows replace, as the journal keeps it: images of what was sent, and plans of what is to be."""

import json
from typing import Any, Literal, TypeAlias, get_args

from jobs.changes.edits import decode
from jobs.model import Edit, Status
from jobs.values import valueclass

PaceKind: TypeAlias = Literal["limits", "pause", "down", "up"]


@valueclass(frozen=True, slots=True)
class Image:
    """What attempts of one row replaced: durable before the first of them left.

    Attributes:
        type: the record's concrete type where it was read, else the one that the row names.
        edits: value by value.
        unread: names that were sent although nobody could compare them; they cannot be undone.
    """

    row: int
    type: str
    id: str
    edits: tuple[Edit, ...]
    unread: tuple[str, ...] = ()


@valueclass(frozen=True, slots=True)
class Planned:
    """What a plan says of one row.

    Attributes:
        status: `pending` when it is to be sent, else what it ends as without being sent.
        fields: names of the fields that `reason` is about.
        edits: what it will replace; several of one path when any of several old values will do.
        unread: names that are sent without comparison.
    """

    row: int
    type: str
    id: str
    status: Status
    reason: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    unread: tuple[str, ...] = ()


@valueclass(frozen=True, slots=True)
class PaceMark:
    """One thing that the pace of a run did.

    Attributes:
        at: seconds since the epoch.
        kind: `limits` that hold from now on, a `pause`, the server found `down`, or `up` again.
        quota: name of the limiter: `PATCH`, `GET`, `POST`, or `ALL`.
        windows: the limits, as (requests, seconds).
        pause_s: seconds of the pause. `http`: status of the reply that asked for it.
    """

    at: float
    kind: PaceKind
    quota: str
    windows: tuple[tuple[int, float], ...] = ()
    pause_s: float = 0.0
    http: int = 0


@valueclass(frozen=True, slots=True)
class Activity:
    """The attempts that a process began in one interval of time.

    Attributes:
        process: its number.
        interval: counted from the start of the process, from 0.
        attempts: sent. `again`: of these, the ones that did not settle their row: it was sent again, or looked up.
    """

    process: int
    interval: int
    attempts: int
    again: int


def pace_columns(mark: PaceMark) -> tuple[Any, ...]:
    """Return the columns of `pace`."""
    return mark.at, mark.kind, mark.quota, json.dumps([mark.windows, mark.pause_s, mark.http])


def read_pace(row: Any) -> PaceMark:
    """Make a mark of its columns.

    Raises:
        ValueError: they hold something else.
    """
    at, kind, quota, told = row
    windows, pause_s, http = json.loads(told)
    if kind not in get_args(PaceKind):
        raise ValueError(f"no mark of a pace is a {kind}")
    known = tuple((int(limit), float(interval)) for limit, interval in windows)
    return PaceMark(float(at), kind, str(quota), known, float(pause_s), int(http))


def image_columns(image: Image, attempt: int, edits: tuple[int, str]) -> tuple[Any, ...]:
    """Return the columns of `image`; `attempt` is the first it holds for, `edits` its shape's number and values."""
    return image.row, attempt, image.type, image.id, *edits, listed(image.unread)


def planned_columns(planned: Planned, edits: tuple[int, str]) -> tuple[Any, ...]:
    """Return the columns of `plan`; `edits` is as in an image."""
    message = planned.message.encode("utf-8", "replace").decode()
    return (
        planned.row, planned.type, planned.id, planned.status.value, planned.reason, message,
        listed(planned.fields), *edits, listed(planned.unread),
    )  # fmt: skip


def read_image(row: Any) -> Image:
    """Make an image of its columns, with the text of the shape in place of its number.

    Raises:
        ValueError: they hold something else.
    """
    number, type_name, resource_id, shape, content, unread = row
    return Image(int(number), str(type_name), str(resource_id), decode(shape, content), names_in(unread))


def read_planned(row: Any) -> Planned:
    """Make a planned row of its columns, with the text of the shape in place of its number.

    Raises:
        ValueError: they hold something else.
    """
    number, type_name, resource_id, status, reason, message, fields, shape, content, unread = row
    return Planned(
        int(number), str(type_name), str(resource_id), Status(status), str(reason), str(message),
        names_in(fields), decode(shape, content), names_in(unread),
    )  # fmt: skip


def listed(names: tuple[str, ...]) -> str:
    """Encode names for one column; none as an empty text."""
    return json.dumps(names, ensure_ascii=False) if names else ""


def names_in(text: str) -> tuple[str, ...]:
    """Read the names that a column holds.

    Raises:
        ValueError: it holds something else.
    """
    return tuple(map(str, json.loads(text))) if text else ()
