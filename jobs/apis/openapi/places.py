"""Where records and errors stand in documents: found by the names that they have in common with an update."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from jobs.apis.openapi.schemas import Shape, Shapes
from jobs.names import Steps, pointer_to

_ENVELOPES: Final = ("fields", "attributes", "properties")
"""Members in which some APIs keep all fields of a record, beside its id."""

_ID: Final = re.compile(r"(?:g|s|gu|uu)?id|key", re.IGNORECASE)
_MESSAGE: Final = (
    "message", "detail", "error_description", "errorSummary", "error_message", "description", "title", "msg", "reason",
)  # fmt: skip
_CODE: Final = ("code", "errorCode", "error_code", "type", "status_code", "error", "status")
_FIELD: Final = ("field", "param", "parameter", "property", "propertyName", "path", "attribute", "loc", "pointer")
_REQUEST: Final = ("request_id", "requestId", "errorId", "correlationId", "correlation_id", "trace_id", "traceId")
_ITEMS: Final = ("errors", "error", "errorCauses", "details", "violations")


@dataclass(frozen=True)
class Layout:
    """Where an update takes the fields, and where a reply shows them.

    Attributes:
        wrap: place of the fields in the body.
        taken: members that stand there.
        record: place of the record in a reply.
        values: place of the fields in the record.
        shown: members that stand there; empty where no reply is documented.
        rest: schema of fields of any name, where the body is said to take them.
    """

    wrap: Steps
    taken: Mapping[str, object]
    record: Steps
    values: Steps
    shown: Mapping[str, object]
    rest: object = None


def layout(shapes: Shapes, body: Shape, reply: Shape) -> Layout:
    """Return where the fields stand in a body, and in a reply."""
    wrap = _wrap(shapes, body, reply)
    inside = shapes.of(body.members[wrap[0]]) if wrap else body
    rest = inside.element if inside.kind == "map" else None
    beside = shapes.of(reply.members.get(wrap[0])) if wrap else Shape("json")
    if beside.kind in {"object", "map"} and _has_id(reply) and not _has_id(beside):
        return Layout(wrap, inside.members, (), wrap, beside.members, rest)
    record = wrap if beside.kind == "object" else _likest(shapes, reply, inside.members)
    shown = shapes.of(reply.members[record[0]]) if record else reply
    return Layout(wrap, inside.members, record, (), shown.members, rest)


def json_api_layout(shapes: Shapes, body: Shape, reply: Shape) -> Layout:
    """Return the same for JSON:API, which says where everything stands."""
    taken, shown = (_inner(shapes, each, ("data", "attributes")) for each in (body, reply))
    return Layout((), taken.members, ("data",), ("attributes",), shown.members)


def json_api_type(shapes: Shapes, body: Shape, reply: Shape) -> str:
    """Return the type of a resource in JSON:API; empty where the document does not say it."""
    found = (_inner(shapes, each, ("data", "type")).enum for each in (body, reply))
    return next((str(enum[0]) for enum in found if len(enum) == 1), "")


def error_places(shapes: Shapes, failure: Shape) -> dict[str, object]:
    """Return where a failure says what is wrong; empty where that is not obvious."""
    found: dict[str, object] = {}
    inner = failure
    for name in _ITEMS:
        shape = shapes.of(failure.members.get(name))
        element = shapes.of(shape.element) if shape.kind == "list" else shape
        if element.kind == "object" and _first(element, _MESSAGE):
            found["items"] = [pointer_to((name,))]
            inner = element
            break
    for key, names in (("message", _MESSAGE), ("code", _CODE), ("field", _FIELD)):
        name = _first(inner, names) or (_first(failure, names) if key == "message" else "")
        if name:
            found[key] = pointer_to((name,))
    if "message" not in found:
        return {}
    request = _first(failure, _REQUEST)
    return {**found, **({"request_id": pointer_to((request,))} if request else {})}


def _wrap(shapes: Shapes, body: Shape, reply: Shape) -> Steps:
    """Return the member of a body that holds all fields: its only one, or one that replies have, too, beside an id."""
    objects = [name for name, schema in body.members.items() if shapes.of(schema).kind in {"object", "map"}]
    if len(body.members) == 1 and objects and shapes.of(body.members[objects[0]]).kind == "object":
        return (objects[0],)
    shared = (name for name in _ENVELOPES if name in objects and name in reply.members and _has_id(reply))
    return tuple(next(([name] for name in shared), []))


def _likest(shapes: Shapes, reply: Shape, taken: Mapping[str, object]) -> Steps:
    """Return the place in a reply that has most in common with what an update takes."""
    best: Steps = ()
    most = len(taken.keys() & reply.members.keys())
    inside = dict(_objects_in(shapes, reply))
    if not taken and len(reply.members) == len(inside) == 1:
        return tuple(inside)
    for name, members in inside.items():
        common = len(taken.keys() & members.keys())
        if common > most:
            best, most = (name,), common
    return best


def _objects_in(shapes: Shapes, shape: Shape) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, schema in shape.members.items():
        inside = shapes.of(schema)
        if inside.kind == "object":
            yield name, inside.members


def _has_id(shape: Shape) -> bool:
    return any(map(_ID.fullmatch, shape.members))


def _inner(shapes: Shapes, shape: Shape, steps: Steps) -> Shape:
    for step in steps:
        shape = shapes.of(shape.members.get(step))
    return shape


def _first(shape: Shape, names: tuple[str, ...]) -> str:
    """Return the first of some names that an object has as a simple member."""
    return next((name for name in names if name in shape.members), "")
