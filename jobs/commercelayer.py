"""Commerce Layer, both directions: build its requests, read its replies.

The rules are those of its pages "Update a stripe payment" and "Update a transaction" and of the JSON:API
specification 1.0. Nothing here sends anything, and nothing of a reply is kept but what is named.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from jobs.change import Change
from jobs.echo import same
from jobs.model import JSON, ApiError, Link, Reply, Request, UpdateJob

MEDIA_TYPE: Final = "application/vnd.api+json"
"""Both `Accept` and `Content-Type` of every call under /api."""

AUTH_URL: Final = "https://auth.commercelayer.io"
"""Origin of the token endpoint, unless the user names another."""

PAGE_SIZE: Final = 25
"""Most records a page holds."""

TEXT_LIMIT: Final = 300
"""Characters kept of a title or detail that the server wrote."""

_TOKEN: Final = re.compile(r"[!-~]+")
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def update_request(job: UpdateJob, change: Change, type_name: str) -> Request:
    """`PATCH /api/TYPE/ID` with a JSON:API envelope.

    Args:
        job: whose record is updated.
        change: what is sent.
        type_name: the job's type, or the concrete one behind an abstract type.
    """
    data: dict[str, object] = {"type": type_name, "id": job.id}
    if change.attributes:
        data["attributes"] = change.attributes
    if change.relationships:
        data["relationships"] = {name: {"data": _linkage(link)} for name, link in change.relationships.items()}
    target = resource_path(type_name, job.id)
    if job.add_tags or job.remove_tags:
        target += "?include=tags&fields[tags]=name"  # unknown tags are dropped silently: the reply must show them
    return Request("PATCH", target, _encode({"data": data}).encode())


def resource_path(type_name: str, resource_id: str) -> str:
    """Path of one record; an id can never leave its segment."""
    return f"/api/{quote(type_name, safe='')}/{quote(resource_id, safe='')}"


def types_request(abstract: str, ids: Iterable[str]) -> Request:
    """`GET` the concrete types of up to 25 records of an abstract type, in one page."""
    wanted = ",".join(quote(each, safe="") for each in ids)
    query = f"filter[q][id_in]={wanted}&fields[{abstract}]=type&page[size]={PAGE_SIZE}&page[number]=1"
    return Request("GET", f"/api/{abstract}?{query}")


def read_types(reply: Reply, abstract: str) -> dict[str, str] | None:
    """Concrete type by id from the reply to `types_request`; None when the reply cannot be used.

    The concrete type stands in `attributes.type`; a server that answers with the concrete resources themselves says it
    in `data.type`. A record that is not there is simply absent.
    """
    document = _document(reply) if reply.status == 200 else None  # noqa: PLR2004  # OK is the only usable answer
    data = document.get("data") if document else None
    if not isinstance(data, list):
        return None
    types: dict[str, str] = {}
    for resource in data:
        if isinstance(resource, dict) and isinstance(resource.get("id"), str):
            named = _mapping(resource.get("attributes")).get("type")
            concrete = named if isinstance(named, str) else resource.get("type")
            if isinstance(concrete, str) and concrete != abstract:
                types[resource["id"]] = concrete
    return types


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A success that is about the record that was meant.

    Attributes:
        differs: names of sent attributes whose echo is another value (canonical forms tolerated).
        discarded_tags: names that were to be added and are not on the record.
        mode: `test` or `live` as the reply says, or empty.
    """

    differs: tuple[str, ...] = ()
    discarded_tags: tuple[str, ...] = ()
    mode: str = ""


def read_confirmation(reply: Reply, job: UpdateJob, change: Change, type_name: str) -> Confirmation | None:
    """Read a 2xx with a body; None when it is not a success about this record: other id, other type, no JSON."""
    document = _document(reply)
    data = document.get("data") if document else None
    if document is None or not isinstance(data, dict) or data.get("id") != job.id or data.get("type") != type_name:
        return None
    echo = _mapping(data.get("attributes"))
    differs = tuple(name for name, sent in change.attributes.items() if name in echo and not same(sent, echo[name]))
    mode = _mapping(data.get("meta")).get("mode")
    missing = _missing_tags(document, data, job.add_tags) if job.add_tags else ()
    return Confirmation(differs, missing, mode if mode in {"test", "live"} else "")


