"""The body of an update: a JSON:API document with attributes and relationships."""

from jobs.changes import exact
from jobs.changes.diff import Change
from jobs.model import JSON, Link, UpdateJob


def update_body(job: UpdateJob, change: Change, type_name: str) -> bytes:
    """Return the envelope of an update.

    The schema of the API demands the member `attributes` of every update, JSON:API 1.0 of none: it is always there.

    Args:
        job: whose record is updated.
        change: what is sent.
        type_name: the job's type, or the concrete one behind an abstract type.
    """
    data: dict[str, object] = {"type": type_name, "id": job.id, "attributes": change.attributes}
    if change.relationships:
        data["relationships"] = {name: {"data": _linkage(link)} for name, link in change.relationships.items()}
    return exact.write({"data": data})


def _linkage(link: Link | tuple[Link, ...] | None) -> JSON:
    if link is None:
        return None
    if isinstance(link, tuple):
        return [{"type": each.type, "id": each.id} for each in link]
    return {"type": link.type, "id": link.id}
