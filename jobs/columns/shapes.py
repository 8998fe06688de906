"""The two JSON:API shapes of an NDJSON line, and the one form that both are brought into."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.columns.problems import RowRefused
from jobs.model import JSON, Link
from jobs.values import valueclass

_FAULTS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not part of this shape",
    "string_type": "must be text",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
_LINKAGE: Final = 'must be {"type": …, "id": …}, a list of these, or null'


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class _Identifier(_Shape):
    type: str
    id: str


class _Relationship(_Shape):
    data: _Identifier | list[_Identifier] | None


class _Resource(_Shape):
    id: str = ""
    type: str = ""
    attributes: dict[str, Any] = Field(default_factory=dict)
    relationships: dict[str, _Relationship] = Field(default_factory=dict)


class _Document(_Shape):
    data: _Resource


@valueclass(frozen=True, slots=True)
class ResourceUpdate:
    """An update that was written as a resource object; empty `id` or `type` when left out."""

    id: str
    type: str
    attributes: Mapping[str, JSON]
    relationships: Mapping[str, Link | tuple[Link, ...] | None]


def resource_update(members: Mapping[str, JSON]) -> ResourceUpdate | None:
    """Return the update if `members` are a resource object or a document, and None if they are flat.

    Raises:
        RowRefused: `bad_shape`: it is one of the two, but not a right one.
    """
    try:
        if "data" in members and "id" not in members:
            resource = _Document.model_validate(members).data
        elif "attributes" in members or "relationships" in members:
            resource = _Resource.model_validate(members)
        else:
            return None
    except ValidationError as error:
        raise RowRefused("bad_shape", _in_plain_words(error)) from None
    return ResourceUpdate(
        resource.id,
        resource.type,
        resource.attributes,
        {name: _linkage(relationship.data) for name, relationship in resource.relationships.items()},
    )


def _linkage(data: _Identifier | list[_Identifier] | None) -> Link | tuple[Link, ...] | None:
    if isinstance(data, list):
        return tuple(Link(each.type, each.id) for each in data)
    return None if data is None else Link(data.type, data.id)


def _in_plain_words(error: ValidationError) -> str:
    """Describe the first fault; pydantic's own text would quote the input and name our classes."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = [str(step)[:40] for step in first["loc"]]
    if "relationships" in where[:-2] and first["type"] != "extra_forbidden":
        depth = where.index("relationships") + 3
        return f"`{'.'.join(where[:depth])}` {_LINKAGE}"
    return f"`{'.'.join(where)}` {_FAULTS.get(first['type'], 'is not what this shape needs')}"
