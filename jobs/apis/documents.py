"""JSON:API documents in replies. Nothing of a reply is kept but what is named."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from jobs.changes.exact import may_be_rounded, number
from jobs.model import ABSENT, Reply

MEDIA_TYPE: Final = "application/vnd.api+json"
"""Both `Accept` and `Content-Type` of every call under /api."""

_OPENING: Final = (b"{", b"[", b'"')
"""What the JSON of a document, a list or a text begins with."""


def document_of(reply: Reply) -> dict[str, Any] | None:
    """Return the JSON object in a complete reply that says it is JSON; None for anything else."""
    if not reply.complete or not is_json(reply.headers.get("content-type", "")):
        return None
    document = _parsed(reply.body)
    return document if isinstance(document, dict) else None


def exact_document_of(reply: Reply) -> dict[str, Any] | None:
    """Return the same of a reply that has a document, with an `ExactNumber` for each number that no float holds."""
    document = _standard(reply.body, parse_float=number)
    return document if isinstance(document, dict) else None


def value_of(reply: Reply) -> Any:
    """Return the JSON value of a complete reply that says it is JSON, its numbers exact; ABSENT for anything else."""
    if not reply.complete or not is_json(reply.headers.get("content-type", "")):
        return ABSENT
    rounded = may_be_rounded(reply.body)
    value = _standard(reply.body, parse_float=number) if rounded else _parsed(reply.body)
    return ABSENT if value is None else value


@lru_cache(maxsize=16)  # a server says the same with every reply
def is_json(content_type: str) -> bool:
    """Return True for a content type of JSON."""
    media = content_type.partition(";")[0].strip().lower()
    return media in {"application/json", "text/json"} or (media[:12] == "application/" and media[-5:] == "+json")


def _parsed(body: bytes) -> object:
    """Parse a text of JSON, None for what is none; most texts with the parser that is quickest."""
    try:
        return from_json(body, cache_strings=False)  # between two rows the cache grows cold
    except ValueError:
        return _standard(body)  # UTF-16, a byte order mark, half a surrogate pair: it takes what the other does not


def _standard(body: bytes, parse_float: Callable[[str], object] | None = None) -> object:
    try:
        return json.loads(body, parse_float=parse_float)
    except (ValueError, RecursionError):
        return None


def parsed_anyway(body: bytes) -> object:
    """Return the value of a body that is JSON, whatever its content type says; None for what is none."""
    return _parsed(body) if body[:400].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in _OPENING else None


def mapping(value: object) -> Mapping[str, Any]:
    """Return the object itself, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def tag_names(document: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str | None, ...] | None:
    """Return the names of a record's tags in the order of their linkage, from `included`; None for one without a name.

    Returns:
        None when the reply does not show the linkage, or has tags without their resources.
    """
    linked = mapping(mapping(data.get("relationships")).get("tags")).get("data")
    included = document.get("included")
    if not isinstance(linked, list) or (linked and not isinstance(included, list)):
        return None
    resources = [mapping(each) for each in included or () if mapping(each).get("type") == "tags"]
    names = {str(tag.get("id")): mapping(tag.get("attributes")).get("name") for tag in resources}
    found = (names.get(str(mapping(each).get("id"))) for each in linked)
    return tuple(name if isinstance(name, str) else None for name in found)
