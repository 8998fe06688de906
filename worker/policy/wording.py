"""Messages about replies: the server's own words, and the columns they concern, as the user wrote them."""

from collections.abc import Sequence
from json import dumps
from typing import Final

from jobs.apis.errors import said
from jobs.changes.edits import column_of
from jobs.model import ApiError, Edit, Outcome, Reply
from jobs.texts import shortened

_SHOWN_ERRORS: Final = 20

_SHOWN_LOSSES: Final = 5

_OF_FIELD: Final = 2
"""Steps of the path of a field as a whole."""


def answered(reply: Reply, opening: str = "the server answered") -> str:
    """Return what the server answered, with its own words."""
    words = said(reply)
    return f"{opening} {reply.status}" + (f": {words}" if words else "")


def why_not(outcome: Outcome) -> str:
    """Return why a request failed, in the server's own words if it gave any."""
    return answered(outcome, "it answered") if isinstance(outcome, Reply) else outcome.detail


def errors_text(status: int, errors: tuple[ApiError, ...]) -> str:
    """Return the status and each error with its column: the first twenty, and the number of the others."""
    if len(errors) > _SHOWN_ERRORS:
        return f"{errors_text(status, errors[:_SHOWN_ERRORS])}; and {len(errors) - _SHOWN_ERRORS} more"
    parts = [": ".join(dict.fromkeys(filter(None, (e.field, e.detail or e.title or e.code)))) for e in errors]
    return f"{status}: {'; '.join(filter(None, parts))}" if any(parts) else f"the API answered {status}"


def after_doubt(message: str) -> str:
    """Return the message of a refusal that followed an attempt with an unknown outcome."""
    return f"an earlier attempt may have been applied; then {message}"


def fields_of(errors: tuple[ApiError, ...]) -> tuple[str, ...]:
    """Return the columns that the errors concern, each once."""
    return tuple(dict.fromkeys(error.field for error in errors if error.field))


def lost_words(lost: Sequence[Edit]) -> str:
    """Return what an update took from its record, with the old values, and the likely slip in the description."""
    names = [f"`{column_of(edit)}` (was {_shown(edit.before)})" for edit in lost]
    more = f" and {len(names) - _SHOWN_LOSSES} more" if len(names) > _SHOWN_LOSSES else ""
    what = ", ".join(names[:_SHOWN_LOSSES]) + more + (" was" if len(names) == 1 else " were")
    whole = any(len(edit.path) == _OF_FIELD for edit in lost)
    replaced, must = ("record", 'send = "record"') if whole else ("object", 'merge = "replace"')
    return f"{what} not sent and gone now: the API replaces the {replaced}; its description has to say {must}"


def _shown(value: object) -> str:
    return shortened(dumps(value, ensure_ascii=False, default=str))
