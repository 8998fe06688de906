"""What a row becomes on the wire.

Until the live state is read first, a row is sent as it is written: members stand for the whole object, which is why
the columns demand an explicit `--metadata replace` for them.
"""

from dataclasses import dataclass, field

from jobs.model import JSON, REMOVE, Link, UpdateJob


@dataclass(frozen=True, slots=True)
class Change:
    """The content of one PATCH.

    Attributes:
        attributes: values by attribute name, triggers included; an object is sent (and stored) as a whole.
        relationships: links by relationship name.
    """

    attributes: dict[str, JSON] = field(default_factory=dict)
    relationships: dict[str, Link | tuple[Link, ...] | None] = field(default_factory=dict)


def as_written(job: UpdateJob) -> Change:
    """The change that sends a row just as it is written; members to remove are simply not there."""
    attributes: dict[str, JSON] = dict(job.attributes)
    for name, members in job.members.items():
        attributes[name] = {key: value for key, value in members.items() if value is not REMOVE}  # type: ignore[misc]  # REMOVE is out
    attributes.update(job.triggers)
    if job.add_tags:
        attributes["_add_tags"] = ",".join(job.add_tags)
    if job.remove_tags:
        attributes["_remove_tags"] = ",".join(job.remove_tags)
    return Change(attributes, job.relationships)
