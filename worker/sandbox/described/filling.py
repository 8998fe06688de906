"""Texts with places, read backwards: from what a request holds to the values that were filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from jobs.apis.description.templates import Hole, template

Found: TypeAlias = dict[str, list[str]]
"""Values by name, with what was done to them: `email:lower:md5`. `ids` and `fields` may have many, the others one."""

_LISTS: Final = ("ids", "fields")


@dataclass(frozen=True, slots=True)
class Ids:
    """How ids stand in a text: each of them, and what joins them."""

    each: str = "{id}"
    join: str = ","


PLAIN: Final = Ids()
"""Ids with commas between them."""


class Pattern:
    """A text with places. `ids` says how several ids are written."""

    def __init__(self, text: str, ids: Ids = PLAIN, *, in_path: bool = False) -> None:
        parsed = template(text)
        self._names = tuple(map(_name, parsed.holes))
        self._in_path = in_path
        value = "([^/]+)" if in_path else "(.*?)"
        parts = (re.escape(part) if isinstance(part, str) else value for part in parsed.parts)
        self._text = re.compile("".join(parts), re.DOTALL)
        self._id = re.compile(
            "".join(map(_part_of_id, template(ids.each).parts)) + rf"(?:{re.escape(ids.join)}|\Z)", re.DOTALL
        )

    def read(self, text: str) -> Found | None:
        """Return the values that make this text of the pattern; None if none do."""
        match = self._text.fullmatch(text)
        if match is None:
            return None
        found: Found = {}
        for name, text_there in zip(self._names, match.groups(), strict=True):
            values = self._listed(name, unquote(text_there) if self._in_path else text_there)
            if values is None or found.setdefault(name, values) != values:
                return None
        return found

    def _listed(self, name: str, value: str) -> list[str] | None:
        if name == "ids":
            return self._ids(value)
        return value.split(",") if name == "fields" and value else [] if name == "fields" else [value]

    def _ids(self, text: str) -> list[str] | None:
        """Return the ids that stand side by side in a text, each written as `each` says."""
        ids, position = [], 0
        while position < len(text):
            match = self._id.match(text, position)
            if match is None:
                return None
            ids.append(match[1])
            position = match.end()
        return ids or None


def read_json(wanted: Any, found: Any, ids: Ids = PLAIN) -> Found | None:
    """Return the values that make one JSON document of another with places; None if none do."""
    if isinstance(wanted, str):
        return Pattern(wanted, ids).read(found) if isinstance(found, str) else None
    if isinstance(wanted, Mapping):
        if not isinstance(found, dict) or found.keys() != wanted.keys():
            return None
        return joined(read_json(value, found[name], ids) for name, value in wanted.items())
    if isinstance(wanted, list | tuple):
        return _read_list(wanted, found, ids) if isinstance(found, list) else None
    same = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return {} if same else None


def joined(parts: Any) -> Found | None:
    """Return all values; None where a part has none, or parts say different things of one name."""
    found: Found = {}
    for part in parts:
        if part is None:
            return None
        for name, values in part.items():
            if name in _LISTS:
                found.setdefault(name, []).extend(values)
            elif found.setdefault(name, values) != values:
                return None
    return found


def _read_list(wanted: Any, found: list[Any], ids: Ids) -> Found | None:
    """Return the values in a list, in which an element with ids or fields stands for any number of elements."""
    parts: list[Found | None] = []
    rest = list(found)
    for element in wanted:
        if not any(f"{{{name}}}" in str(element) for name in _LISTS):
            parts.append(read_json(element, rest.pop(0), ids) if rest else None)
            continue
        while rest and (part := read_json(element, rest[0], ids)) is not None:
            parts.append(part)
            rest.pop(0)
    return None if rest else joined(parts)


def _name(hole: Hole) -> str:
    """Return the name of a place: what is done to a value makes it another one."""
    return ":".join((hole.name, *hole.transforms))


def _part_of_id(part: str | Hole) -> str:
    if isinstance(part, str):
        return re.escape(part)
    return "(.+?)" if part.name == "id" else ".+?"
