"""Records, fields and errors are found by the names they have in common."""

from typing import Any

import pytest

from jobs.apis.openapi.places import error_places, json_api_layout, json_api_type, layout
from tests.jobs.apis.openapi.kit import TEXT, obj, shapes

A: dict[str, Any] = obj(name=TEXT, note=TEXT)
SHOWN: dict[str, Any] = obj(id=TEXT, name=TEXT, note=TEXT)
MAP: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}


@pytest.mark.parametrize(
    ("body", "reply", "wrap", "record", "values"),
    [
        (A, SHOWN, (), (), ()),
        (A, obj(data=SHOWN), (), ("data",), ()),
        (A, obj(meta=obj(x=TEXT), thing=SHOWN, name=TEXT), (), ("thing",), ()),
        (A, {}, (), (), ()),
        (obj(thing=A), obj(thing=SHOWN), ("thing",), ("thing",), ()),
        (obj(thing=A), obj(thing=SHOWN, audit=obj(id=TEXT)), ("thing",), ("thing",), ()),
        (obj(thing=A), SHOWN, ("thing",), (), ()),
        (obj(profile=A), obj(id=TEXT, profile=A), ("profile",), (), ("profile",)),
        (obj(data=A), obj(id=TEXT, data=SHOWN), ("data",), ("data",), ()),
        (obj(trace=TEXT, properties=MAP), obj(id=TEXT, properties=MAP), ("properties",), (), ("properties",)),
        (obj(update=MAP, fields=A), obj(key=TEXT, fields=A), ("fields",), (), ("fields",)),
        (obj(update=MAP, fields=A), obj(fields=A), (), (), ()),
        (obj(names=TEXT), SHOWN, (), (), ()),
        (obj(), obj(data=obj(id=TEXT)), (), ("data",), ()),
        (obj(), obj(data=obj(), more=TEXT), (), (), ()),
    ],
)
def test_where_fields_stand(
    body: Any, reply: Any, wrap: tuple[str, ...], record: tuple[str, ...], values: tuple[str, ...]
) -> None:
    known = shapes()
    found = layout(known, known.of(body), known.of(reply))
    assert (found.wrap, found.record, found.values) == (wrap, record, values)


def test_what_stands_there_is_told_as_well() -> None:
    known = shapes()
    found = layout(known, known.of(obj(thing=A)), known.of(obj(thing=SHOWN)))
    assert (list(found.taken), list(found.shown), found.rest) == (["name", "note"], ["id", "name", "note"], None)
    free = layout(known, known.of(obj(properties=MAP, x=TEXT)), known.of(obj(id=TEXT, properties=MAP)))
    assert free.rest == TEXT


def test_json_api_says_where_everything_stands() -> None:
    known = shapes()
    whole = known.of(obj(data=obj(type={"const": "things"}, attributes=A)))
    found = json_api_layout(known, whole, known.of({}))
    assert (found.wrap, found.record, found.values) == ((), ("data",), ("attributes",))
    assert (list(found.taken), list(found.shown)) == (["name", "note"], [])
    assert json_api_type(known, whole, known.of({})) == "things"
    assert json_api_type(known, known.of({}), known.of({})) == ""


ITEM = obj(message=TEXT, code=TEXT, field=TEXT)


@pytest.mark.parametrize(
    ("failure", "places"),
    [
        (obj(message=TEXT), {"message": "/message"}),
        (obj(detail=TEXT, title=TEXT, type=TEXT), {"message": "/detail", "code": "/type"}),
        (obj(error=ITEM), {"items": ["/error"], "message": "/message", "code": "/code", "field": "/field"}),
        (
            obj(errors={"type": "array", "items": obj(detail=TEXT, pointer=TEXT)}),
            {"items": ["/errors"], "message": "/detail", "field": "/pointer"},
        ),
        (obj(message=TEXT, errors={"type": "array", "items": TEXT}), {"message": "/message"}),
        (obj(message=TEXT, error=obj(x=TEXT)), {"message": "/message", "code": "/error"}),
        (obj(message=TEXT, request_id=TEXT), {"message": "/message", "request_id": "/request_id"}),
        (obj(code=TEXT), {}),
        (TEXT, {}),
        ({}, {}),
    ],
)
def test_where_failures_say_what_is_wrong(failure: Any, places: dict[str, Any]) -> None:
    known = shapes()
    assert error_places(known, known.of(failure)) == places
