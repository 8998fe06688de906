"""From the bytes of a PATCH to an update, or to every reason why not, in the order the API looks."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from jobs.apis.schema import Relationship, ResourceType
from worker.sandbox.jsonapi import (
    JSON,
    MEDIA_TYPE,
    Problem,
    Refusal,
    bad_format,
    invalid,
    missing,
    not_allowed,
    refuse_if,
)
from worker.sandbox.resources import Store, concrete_types
from worker.sandbox.schema import is_trigger
from worker.sandbox.values import BadValue, canonical

MAX_TAGS: Final = 10
"""Tags that a record can have."""

_TYPE_CONFLICT_STATUS: Final = 409
"""JSON:API's MUST for a type that is not the collection's. Not recorded; jsonapi-resources itself would say 400."""


@dataclass(frozen=True, slots=True)
class Update:
    """A PATCH that passed validation. A false or null trigger is not among the triggers: it does nothing."""

    attributes: dict[str, JSON] = field(default_factory=dict)
    relationships: dict[str, JSON] = field(default_factory=dict)
    triggers: dict[str, JSON] = field(default_factory=dict)


def check_media_types(method: str, headers: Mapping[str, str]) -> None:
    """Raise a Refusal unless the headers allow JSON:API to be read and, for a write, say that it is sent."""
    accept = headers.get("Accept", "*/*")
    if not {part.strip() for part in accept.split(",")} & {MEDIA_TYPE, "*/*"}:
        detail = f"All requests must use the '{MEDIA_TYPE}' Accept without media type parameters, not '{accept}'."
        raise Refusal([Problem(406, "NOT_ACCEPTABLE", "Not acceptable", detail)])
    sent = headers.get("Content-Type", "")
    if method == "PATCH" and sent.partition(";")[0].strip() != MEDIA_TYPE:
        detail = f"All requests that create or update must use the '{MEDIA_TYPE}' Content-Type, not '{sent}'."
        raise Refusal([Problem(415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type", detail)])


def parse_body(body: bytes) -> JSON:
    """Parse the JSON of a request body; raise Refusal with status 400 if it is none."""
    try:
        document: JSON = json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        detail = "The request body is not valid JSON."
        raise Refusal([Problem(400, "BAD_REQUEST", "Bad Request", detail)]) from None
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def addressed(document: JSON, type_name: str, key: str) -> dict[str, JSON]:
    """Return the resource object of a document that names the record of the URL.

    Raises:
        Refusal: it is malformed, or its type or id are not those of the URL.
    """
    data = document.get("data") if isinstance(document, dict) else None
    if data is None:
        raise Refusal([missing("data")])
    if not isinstance(data, dict):
        raise Refusal([bad_format("Data must be a hash.")])
    refuse_if(_address_problems(data, type_name, key))
    return data


def _address_problems(data: dict[str, JSON], type_name: str, key: str) -> Iterator[Problem]:
    if data.get("type") is None:
        yield missing("type")
    elif data["type"] != type_name:
        detail = f"{data['type']} is not a valid resource."
        yield Problem(_TYPE_CONFLICT_STATUS, "INVALID_RESOURCE", "Invalid resource", detail, "/data/type")
    elif data.get("id") is None:
        yield Problem(400, "KEY_ORDER_MISMATCH", "A key is required", "A key is required")
    elif data["id"] != key:
        detail = f"The URL does not support the key {data['id']}"
        yield Problem(400, "KEY_NOT_INCLUDED_IN_URL", "Key is not included in URL", detail)


def validated(data: dict[str, JSON], kind: ResourceType, store: Store) -> Update:
    """Return the update that a resource object of an existing record asks for.

    Raises:
        Refusal: with every unknown name, or else with every refused value.
    """
    attributes, relationships = _member(data, "attributes"), _member(data, "relationships")
    refuse_if(_unknown("attributes", attributes, kind) + _unknown("relationships", relationships, kind))
    stored, problems = _canonical_attributes(attributes, kind)
    problems += [
        problem
        for name, value in relationships.items()
        for problem in _link_problems(f"/data/relationships/{name}", value, kind.relationships[name], store)
    ]
    refuse_if(problems)
    links = {name: value["data"] for name, value in relationships.items() if isinstance(value, dict)}
    plain = {name: value for name, value in stored.items() if not is_trigger(name)}
    fired: dict[str, JSON] = {
        name: value for name, value in stored.items() if is_trigger(name) and value not in (None, False)
    }
    return Update(plain, links, fired)


def _member(data: dict[str, JSON], name: str) -> dict[str, JSON]:
    value = data.get(name, {})
    if not isinstance(value, dict):
        raise Refusal([bad_format(f"{name} must be a hash.")])
    return value


def _unknown(member: str, names: dict[str, JSON], kind: ResourceType) -> list[Problem]:
    known = kind.attributes if member == "attributes" else kind.relationships
    return [not_allowed(name, f"/data/{member}/{name}") for name in names if name not in known]


def _canonical_attributes(attributes: dict[str, JSON], kind: ResourceType) -> tuple[dict[str, JSON], list[Problem]]:
    stored: dict[str, JSON] = {}
    problems: list[Problem] = []
    for name, value in attributes.items():
        try:
            stored[name] = canonical(kind.attributes[name], value)
        except BadValue as error:
            problems.append(invalid(f"/data/attributes/{name}", str(error)))
    return stored, problems


def _link_problems(pointer: str, value: JSON, relationship: Relationship, store: Store) -> Iterator[Problem]:
    if not isinstance(value, dict) or "data" not in value:
        yield Problem(400, "INVALID_LINKS_OBJECT", "Invalid Links Object", "Data is not a valid Links Object.", pointer)
        return
    links = value["data"]
    if isinstance(links, list) != relationship.many:
        yield Problem(400, "INVALID_LINKS_OBJECT", "Invalid Links Object", "Data is not a valid Links Object.", pointer)
    elif isinstance(links, list):
        for link in links:
            yield from _target_problems(pointer, link, relationship, store)
        if relationship.types == ("tags",) and len(links) > MAX_TAGS:
            yield invalid(pointer, f"can have at most {MAX_TAGS} items")
    elif links is not None:
        yield from _target_problems(pointer, links, relationship, store)


def _target_problems(pointer: str, link: JSON, relationship: Relationship, store: Store) -> Iterator[Problem]:
    if not isinstance(link, dict) or not isinstance(link.get("type"), str) or not isinstance(link.get("id"), str):
        yield Problem(400, "INVALID_LINKS_OBJECT", "Invalid Links Object", "Data is not a valid Links Object.", pointer)
        return
    type_name, key = str(link["type"]), str(link["id"])
    allowed = {*relationship.types, *(concrete for name in relationship.types for concrete in concrete_types(name))}
    if type_name not in allowed:
        detail = f"{type_name} is not a valid type for this operation."
        yield Problem(400, "TYPE_MISMATCH", "Type Mismatch", detail, pointer)
    elif store.holds(type_name) and store.get(type_name, key) is None:
        yield invalid(pointer, "must exist")
