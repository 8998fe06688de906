"""JSON:API documents and errors in replies. Nothing of a reply is kept but what is named."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from jobs.commercelayer.pointers import field_of
from jobs.exact import number
from jobs.model import ApiError, Reply

MEDIA_TYPE: Final = "application/vnd.api+json"
"""Both `Accept` and `Content-Type` of every call under /api."""

TEXT_LIMIT: Final = 300
"""Characters kept of a title or detail that the server wrote."""

MOST_ERRORS: Final = 100
"""Errors kept of one refusal; more than any sheet has columns that could be wrong."""


def read_errors(reply: Reply) -> tuple[ApiError, ...]:
    """The errors of a refusal, in order; empty when the body does not hold any.

    The 429 has one object instead of a list.
    """
    document = document_of(reply)
    errors = document.get("errors") if document else None
    listed = errors if isinstance(errors, list) else [errors]
    return tuple(_error(each) for each in listed[:MOST_ERRORS] if isinstance(each, dict))


def document_of(reply: Reply) -> dict[str, Any] | None:
    """The JSON object in a complete reply that says it is JSON; None for anything else."""
    if not reply.complete or not _is_json(reply.headers.get("content-type", "")):
        return None
    document = _parsed(reply.body)
    return document if isinstance(document, dict) else None


def exact_document_of(reply: Reply) -> dict[str, Any] | None:
    """The same of a reply that has a document, with an `ExactNumber` for each number that no float holds."""
    try:
        document = json.loads(reply.body, parse_float=number)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


@lru_cache(maxsize=16)  # a server says the same with every reply
def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media[:12] == "application/" and media[-5:] == "+json")


def _parsed(body: bytes) -> object:
    """The value that a text of JSON denotes, None for what is none; most texts by the parser that is quickest."""
    try:
        return from_json(body, cache_strings=False)  # between two rows the cache grows cold
    except ValueError:
        pass  # or JSON that only the standard parser takes: UTF-16, a byte order mark, half a surrogate pair
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def tag_names(document: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str | None, ...] | None:
    """Names of a record's tags in the order of their linkage, by way of `included`; None for one that is not named.

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


def _error(raw: Mapping[str, object]) -> ApiError:
    pointer = _text(mapping(raw.get("source")).get("pointer"))
    title, detail, code = (_text(raw.get(name)) for name in ("title", "detail", "code"))
    return ApiError(title, detail, code, pointer, field_of(pointer))


def _text(value: object) -> str:
    """Text that a server wrote: shortened, and storable whatever its JSON escapes made of it."""
    return value[:TEXT_LIMIT].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
