"""Updates: `PATCH /api/TYPE/ID`."""

from functools import lru_cache
from urllib.parse import quote

from jobs.changes import exact
from jobs.changes.diff import Change
from jobs.model import JSON, Link, Request, UpdateJob


def update_request(job: UpdateJob, change: Change, type_name: str) -> Request:
    """Return `PATCH /api/TYPE/ID` with a JSON:API envelope.

    The schema of the API demands the member `attributes` of every update, JSON:API 1.0 of none: it is always there.

    Args:
        job: whose record is updated.
        change: what is sent.
        type_name: the job's type, or the concrete one behind an abstract type.
    """
    data: dict[str, object] = {"type": type_name, "id": job.id, "attributes": change.attributes}
    if change.relationships:
        data["relationships"] = {name: {"data": _linkage(link)} for name, link in change.relationships.items()}
    target = resource_path(type_name, job.id)
    if job.add_tags or job.remove_tags:
        target += "?include=tags&fields[tags]=name"  # unknown tags are dropped silently: the reply must show them
    return Request("PATCH", target, exact.write({"data": data}))


def resource_path(type_name: str, resource_id: str) -> str:
    """Return the path of one record; an id can never leave its segment."""
    segment = resource_id if resource_id.isalnum() and resource_id.isascii() else quote(resource_id, safe="")
    return _collection(type_name) + segment


@lru_cache(maxsize=256)
def _collection(type_name: str) -> str:
    return f"/api/{quote(type_name, safe='')}/"


def _linkage(link: Link | tuple[Link, ...] | None) -> JSON:
    if link is None:
        return None
    if isinstance(link, tuple):
        return [{"type": each.type, "id": each.id} for each in link]
    return {"type": link.type, "id": link.id}
