"""JSON:API documents and errors in replies. Nothing of a reply is kept but what is named."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from jobs.model import ApiError, Reply

MEDIA_TYPE: Final = "application/vnd.api+json"
"""Both `Accept` and `Content-Type` of every call under /api."""

TEXT_LIMIT: Final = 300
"""Characters kept of a title or detail that the server wrote."""


def read_errors(reply: Reply) -> tuple[ApiError, ...]:
    """The errors of a refusal; empty when the body does not hold any. The 429 has one object instead of a list."""
    document = document_of(reply)
    errors = document.get("errors") if document else None
    listed = errors if isinstance(errors, list) else [errors]
    return tuple(_error(each) for each in listed if isinstance(each, dict))


def document_of(reply: Reply, *, exact: bool = False) -> dict[str, Any] | None:
    """The JSON object in a complete reply that says it is JSON; None for anything else.

    Args:
        reply: of any status.
        exact: values are to be sent back: refuse NaN and infinity, which could not be.
    """
    media = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not reply.complete or not (
        media == "application/json" or (media[:12] == "application/" and media[-5:] == "+json")
    ):
        return None
    try:
        document = _exactly(reply.body.decode("utf-8-sig")) if exact else json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def mapping(value: object) -> Mapping[str, Any]:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def tag_names(document: Mapping[str, Any], data: Mapping[str, Any]) -> frozenset[str] | None:
    """Names of a record's tags, by way of `included`; None when the reply does not show them."""
    linked = mapping(mapping(data.get("relationships")).get("tags")).get("data")
    included = document.get("included")
    if not isinstance(linked, list) or not isinstance(included, list):
        return frozenset() if included is None and linked in (None, []) else None
    ids = [mapping(each).get("id") for each in linked]
    tags = (mapping(each) for each in included)
    names = (mapping(each.get("attributes")).get("name") for each in tags if each.get("id") in ids)
    return frozenset(name for name in names if isinstance(name, str))


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond all bounds")
    return number


_exactly: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode


def _error(raw: Mapping[str, object]) -> ApiError:
    pointer = _text(mapping(raw.get("source")).get("pointer"))
    return ApiError(_text(raw.get("title")), _text(raw.get("detail")), _text(raw.get("code")), pointer, _field(pointer))


def _field(pointer: str) -> str:
    """`/data/attributes/metadata/batch` -> `metadata.batch`; `/data/relationships/order` -> `order`."""
    parts = pointer.split("/")
    known = len(parts) > 3 and parts[1] == "data" and parts[2] in {"attributes", "relationships"}  # noqa: PLR2004  # "", data, kind, name
    return ".".join(part for part in parts[3:] if part != "data") if known else ""


def _text(value: object) -> str:
    """Text that a server wrote: shortened, and storable whatever its JSON escapes made of it."""
    return value[:TEXT_LIMIT].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
