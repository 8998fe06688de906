"""The live state of records: `GET /api/TYPE` in pages of 25, and single records in full."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from jobs.catalogue import ResourceType, resource_type
from jobs.commercelayer.documents import document_of, mapping, tag_names
from jobs.commercelayer.updates import resource_path
from jobs.model import JSON, Fields, Link, Live, Reply, Request

PAGE_SIZE: Final = 25
"""Most records a page holds."""

SECRET_ATTRIBUTES: Final = frozenset({"client_secret", "publishable_key", "token"})
"""Never taken out of a reply, so that they can never be stored or shown (the pages' own example replies have them)."""


def states_request(type_name: str, ids: Iterable[str], fields: Fields, *, sparse: bool = True) -> Request:
    """`GET` the state of up to 25 records in one page; the links of relationships come by `include`.

    Args:
        type_name: of all of them; may be abstract.
        ids: at most `PAGE_SIZE`.
        fields: what is wanted of each.
        sparse: name the fields; False asks for all of them, where the API refuses one that it never shows.
    """
    wanted = ",".join(quote(each, safe="") for each in ids)
    kind = resource_type(type_name)
    query = [f"filter[q][id_in]={wanted}", *_fieldsets(type_name, kind, fields, sparse=sparse)]
    included = sorted(fields.relationships | ({"tags"} if fields.tags else set()))
    if included:
        query.append(f"include={','.join(map(quote, included))}")
    query += [f"page[size]={PAGE_SIZE}", "page[number]=1"]
    return Request("GET", f"/api/{quote(type_name, safe='')}?{'&'.join(query)}")


def read_states(reply: Reply, type_name: str, fields: Fields) -> dict[str, Live] | None:
    """Live state by id from the reply to `states_request`; None when the reply cannot be used.

    A record that is not there is simply absent, and so is an attribute that the API does not show.
    """
    document = document_of(reply, exact=True) if reply.status == 200 else None  # noqa: PLR2004  # OK is the only usable answer
    data = document.get("data") if document else None
    if document is None or not isinstance(data, list):
        return None
    states: dict[str, Live] = {}
    for resource in map(mapping, data):
        concrete = _concrete_type(resource, type_name)
        if concrete and isinstance(resource.get("id"), str):
            states[resource["id"]] = _state(document, resource, concrete, fields)
    return states


def record_request(type_name: str, resource_id: str) -> Request:
    """`GET` one record with all its attributes."""
    return Request("GET", resource_path(type_name, resource_id))


def read_record(reply: Reply, type_name: str, resource_id: str) -> dict[str, JSON] | None:
    """All attributes of the record but the secret ones; None when the reply is not about it."""
    document = document_of(reply, exact=True) if reply.status == 200 else None  # noqa: PLR2004  # OK is the only usable answer
    data = mapping(document.get("data")) if document else {}
    if data.get("id") != resource_id or not _concrete_type(data, type_name):
        return None
    return {name: value for name, value in mapping(data.get("attributes")).items() if name not in SECRET_ATTRIBUTES}


def _fieldsets(type_name: str, kind: ResourceType | None, fields: Fields, *, sparse: bool) -> Iterator[str]:
    names = {*fields.attributes, *fields.relationships}
    names |= {"tags"} if fields.tags else set()
    names |= {"type"} if kind and kind.abstract_over else set()
    if sparse:
        yield f"fields[{quote(type_name, safe='')}]={','.join(map(_quoted, sorted(names or {'id'})))}"
    for target in sorted(_targets(kind, fields.relationships) - {type_name}):
        yield f"fields[{target}]=id"
    if fields.tags:
        yield "fields[tags]=name"


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _targets(kind: ResourceType | None, relationships: Iterable[str]) -> set[str]:
    """Types that the relationships may point to; of their records only the id is wanted."""
    known = kind.relationships if kind else {}
    return {target for name in relationships if name in known for target in known[name].types if target != "tags"}


def _concrete_type(resource: Mapping[str, Any], asked: str) -> str:
    """The concrete type of a record, or an empty text when it is not of the type asked for.

    It stands in `attributes.type`; a server that answers with the concrete resources themselves says it in `data.type`.
    """
    kind = resource_type(asked)
    concrete = kind.abstract_over if kind else ()
    for named in (mapping(resource.get("attributes")).get("type"), resource.get("type")):
        if isinstance(named, str) and named in concrete:
            return named
    return asked if resource.get("type") == asked else ""


def _state(document: Mapping[str, Any], resource: Mapping[str, Any], concrete: str, fields: Fields) -> Live:
    shown = mapping(resource.get("attributes"))
    wanted = fields.attributes - SECRET_ATTRIBUTES
    links = dict(_links(mapping(resource.get("relationships")), fields.relationships))
    return Live(
        concrete,
        {name: shown[name] for name in wanted if name in shown},
        links,
        tag_names(document, resource) if fields.tags else None,
        fields,
    )


def _links(
    relationships: Mapping[str, Any], wanted: Iterable[str]
) -> Iterator[tuple[str, Link | tuple[Link, ...] | None]]:
    for name in wanted:
        shown = mapping(relationships.get(name))
        if "data" not in shown:
            continue
        data = shown["data"]
        links = [_link(each) for each in (data if isinstance(data, list) else [] if data is None else [data])]
        if None in links:
            continue
        known = tuple(link for link in links if link is not None)
        yield name, known if isinstance(data, list) else known[0] if known else None


def _link(data: object) -> Link | None:
    found = mapping(data)
    kind, resource_id = found.get("type"), found.get("id")
    return Link(kind, resource_id) if isinstance(kind, str) and isinstance(resource_id, str) else None
