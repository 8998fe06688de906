"""Updates: `PATCH /api/TYPE/ID`, and what its success confirms."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from pydantic_core import to_json

from jobs.change import Change
from jobs.commercelayer.documents import document_of, mapping, tag_names
from jobs.echo import same
from jobs.model import JSON, Link, Reply, Request, UpdateJob
from jobs.values import valueclass

_MODES: Final = ("test", "live")  # no set: what a server says need not be hashable


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
    return Request("PATCH", target, to_json({"data": data}))


def resource_path(type_name: str, resource_id: str) -> str:
    """Path of one record; an id can never leave its segment."""
    segment = resource_id if resource_id.isalnum() and resource_id.isascii() else quote(resource_id, safe="")
    return _collection(type_name) + segment


@lru_cache(maxsize=256)
def _collection(type_name: str) -> str:
    return f"/api/{quote(type_name, safe='')}/"


@valueclass(frozen=True, slots=True)
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
    document = document_of(reply)
    data = document.get("data") if document else None
    if document is None or not isinstance(data, dict) or data.get("id") != job.id or data.get("type") != type_name:
        return None
    echo = mapping(data.get("attributes"))
    differs = tuple([name for name, sent in change.attributes.items() if name in echo and not same(sent, echo[name])])
    mode = mapping(data.get("meta")).get("mode")
    missing = _missing_tags(document, data, job.add_tags) if job.add_tags else ()
    return Confirmation(differs, missing, mode if mode in _MODES else "")


def _linkage(link: Link | tuple[Link, ...] | None) -> JSON:
    if link is None:
        return None
    if isinstance(link, tuple):
        return [{"type": each.type, "id": each.id} for each in link]
    return {"type": link.type, "id": link.id}


def _missing_tags(document: Mapping[str, JSON], data: Mapping[str, JSON], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Tags that were to be added and are not on the record; they were asked for, so that nothing shown means none."""
    names = tag_names(document, data)
    if names is None:
        linked = mapping(mapping(data.get("relationships")).get("tags")).get("data")
        return wanted if linked is None and document.get("included") is None else ()
    return tuple(name for name in wanted if name not in names)
