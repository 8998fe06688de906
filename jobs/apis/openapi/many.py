"""How many records may be read at once: what a document has that looks like it, as suggestions."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jobs.apis.documents import mapping
from jobs.apis.openapi.candidates import Candidate, holes
from jobs.apis.openapi.messages import body_of, parameters, success_of
from jobs.apis.openapi.schemas import Shape, Shapes
from jobs.apis.openapi.toml import pair
from jobs.names import pointer_to

_IDS: Final = frozenset({"id", "ids", "idin", "filterid", "filterids"})
"""Names of query parameters for many ids, without what joins their words."""

_END: Final = re.compile(r"/[^/]*\{[^/]*\}[^/]*$")
_PLAIN: Final = re.compile(r"[!-z|~]+")


def suggestions(shapes: Shapes, candidate: Candidate, path: str, name: str) -> Iterator[str]:
    """Yield lines of TOML for the ways to read many records that the document seems to have.

    Args:
        shapes: of the document.
        candidate: the type of records.
        path: of one record, with variables as the draft names them.
        name: of the resource.
    """
    document, above = shapes.document, _END.sub("", candidate.path)
    below = _END.sub("", path)
    paths = mapping(document.data.get("paths"))
    batch = mapping(mapping(document.resolved(paths.get(f"{above}/batch/read"))).get("post"))
    if above and batch:
        yield from _batch(shapes, batch, f"{below}/batch/read", name)
        return
    for found, given_item in paths.items() if above else ():
        item = document.resolved(given_item)
        reading = mapping(item.get("get"))
        if not reading or not found.startswith(above) or set(holes(found)) - set(holes(above)):
            continue
        given = parameters(document, item, reading)
        ids = next((each.name for each in given if each.place == "query" and _is_ids(each.name, above)), "")
        if ids and _PLAIN.fullmatch(found[len(above) :] or "/"):
            yield from _read_many(shapes, reading, below + found[len(above) :], ids, name)
            return


def _is_ids(name: str, above: str) -> bool:
    """Return whether a query parameter takes the ids of records: by its name, or that of the records before `ids`."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    stem = re.sub(r"(?:ies|es|s)$", "", re.sub(r"[^a-z]", "", above.rpartition("/")[2].lower()))
    return plain in _IDS or bool(
        stem and plain.startswith(stem) and plain.endswith("ids") and len(plain) < len(stem) + 6
    )


def _batch(shapes: Shapes, operation: Mapping[str, Any], path: str, name: str) -> Iterator[str]:
    """Yield the lines of a POST that takes a list of objects with ids."""
    body = body_of(shapes.document, {}, operation)
    members = shapes.of(body.schema).members if body else {}
    inputs = next(
        (each for each, schema in members.items() if "id" in shapes.of(shapes.of(schema).element).members), ""
    )
    if not inputs:
        return
    shape = shapes.of(success_of(shapes.document, operation)[1])
    asked = {"properties": ["{fields}"]} if "properties" in members else {}
    yield f"[resources.{name}.read_many]"
    yield pair("method", "POST")
    yield pair("path", path)
    yield pair("body", {inputs: [{"id": "{ids}"}], **asked})
    yield pair("records", _list_in(shapes, shape))
    yield pair("max_ids", 100)


def _read_many(shapes: Shapes, reading: object, path: str, ids: str, name: str) -> Iterator[str]:
    shape = shapes.of(success_of(shapes.document, mapping(reading))[1])
    yield f"[resources.{name}.read_many]"
    yield pair("path", path)
    yield pair("query", {ids: ["{ids}"] if ids.endswith("[]") else "{ids}"})
    yield pair("records", _list_in(shapes, shape))
    yield pair("max_ids", 100)


def _list_in(shapes: Shapes, shape: Shape) -> str:
    """Return where a page holds its list: the page itself, or its first member that is a list of objects."""
    lists = ((name, shapes.of(each)) for name, each in shape.members.items())
    return next((pointer_to((name,)) for name, each in lists if each.kind == "list" and each.of is None), "")
