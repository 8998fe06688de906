"""An OpenAPI document: read strictly, and its local references followed. Nothing else is ever opened or fetched."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import unquote

from jobs.apis.documents import mapping
from jobs.apis.openapi.refused import DocumentRefused
from jobs.apis.openapi.yaml import parse_yaml
from jobs.names import pointed

MOST: Final = 100 * 1024 * 1024
"""Bytes of a document at most."""

_INDEX: Final = re.compile(r"[0-9]{1,9}")
_HOPS: Final = 20
"""References that lead to each other, one after the other; a circle ends here."""


@dataclass(frozen=True)
class Document:
    """A document of version 2.0, 3.0 or 3.1.

    Attributes:
        data: as it was written.
        version: that it says it has.
    """

    data: Mapping[str, Any]
    version: str

    @property
    def is_swagger(self) -> bool:
        """Whether it is of version 2.0, which is laid out in another way."""
        return "swagger" in self.data

    def resolved(self, value: object) -> Mapping[str, Any]:
        """Return the object that a reference leads to, or the object itself; an empty one for anything else.

        What stands beside a reference counts more than what it leads to.
        """
        beside: dict[str, Any] = {}
        for _ in range(_HOPS):
            found = mapping(value)
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return {**found, **beside} if beside else found
            beside = {name: each for name, each in found.items() if name != "$ref"} | beside
            value = self._at(reference)
        return {}

    def _at(self, reference: str) -> object:
        if not reference.startswith("#"):
            return None  # another file, or an address
        found: object = self.data
        for step in pointed(unquote(reference[1:])):
            if isinstance(found, list):
                found = found[int(step)] if _INDEX.fullmatch(step) and int(step) < len(found) else None
            else:
                found = mapping(found).get(step)
        return found


def parse(content: bytes) -> Document:
    """Read a document in JSON or YAML.

    Raises:
        DocumentRefused: it is none; the text says why, and what to do.
    """
    if len(content) > MOST:
        raise DocumentRefused(f"it is larger than {MOST // 1024 // 1024} MB: no OpenAPI document is")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentRefused(f"line {line} is not UTF-8: save the file in that encoding") from None
    is_json = text.lstrip()[:1] in {"{", "["}
    return _document(_parse_json(text) if is_json else parse_yaml(text))


def rows(value: object) -> Sequence[Any]:
    """Return the list itself, or an empty one for anything else."""
    return value if isinstance(value, list) else ()


def word(value: object) -> str:
    """Return the text itself, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def elsewhere(value: object) -> str:
    """Return the reference to another file that stands at the top of a value; empty where there is none."""
    reference = word(mapping(value).get("$ref"))
    return "" if reference.startswith("#") else reference


def _document(data: object) -> Document:
    found = mapping(data)
    version = str(found.get("openapi") or found.get("swagger") or "")
    if not version:
        raise DocumentRefused("it is no OpenAPI document: it has neither `openapi` nor `swagger` at its top")
    if not version.startswith(("3.", "2.0")):
        raise DocumentRefused(f"it is of version {version[:20]}: versions 2.0, 3.0 and 3.1 can be read")
    if not mapping(found.get("paths")):
        raise DocumentRefused("it has no `paths`: nothing in it says how records are updated")
    return Document(found, version)


def _parse_json(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise DocumentRefused(f"line {error.lineno}, column {error.colno} is no JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise DocumentRefused("its objects and lists are nested too deeply") from None
    except ValueError:
        raise DocumentRefused("an integer in it has thousands of digits") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise DocumentRefused(f"the name {json.dumps(twice[:80])} stands twice in one object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentRefused(f"{name} is not a JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, strict=True)