def read_errors(reply: Reply) -> tuple[ApiError, ...]:
    """The errors of a refusal; empty when the body does not hold any. The 429 has one object instead of a list."""
    document = _document(reply)
    errors = document.get("errors") if document else None
    listed = errors if isinstance(errors, list) else [errors]
    return tuple(_error(each) for each in listed if isinstance(each, dict))


def token_request(client_id: str, client_secret: str) -> Request:
    """Form-encoded client-credentials request (RFC 6749 4.4.2) to the token endpoint."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return Request("POST", "/oauth/token", urlencode(form).encode())


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as the endpoint hands it out.

    Attributes:
        expires_in: the *remaining* life in seconds of a token that all callers share.
    """

    access_token: str
    expires_in: float

    def __repr__(self) -> str:
        return f"Grant(access_token=<secret>, expires_in={self.expires_in})"


def read_grant(reply: Reply) -> Grant | None:
    """Read the token endpoint's reply; None unless it hands out a token."""
    document = _document(reply) if reply.status == 200 else None  # noqa: PLR2004  # OK is the only usable answer
    token = document.get("access_token") if document else None
    life = _number(document.get("expires_in")) if document else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or life is None:
        return None
    return Grant(token, life)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says about itself; empty or None where it says nothing.

    Attributes:
        mode: `test`, `live`, or empty when unknown.
        expires_at: seconds since the epoch.
    """

    organization: str = ""
    kind: str = ""
    mode: str = ""
    expires_at: float | None = None

    @property
    def url(self) -> str:
        """Origin of the organization's API, or empty."""
        return f"https://{self.organization}.commercelayer.io" if self.organization else ""


def read_claims(token: str) -> Claims:
    """Read the payload of a JWT without checking its signature: that is the server's business.

    Returns:
        Empty claims for a token that is not a JWT.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return Claims()
    claims = _mapping(claims)
    slug = _mapping(claims.get("organization")).get("slug")
    kind = _mapping(claims.get("application")).get("kind")
    mode = {True: "test", False: "live"}.get(claims["test"], "") if isinstance(claims.get("test"), bool) else ""
    return Claims(
        slug if isinstance(slug, str) and slug.replace("-", "").isalnum() and slug.isascii() else "",
        kind if isinstance(kind, str) else "",
        mode,
        _number(claims.get("exp")),
    )


def _linkage(link: Link | tuple[Link, ...] | None) -> JSON:
    if link is None:
        return None
    if isinstance(link, tuple):
        return [{"type": each.type, "id": each.id} for each in link]
    return {"type": link.type, "id": link.id}


def _missing_tags(document: Mapping[str, JSON], data: Mapping[str, JSON], wanted: tuple[str, ...]) -> tuple[str, ...]:
    linked = _mapping(_mapping(data.get("relationships")).get("tags")).get("data")
    included = document.get("included")
    if not isinstance(linked, list) or not isinstance(included, list):
        return wanted if included is None and linked in (None, []) else ()
    ids = [_mapping(each).get("id") for each in linked]
    tags = (_mapping(each) for each in included)
    names = [_mapping(each.get("attributes")).get("name") for each in tags if each.get("id") in ids]
    return tuple(name for name in wanted if name not in names)


def _document(reply: Reply) -> dict[str, Any] | None:
    media = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not reply.complete or not (
        media == "application/json" or (media[:12] == "application/" and media[-5:] == "+json")
    ):
        return None
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    """A number as seconds; None for what is none, NaN and infinity among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _error(raw: Mapping[str, object]) -> ApiError:
    pointer = _text(_mapping(raw.get("source")).get("pointer"))
    return ApiError(_text(raw.get("title")), _text(raw.get("detail")), _text(raw.get("code")), pointer, _field(pointer))


def _field(pointer: str) -> str:
    """`/data/attributes/metadata/batch` -> `metadata.batch`; `/data/relationships/order` -> `order`."""
    parts = pointer.split("/")
    known = len(parts) > 3 and parts[1] == "data" and parts[2] in {"attributes", "relationships"}  # noqa: PLR2004  # "", data, kind, name
    return ".".join(part for part in parts[3:] if part != "data") if known else ""


def _text(value: object) -> str:
    """Text that a server wrote: shortened, and storable whatever its JSON escapes made of it."""
    return value[:TEXT_LIMIT].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
