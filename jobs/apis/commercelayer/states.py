"""The live state of records, as pages and single documents show it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from jobs.apis.documents import document_of, exact_document_of, mapping, tag_names
from jobs.apis.schema import load
from jobs.changes.exact import holds_float, may_be_rounded
from jobs.model import JSON, Fields, Link, Live, Reply
from jobs.strict_json import NotStrictJSON, parse

SECRET_ATTRIBUTES: Final = frozenset({"client_secret", "publishable_key", "token"})
"""Never taken out of a reply, so that they can never be stored or shown (the pages' own example replies have them)."""


def read_states(reply: Reply, type_name: str, fields: Fields) -> dict[str, Live] | None:
    """Return live states by id from a page; None when the reply cannot be used.

    A record that is not there is simply absent, and so is an attribute that the API does not show, or whose value
    cannot be sent back as it was read.
    """
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    states = _states(document, type_name, fields)
    if states and holds_float([live.attributes for live in states.values()]) and may_be_rounded(reply.body):
        return _states(exact_document_of(reply), type_name, fields)
    return states


def _states(document: Mapping[str, Any] | None, type_name: str, fields: Fields) -> dict[str, Live] | None:
    data = document.get("data") if document else None
    if document is None or not isinstance(data, list):
        return None
    states: dict[str, Live] = {}
    for resource in map(mapping, data):
        concrete = _concrete_type(resource, type_name)
        if concrete and isinstance(resource.get("id"), str):
            states[resource["id"]] = shown_state(document, resource, concrete, fields)
    return states


def shown_state(document: Mapping[str, Any], resource: Mapping[str, Any], concrete: str, fields: Fields) -> Live:
    """Return what a document shows of one of its records: of `fields`, what can be sent back, and is no secret."""
    return Live(
        concrete,
        dict(_values(mapping(resource.get("attributes")), fields.attributes)),
        dict(_links(mapping(resource.get("relationships")), fields.relationships)),
        _tags(document, resource) if fields.tags else None,
        fields,
    )


def read_state(reply: Reply, type_name: str, resource_id: str, fields: Fields) -> Live | None:
    """Return the live state from the document of one record; None when the reply is not about it."""
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    resource = mapping(document.get("data")) if document else {}
    concrete = _concrete_type(resource, type_name) if resource.get("id") == resource_id else ""
    return shown_state(document, resource, concrete, fields) if document and concrete else None


def read_record(reply: Reply, type_name: str, resource_id: str) -> dict[str, JSON] | None:
    """Return all attributes of the record but the secret ones; None when the reply is not about it."""
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    if document and may_be_rounded(reply.body):
        document = exact_document_of(reply)
    data = mapping(document.get("data")) if document else {}
    if data.get("id") != resource_id or not _concrete_type(data, type_name):
        return None
    shown = mapping(data.get("attributes"))
    return dict(_values(shown, shown))


def _concrete_type(resource: Mapping[str, Any], asked: str) -> str:
    """Return the concrete type of a record, or an empty text when it is not of the type asked for.

    It stands in `attributes.type`; a server that answers with the concrete resources themselves says it in `data.type`.
    """
    kind = load("commercelayer").resource_type(asked)
    concrete = kind.abstract_over if kind else ()
    shown = resource.get("type")
    if shown not in (asked, *concrete):
        return ""
    named = mapping(resource.get("attributes")).get("type")
    return str(named if named in concrete else shown)


def _values(shown: Mapping[str, Any], wanted: Iterable[str]) -> Iterator[tuple[str, JSON]]:
    for name in wanted:
        if name in shown and name not in SECRET_ATTRIBUTES and _is_strict(shown[name]):
            yield name, shown[name]


def _is_strict(value: JSON) -> bool:
    """Return whether the value can be stored and sent back: no infinity, no half character, not nested too deep."""
    if _is_plain(value):
        return True
    try:
        parse(json.dumps(value, default=float))
    except (NotStrictJSON, RecursionError):
        return False
    return True


def _is_plain(value: JSON) -> bool:
    """Return whether the value is so simple that nothing can be wrong with it: plain text, or an object of it."""
    if type(value) is dict:
        return all(key.isascii() and type(each) is str and each.isascii() for key, each in value.items())
    return type(value) is str and value.isascii()


def _tags(document: Mapping[str, Any], resource: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names of all tags of the record; None unless every one of them is known."""
    names = tag_names(document, resource)
    known = frozenset(name for name in names or () if name is not None and _is_strict(name))
    return None if names is None or not known.issuperset(names) else known


def _links(
    relationships: Mapping[str, Any], wanted: Iterable[str]
) -> Iterator[tuple[str, Link | tuple[Link, ...] | None]]:
    for name in wanted:
        shown = mapping(relationships.get(name))
        if "data" not in shown:
            continue
        data = shown["data"]
        listed = data if isinstance(data, list) else [] if data is None else [data]
        links = tuple(link for each in listed if (link := _link(each)))
        if len(links) == len(listed):
            yield name, links if isinstance(data, list) else links[0] if links else None


def _link(data: object) -> Link | None:
    """Return the link that a resource identifier object makes, or None for what is none."""
    kind, resource_id = mapping(data).get("type"), mapping(data).get("id")
    if not isinstance(kind, str) or not isinstance(resource_id, str) or not _is_strict([kind, resource_id]):
        return None
    return Link(kind, resource_id)
