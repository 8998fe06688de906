"""Lists and sets that an API holds as one text: how it changes, in words, and whether another separator parts it."""

import json
from collections.abc import Iterator
from typing import Any, Final

from jobs.apis.described.fields import element_of, separator_of
from jobs.apis.schema import Schema
from jobs.changes.diff import Change
from jobs.model import Live
from jobs.texts import shortened

_SEPARATORS: Final = (";", ",", "|", "\n", "\t")
"""What usually joins a list in a text. A blank is none: elements of two words are common."""


def in_words(type_name: str, change: Change, live: Live | None, schema: Schema) -> str:
    """Return each text that a change replaces, before and after; empty for most changes.

    A wrong separator shows nowhere else: the API takes any text, and shows what it took.
    """
    return "; ".join(_told(type_name, change, live, schema))


def other_separator(text: str, joint: str) -> str:
    """Return the separator that a text holds in place of `joint`; empty where nothing points to another."""
    if joint and separator_of(joint) in text:
        return ""
    return next((each for each in _SEPARATORS if each in text), "")


def _told(type_name: str, change: Change, live: Live | None, schema: Schema) -> Iterator[str]:
    for name in dict.fromkeys(edit.path[1] for edit in change.edits if edit.path[0] == "attributes"):
        joint = schema.separator(type_name, name)
        if not joint or live is None:
            continue
        old, new = (_joined(values.get(name), joint) for values in (live.attributes, change.attributes))
        other = other_separator(old, joint)
        doubt = f" (does {_quoted(other)} part it, and not {_quoted(joint)}? See `sep`)" if other else ""
        yield f"{name} is one text: {_quoted(old)} becomes {_quoted(new)}{doubt}"


def _joined(elements: Any, joint: str) -> str:
    return joint.join(map(element_of, elements or ()))


def _quoted(text: str) -> str:
    return shortened(json.dumps(text, ensure_ascii=False))
